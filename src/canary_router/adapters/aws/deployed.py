"""What is deployed, and who asks: the ports by which a person looks after a router."""

import json
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from canary_router import settings
from canary_router.adapters.aws.trouble import code_of, read
from canary_router.errors import NotVisible, Unavailable
from canary_router.ports.operation import Function

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sts import STSClient

_DENIED = ("AccessDenied", "AccessDeniedException")


class LambdaFunctions:
    """Looks functions up with GetFunctionConfiguration."""

    def __init__(self, client: "LambdaClient") -> None:
        """Args: a client of Lambda."""
        self._client = client

    def find(self, name: str) -> Function | None:
        """The function; None when there is none of that name, or no such version or alias of it."""
        what = f"looking up the function {name}"

        def call() -> Function | None:
            try:
                answer = self._client.get_function_configuration(FunctionName=name)
            except Exception as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                if code_of(error) in _DENIED:
                    raise NotVisible(f"{what}: {error}") from error
                raise
            variables = answer.get("Environment", {}).get("Variables", {})
            return Function(answer["FunctionArn"], answer.get("State", "Active"), dict(variables))

        return read(what, call)


class LambdaNudge:
    """Invokes the controller's function without waiting for it."""

    def __init__(self, client: "LambdaClient", environment: str) -> None:
        """Args: a client of Lambda, and the router's environment."""
        self._client = client
        self._name = settings.function_name(environment, "outcome")

    def nudge(self) -> None:
        """Sends the nudge."""
        payload = json.dumps({"source": settings.EVENT_SOURCE, "detail-type": "Nudge"}).encode()
        read(
            f"telling {self._name}",  # a second nudge does nothing that one would not
            lambda: self._client.invoke(FunctionName=self._name, InvocationType="Event", Payload=payload),
        )


class StsCaller:
    """Asks the Security Token Service, which answers everybody whose credentials are valid."""

    def __init__(self, client: "STSClient") -> None:
        """Args: a client of STS."""
        self._client = client

    def who(self) -> str:
        """The caller's ARN."""
        arn = read("asking who you are", lambda: self._client.get_caller_identity()["Arn"])
        if not arn:
            raise Unavailable("asking who you are: the answer names nobody")
        return arn

    def seconds_ahead(self) -> float:
        """By the date of an answer, which has whole seconds; half of the time on the way is taken off."""

        def call() -> float:
            sent = time.time()
            headers = self._client.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
            answered = parsedate_to_datetime(headers["date"]).timestamp()
            # The date is cut to the second: on average it is half a second too old.
            return (sent + time.time()) / 2 - (answered + 0.5)

        return read("asking what time it is", call)

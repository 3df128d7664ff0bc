"""What a front-end application imports: it finds the router by its environment, sends jobs, and waits for their end.

    from canary_router.client import RouterClient, new_key

    router = RouterClient("production")
    transform = router.submit("transformer", {"year": 2014}, idempotency_key=new_key())
    print(router.wait(transform).status)

Nothing but the environment's name is configured: address and key come from Cloud Map and Secrets Manager, for which the
caller needs ``servicediscovery:DiscoverInstances`` and ``secretsmanager:GetSecretValue``. An error is of the class that
the router itself raised (``canary_router.errors``): ``StartUnknown`` means that the job may run, every other that it
does not.
"""

import json
import logging
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import boto3

from canary_router.client.answers import Transform, error_from, is_a_strangers, transform_from
from canary_router.client.discovery import Directory, Location
from canary_router.client.transport import Answer, Transport
from canary_router.errors import (
    CanaryRouterError,
    ConfigurationError,
    InvalidInput,
    NoCurrentVersion,
    NotInTime,
    RecordUnavailable,
    StartUnknown,
    Unavailable,
)

__all__ = ["RouterClient", "Transform", "Tuning", "new_key"]

_log = logging.getLogger(__name__)
_NOTHING_STARTED = (Unavailable, NoCurrentVersion, RecordUnavailable)
_LONGEST_PAUSE = 20.0


@dataclass(frozen=True)
class Tuning:
    """How patient a client is. Times are seconds.

    Attributes:
        attempts: How often a call is sent at most, when sending it again is safe.
        connect_seconds: Patience with a connection.
        read_seconds: Patience with an answer; API Gateway itself gives up after 29.
        remember_seconds: How long address and key are used before they are looked up again.
        connections: How many connections are kept: as many as threads use the client at a time.
    """

    attempts: int = 4
    connect_seconds: float = 3.0
    read_seconds: float = 30.0
    remember_seconds: float = 300.0
    connections: int = 10


def new_key() -> str:
    """An idempotency key that nobody else has. Keep it with the job: sent again, it gives the same transform."""
    return secrets.token_urlsafe(24)


class RouterClient:
    """One environment's router. Make one and keep it: it holds connections, and may be used from many threads.

    Args:
        environment: Name of the environment, for example ``production``.
        session: boto3 session to find the router with; by default boto3's own.
        tuning: Patience; the default suits a web application.
    """

    def __init__(self, environment: str, *, session: boto3.Session | None = None, tuning: Tuning | None = None) -> None:
        self._tuning = tuning or Tuning()
        self._directory = Directory(environment, session or boto3.Session(), self._tuning.remember_seconds)
        self._transport = Transport(
            connect_seconds=self._tuning.connect_seconds,
            read_seconds=self._tuning.read_seconds,
            connections=self._tuning.connections,
        )

    @property
    def endpoint(self) -> str:
        """The router's address.

        Raises:
            CanaryRouterError: It cannot be found.
        """
        return self._directory.locate().endpoint

    def submit(self, service: str, document: Any, *, idempotency_key: str | None = None) -> Transform:
        """Sends one job, and returns as soon as it was started.

        A key makes this safe to repeat, here and by the caller: sent again with the same key, the same job is
        answered. It costs the router a write for every job, so none is made up unasked; ``new_key`` makes one.
        Without a key, a call is only sent again when it is certain that nothing was started.

        Args:
            service: The service's name.
            document: The job's input, as a JSON value of up to 256 KiB.
            idempotency_key: 1 to 128 printable ASCII characters that name this job and no other.

        Returns:
            The transform: where the job runs, and under which id.

        Raises:
            StartUnknown: The answer was lost, as often as the call was sent: the job may run.
            Unavailable: The router cannot be reached, or has more to do than it takes (``Throttled``).
            NoCurrentVersion: Nothing can serve the job.
            RecordUnavailable: The job has a key and the router's table does not answer.
            NotStartedOnCurrent: The pipeline failed to start the job.
            NotFound: There is no such router or service.
            KeyReused: The key belongs to another job.
            InvalidInput: The input is no JSON or too large, or the key is malformed.
            AccessRefused: AWS or the router refuses the caller.
            ConfigurationError: What Cloud Map says of the router cannot be right.
        """
        try:
            body = json.dumps(document, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"The job's input is not JSON: {error}", advice="Send plain JSON values.") from error
        headers = {"Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        repeatable = (*_NOTHING_STARTED, StartUnknown) if idempotency_key is not None else _NOTHING_STARTED

        def send(at: Location) -> Answer:
            url = f"{at.endpoint}/services/{quote(service, safe='')}/transforms"
            return self._transport.send("POST", url, headers | {"x-api-key": at.api_key}, body)

        return self._patiently(send, repeatable)

    def status(self, transform: Transform) -> Transform:
        """The transform with its status now.

        Raises:
            NotFound: The router does not know it.
            CanaryRouterError: As ``submit``, but that nothing is started by asking.
        """
        return self._ask(transform.status_url)

    def find(self, service: str, transform_id: str, execution_arn: str | None = None) -> Transform:
        """A job by its id, for a caller that kept nothing else: a web page's address, a row of a table.

        Args:
            service: The service that it was sent to.
            transform_id: Its id.
            execution_arn: Its execution, where that was kept too: most jobs on the current version are not on the
                router's record, and one that has left the current version is found by nothing else.

        Raises:
            CanaryRouterError: As ``status``.
        """
        url = f"/services/{quote(service, safe='')}/transforms/{quote(transform_id, safe='')}"
        return self._ask(url if execution_arn is None else f"{url}?execution_arn={quote(execution_arn, safe=':')}")

    def wait(self, transform: Transform, *, timeout: float = 86_400, poll: float = 5.0) -> Transform:
        """Waits for the end of a job, however it ends; a router that is away for a while is waited for too.

        Args:
            transform: What ``submit`` returned.
            timeout: Seconds to wait at most.
            poll: Seconds between two looks. Each one may cost the account a DescribeExecution, of which AWS
                grants about 15 a second to all callers together.

        Raises:
            NotInTime: The job had not ended. It goes on.
            CanaryRouterError: As ``status``.
        """
        until = time.monotonic() + timeout
        last = transform
        while not last.is_final:
            try:
                last = self.status(last)
            except _NOTHING_STARTED:
                if time.monotonic() >= until:
                    raise
            if not last.is_final:
                if time.monotonic() >= until:
                    raise NotInTime(
                        f"{last.transform_id} of {last.service} was still {last.status} after {timeout:g} s",
                        advice="It goes on; wait again with the same transform.",
                    )
                time.sleep(max(0.0, min(poll, until - time.monotonic())))
        return last

    def _ask(self, status_url: str) -> Transform:
        def send(at: Location) -> Answer:
            try:
                return self._transport.send("GET", f"{at.endpoint}{status_url}", {"x-api-key": at.api_key})
            except StartUnknown as error:
                raise Unavailable(str(error), advice="Ask again.") from error

        return self._patiently(send, _NOTHING_STARTED, submits=False)

    def _patiently(
        self,
        send: Callable[[Location], Answer],
        repeatable: tuple[type[CanaryRouterError], ...],
        *,
        submits: bool = True,
    ) -> Transform:
        for attempt in range(1, self._tuning.attempts + 1):
            location = self._directory.locate()
            pause = random.uniform(0, 0.2 * 2**attempt)  # noqa: S311 - jitter, not a secret
            try:
                answer = self._where_it_is(send, location)
            except repeatable as error:
                if attempt == self._tuning.attempts:
                    raise
                failure: CanaryRouterError = error
            else:
                if answer.status in (200, 202):
                    return transform_from(answer)
                failure = error_from(answer, submitted=submits)
                if attempt == self._tuning.attempts or not isinstance(failure, repeatable):
                    raise failure
                pause = max(pause, answer.retry_after)
            _log.info("Sending it again in %.1f s: %s", pause, failure)
            time.sleep(min(_LONGEST_PAUSE, pause))
        raise ConfigurationError(
            f"A client with {self._tuning.attempts} attempts sends nothing", advice="Give 1 or more."
        )

    def _where_it_is(self, send: Callable[[Location], Answer], remembered: Location) -> Answer:
        """Sends it, and once more when the router has another key or another address than was remembered."""
        try:
            answer = send(remembered)
        except Unavailable:
            moved = self._moved_to(remembered)
            if moved is None:
                raise
            return send(moved)
        if answer.status == HTTPStatus.FORBIDDEN or is_a_strangers(answer):
            anew = self._directory.locate_anew(remembered)
            return answer if anew == remembered else send(anew)
        return answer

    def _moved_to(self, unreachable: Location) -> Location | None:
        try:
            anew = self._directory.locate_anew(unreachable)
        except CanaryRouterError as error:
            # In the middle of a deployment nothing may be registered. That passes, as the router's absence does.
            _log.warning("The router cannot be reached, nor looked up anew: %s", error)
            return None
        return None if anew == unreachable else anew

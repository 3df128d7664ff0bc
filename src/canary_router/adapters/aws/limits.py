"""How much the router's API, the account and Lambda let through."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from canary_router.adapters.aws.trouble import code_of, read
from canary_router.errors import NotVisible
from canary_router.ports.operation import Throttle

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_lambda import LambdaClient

T = TypeVar("T")
_DENIED = ("AccessDenied", "AccessDeniedException")
_ALL_METHODS = "*/*"


class AwsLimits:
    """Reads the settings; what no setting says has no limit."""

    def __init__(self, gateway: "APIGatewayClient", functions: "LambdaClient", environment: str) -> None:
        """Args: clients of API Gateway and Lambda, and the router's environment."""
        self._gateway = gateway
        self._functions = functions
        self._name = f"canary-router-{environment}"

    def api(self) -> Throttle | None:
        """The throttle of the first stage of the API that bears the router's name."""

        def call() -> Throttle | None:
            for page in self._gateway.get_paginator("get_rest_apis").paginate():
                for api in page.get("items", []):
                    if api.get("name") == self._name:
                        return self._throttle_of(api["id"])
            return None

        return _visible(f"looking up the API {self._name}", call)

    def _throttle_of(self, api_id: str) -> Throttle | None:
        for stage in self._gateway.get_stages(restApiId=api_id).get("item", []):
            found = stage.get("methodSettings", {}).get(_ALL_METHODS, {})
            return Throttle(_limit(found.get("throttlingRateLimit")), _whole(found.get("throttlingBurstLimit")))
        return None

    def account(self) -> Throttle:
        """The account's throttle."""

        def call() -> Throttle:
            found = self._gateway.get_account().get("throttleSettings", {})
            return Throttle(_limit(found.get("rateLimit")), _whole(found.get("burstLimit")))

        return _visible("looking up the account's limits of API Gateway", call)

    def concurrency(self) -> int:
        """Lambda's limit, less what functions have reserved for themselves."""
        return _visible(
            "looking up the account's limits of Lambda",
            lambda: int(self._functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]),
        )


def _visible(what: str, call: Callable[[], T]) -> T:
    def seen() -> T:
        try:
            return call()
        except Exception as error:
            if code_of(error) in _DENIED:
                raise NotVisible(f"{what}: {error}") from error
            raise

    return read(what, seen)


def _limit(value: float | None) -> float | None:
    """API Gateway says -1 where there is no limit."""
    return None if value is None or value < 0 else float(value)


def _whole(value: int | None) -> int | None:
    return None if value is None or value < 0 else int(value)

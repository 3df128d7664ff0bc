"""The router's API as a front-end finds it, for ``doctor``."""

from typing import TYPE_CHECKING

from canary_router.errors import NotFound, StartUnknown, Unavailable

if TYPE_CHECKING:
    import boto3

_NOBODY = "canary-router-doctor"


class ClientDoor:
    """Knocks with the client that front-ends use."""

    def __init__(self, environment: str, session: "boto3.Session") -> None:
        """Looks nothing up before somebody knocks."""
        self._environment = environment
        self._session = session

    def knock(self, service: str) -> None:
        """Asks for a job that nobody has. That the router does not know it is the answer that is hoped for."""
        from canary_router.client import RouterClient, Tuning

        client = RouterClient(self._environment, session=self._session, tuning=Tuning(attempts=2))
        at = client.endpoint  # a router that is not registered is another NotFound than a job that is not there
        try:
            client.find(service, _NOBODY)
        except NotFound as error:
            if _NOBODY not in str(error):
                raise Unavailable(
                    f"What answers at {at} is no router: {error}",
                    advice="Correct the attribute 'endpoint' in Cloud Map.",
                ) from error
        except StartUnknown as error:
            raise Unavailable(f"What answers at {at} is no router: {error}", advice=error.advice) from error

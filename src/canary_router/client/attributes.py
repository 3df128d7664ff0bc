"""What stacks have published with ``Publish``, for running code: Cloud Map, asked once for each call.

    from canary_router.client.attributes import published

    bucket = published("production", "shared")["bucket"]

The caller needs ``servicediscovery:DiscoverInstances``. Nothing is remembered here: keep what you got, for as long as
you do not mind that it may have changed.
"""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from canary_router import settings
from canary_router.client.discovery import NOT_THERE, cloud_map_client, trouble
from canary_router.errors import NotPublished


class Attributes(dict[str, str]):
    """A stack's attributes by name. One that is not there is named by the error, with the remedy."""

    def __init__(self, environment: str, stack: str, attributes: dict[str, str]) -> None:
        super().__init__(attributes)
        self._environment = environment
        self._stack = stack

    def __missing__(self, name: str) -> str:
        raise NotPublished(self._environment, self._stack, name, _place(self._environment, self._stack))


def published(environment: str, stack: str, session: boto3.Session | None = None) -> Attributes:
    """Looks up what a stack has published.

    Args:
        environment: Name of the environment.
        stack: Name under which the stack publishes, for example ``shared``.
        session: Session to ask with; None takes boto3's own choice of credentials and region.

    Raises:
        NotPublished: The stack has published nothing there. So does reading an attribute that is not among them.
        AccessRefused: The caller may not ask Cloud Map.
        ConfigurationError: There is no region.
        Unavailable: Cloud Map does not answer.
    """
    what = f"What the stack {stack!r} of {environment!r} has published cannot be looked up in Cloud Map"
    try:
        answer = cloud_map_client(session or boto3.Session()).discover_instances(
            NamespaceName=settings.attribute_namespace(environment), ServiceName=stack, HealthStatus="ALL"
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code", "") in NOT_THERE:
            raise NotPublished(environment, stack, "", _place(environment, stack)) from error
        raise trouble(what, error) from error
    except BotoCoreError as error:
        raise trouble(what, error) from error
    for instance in answer["Instances"]:
        if instance["InstanceId"] == stack:
            own = {name: text for name, text in instance["Attributes"].items() if not name.startswith("AWS_")}
            return Attributes(environment, stack, own)
    raise NotPublished(environment, stack, "", _place(environment, stack))


def _place(environment: str, stack: str) -> str:
    return f"Cloud Map's service {stack!r} of the namespace {settings.attribute_namespace(environment)!r}"

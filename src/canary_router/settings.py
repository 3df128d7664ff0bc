"""Every public name, default and environment variable, in one place.

The constructs that deploy the router and the code that runs in it both read this module, so a name cannot
differ between them. Times are seconds unless the name says otherwise.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from canary_router.errors import ConfigurationError

BLANK = "none"
"""What a blank pointer holds: SSM refuses an empty value."""

CLOUD_MAP_NAMESPACE = "canary-router"
CLOUD_MAP_SERVICE = "router"
EVENT_SOURCE = "canary-router"
METRIC_NAMESPACE = "CanaryRouter"
INPUT_LIMIT_BYTES = 256 * 1024
"""Step Functions' limit for the input of an execution."""

INPUT_NESTING_AT_MOST = 256
"""Levels of arrays and objects in a job's input. Parsers on its way give up somewhere near 1,000."""

# The table. One table per environment holds every item; the first index lists the transforms of one release (or
# of the current version), the second those whose end is not known yet, oldest first.
PARTITION_KEY = "pk"
SORT_KEY = "sk"
RELEASE_INDEX = "by-release"
RELEASE_INDEX_KEY = "release_key"
PENDING_INDEX = "pending"
PENDING_INDEX_KEY = "pending"
INDEX_SORT_KEY = "created_at"
"""Sort key of both indexes: epoch milliseconds, a number."""
TTL_ATTRIBUTE = "expires_at"
"""Epoch seconds, as DynamoDB's time to live asks for."""

TAG_ENVIRONMENT = "canary-router:environment"
TAG_SERVICE = "canary-router:service"
TAG_VERSION = "canary-router:version"
TAG_COMMIT = "canary-router:commit"

NAME_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
"""Form of an environment's and a service's name: it becomes part of stack, table and parameter names."""

STACK_PATTERN = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]")
"""Form of a name under which a stack publishes, such as ``shared`` or ``transformer-v1-2-0``: it is the name of a
service in Cloud Map, too, which takes 63 characters."""

ATTRIBUTE_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,99}")
"""Form of a published attribute's name."""

_PUBLISHED = re.compile(r"/canary-router/(?P<environment>[^/]+)/attributes/(?P<stack>[^/]+)/(?P<attribute>[^/]+)")

_SLUG_WITHIN = re.compile(r"-v[0-9]+-[0-9]+-[0-9]+(?:-|$)")

REQUEST_HANDLER = "canary_router.lambdas.request.handler"
OUTCOME_HANDLER = "canary_router.lambdas.outcome.handler"
RELEASE_HANDLER = "canary_router.lambdas.release.handler"
NOTIFY_HANDLER = "canary_router.lambdas.notify.handler"
VERDICT_HANDLER = "canary_router.lambdas.verdict.handler"
PRUNE_HANDLER = "canary_router.lambdas.prune.handler"

# What a stage's pipeline is made of. The function that answers its question finds stage and action by these names.
SOURCE_ACTION = "Source"
VERDICT_ACTION = "Verdict"
"""The stage of the pipeline that waits for the verdict, and the one action in it."""

OUTCOME_TIMEOUT = 60
"""Timeout of the controller's function. The lease must outlive it."""
LEASE_SECONDS = 90
POINTER_TTL = 5.0
RELEASE_TTL = 1.0
FULL_RELEASE_TTL = 5.0
"""Of a release whose places are taken, while more may come: a job of a batch ends much later than that."""
STALE_POINTERS_LIMIT = 3600.0
REQUEST_SECONDS = 27.0
"""How long the router may take to answer: API Gateway cuts at 29 seconds."""
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 3.0
"""The longest wait for an answer to one attempt of a call that is not an invocation."""
INVOKE_SECONDS = 9.0
"""The longest time of one invocation: a second to connect, the rest for the answer."""
CALL_SECONDS = 6.0
"""The longest time of any other call, its repetitions included (``adapters/aws/trouble.py``)."""
LOOK_UP_SECONDS = 3.0
"""After this time Step Functions shows every execution that was started: DescribeExecution is eventually consistent."""
GRACE_SECONDS = 960.0
"""After this time an admitted transform without an execution cannot start any more: longer than the 900 seconds
that a pipeline's function may run, and than any request."""
RECORD_DAYS = 90

ENV_ENVIRONMENT = "CANARY_ROUTER_ENVIRONMENT"
ENV_SERVICES = "CANARY_ROUTER_SERVICES"
ENV_POINTER_TTL = "CANARY_ROUTER_POINTER_TTL"
ENV_GRACE = "CANARY_ROUTER_GRACE"
ENV_STAGE = "CANARY_ROUTER_STAGE"
ENV_HOME = "CANARY_ROUTER_HOME"
ENV_TOPIC = "CANARY_ROUTER_TOPIC"
ENV_WEBHOOK = "CANARY_ROUTER_WEBHOOK"
ENV_KEEP = "CANARY_ROUTER_KEEP"
ENV_DRAIN = "CANARY_ROUTER_DRAIN"
ENV_DELETION_ROLE = "CANARY_ROUTER_DELETION_ROLE"


def table_name(environment: str) -> str:
    """Name of the table that holds an environment's record."""
    return f"canary-router-{environment}"


def function_name(environment: str, role: str) -> str:
    """Name of one of the router's own functions; ``role`` is such as ``request``, ``outcome`` or ``release``."""
    return f"canary-router-{environment}-{role}"


def parameter_name(environment: str, service: str, leaf: str) -> str:
    """Name of an SSM parameter; ``leaf`` is ``current``, ``latest`` or ``policy``."""
    return f"/canary-router/{environment}/{service}/{leaf}"


def attribute_parameter_name(environment: str, stack: str, attribute: str) -> str:
    """Name of the SSM parameter that holds what a stack has published. No service's parameter has as many parts."""
    return f"/canary-router/{environment}/attributes/{stack}/{attribute}"


def published_attribute(parameter: str) -> tuple[str, str, str] | None:
    """Environment, stack and attribute that a parameter's name stands for; None if it stands for something else."""
    found = _PUBLISHED.fullmatch(parameter)
    return (found["environment"], found["stack"], found["attribute"]) if found else None


def attribute_namespace(environment: str) -> str:
    """Name of the Cloud Map namespace in which an environment's stacks publish: a service each, with one instance."""
    return f"{CLOUD_MAP_NAMESPACE}-{environment}"


def slug(tag: str) -> str:
    """The tag as it stands in names of stacks: dots become dashes (``v1.2.0`` -> ``v1-2-0``)."""
    return tag.replace(".", "-")


def has_slug(service: str) -> bool:
    """Whether a service's name has a version's slug in it, as ``etl-v1-0-0-x`` has.

    Its stacks would be named like pre-releases of another service: ``etl-v1-0-0-x-v2-0-0`` like ``v1.0.0-x.v2.0.0``
    of ``etl``.
    """
    return _SLUG_WITHIN.search(service) is not None


def stack_name(service: str, tag: str) -> str:
    """Name of an immutable stack, and of the state machine in it."""
    return f"{service}-{slug(tag)}"


def pipeline_function_name(service: str, tag: str) -> str:
    """Name of the pipeline function in an immutable stack."""
    return f"{stack_name(service, tag)}-pipeline"


def stage_pipeline_name(service: str, stage: str) -> str:
    """Name of the pipeline that brings a service's versions into a stage."""
    return f"{service}-{stage}"


@dataclass(frozen=True)
class Settings:
    """What a running part of the router needs to know about where it is.

    Attributes:
        environment: Name of the environment, for example ``staging``.
        services: The services that this router serves; empty means any.
        pointer_ttl: Seconds for which pointers that were read are used again; 0 reads at every request.
        grace: Seconds after which an admitted transform without an execution counts as not started.
    """

    environment: str
    services: tuple[str, ...] = ()
    pointer_ttl: float = POINTER_TTL
    grace: float = GRACE_SECONDS

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Reads the settings of a Lambda function from its environment variables.

        Raises:
            ConfigurationError: A variable is missing or malformed; the message names it.
        """
        environment = env.get(ENV_ENVIRONMENT, "")
        if not NAME_PATTERN.fullmatch(environment):
            raise ConfigurationError(
                f"{ENV_ENVIRONMENT} is {environment!r}, which is not the name of an environment",
                advice="Set it to lower-case letters, digits and dashes, for example 'staging'.",
            )
        services = tuple(name for name in env.get(ENV_SERVICES, "").split(",") if name)
        return cls(
            environment=environment,
            services=services,
            pointer_ttl=_seconds(env, ENV_POINTER_TTL, POINTER_TTL),
            grace=_seconds(env, ENV_GRACE, GRACE_SECONDS),
        )


def _seconds(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ConfigurationError(
            f"{name} is {text!r}, which is not a number of seconds", advice="Set a number from 0 upwards, or unset it."
        )
    return value

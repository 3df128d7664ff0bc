"""What a user may choose about a router."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from canary_router import settings
from canary_router.cdk.notifications import NotificationOptions
from canary_router.core.gate_words import planned
from canary_router.core.policy import Policy
from canary_router.core.retirement import DRAIN_SECONDS, KEEP
from canary_router.errors import ConfigurationError

MAX_SERVICES = 10
"""Services of one router: with more, a role's policies could exceed IAM's 10,240 characters, and the rule's pattern
EventBridge's 2,048."""


@dataclass(frozen=True)
class ExtraTarget:
    """A pipeline whose names do not follow the contract, so that it has to be allowed by name.

    Attributes:
        pipeline_function: Name of the pipeline function, in the router's account and region.
        state_machine: Name of the state machine that it starts.
    """

    pipeline_function: str
    state_machine: str


@dataclass(frozen=True, kw_only=True)
class Prune:
    """Retires old versions' stacks on a schedule, as ``canary-router prune`` does.

    Attributes:
        keep: How many of the newest versions stay in any case.
        drain: Seconds for which a version stays after its last use. Step Functions can redrive a job for 14 days.
        schedule: When to look; None is once a day.
        deletion_role: ARN of the role with which CloudFormation deletes a stack. None leaves it to the role that the
            stack was deployed with, which the CDK's bootstrap gives each one: then this function needs no more rights
            than to ask for the deletion.
    """

    keep: int = KEEP
    drain: int = DRAIN_SECONDS
    schedule: events.Schedule | None = None
    deletion_role: str | None = None


@dataclass(frozen=True, kw_only=True)
class RouterOptions:
    """Options of a router. Each default is fit for production.

    Attributes:
        policies: Policy of a service, by the service's name; a service without one has the default policy, or what
            is written to its parameter by other means.
        extra_targets: Pipelines outside the naming convention.
        pointer_ttl: Seconds for which the request function uses pointers again that it has read.
        grace: Seconds after which an admitted transform without an execution counts as not started.
        requests_per_second: Throttle of the API, steady.
        burst: Throttle of the API, at once.
        request_memory: Megabytes of the request function, 128 to 10,240. They buy processor time, a whole processor at
            1,769. A warm request takes 0.15 ms of it: this shortens cold starts and little else. As measured in
            ``bench/RESULTS.md``, to the first answer: 128 MB 609 ms, 256 284, 512 179, 1,024 117, 1,769 97.
        snap_start: Start the request function from a snapshot of it, initialised. Needs Python 3.12 or newer, and
            Lambda bills the snapshot. It saves the initialisation, some 70 ms, and takes what restoring takes; the
            first request's own work stays, so more memory comes first.
        architecture: Processor of the functions.
        log_retention: How long logs are kept.
        removal_policy: What becomes of the table when the stack is removed. Unless it is ``DESTROY``, the table is
            protected against deletion too.
        sets_api_log_role: Whether to set the role by which API Gateway writes logs. It belongs to the whole account
            and region; False where it is set already.
        cloud_map_service_id: Id of the Cloud Map service ``router`` where another environment of this account has
            made it (see ``shared_cloud_map_service``); None makes it.
        endpoint: Makes the URL under which clients find the API of the id that it is given, for example behind a
            domain of your own; None takes API Gateway's own URL.
        alarm_topic: Topic that the alarms tell.
        notifications: Where people are told of releases; None tells nobody. The events are on the default bus anyway.
        dashboard: Whether CloudWatch shows a dashboard of the router. An account's first three are free.
        prune: Retires old versions on a schedule; None leaves that to people.
    """

    policies: Mapping[str, Policy] = field(default_factory=dict)
    extra_targets: Sequence[ExtraTarget] = ()
    pointer_ttl: float = settings.POINTER_TTL
    grace: float = settings.GRACE_SECONDS
    requests_per_second: int = 50
    burst: int = 100
    request_memory: int = 512
    snap_start: bool = False
    architecture: lambda_.Architecture = lambda_.Architecture.ARM_64
    log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN
    sets_api_log_role: bool = True
    cloud_map_service_id: str | None = None
    endpoint: Callable[[str], str] | None = None
    alarm_topic: sns.ITopic | None = None
    notifications: NotificationOptions | None = None
    dashboard: bool = True
    prune: Prune | None = None


def check_no_slug(service: str) -> None:
    """Refuses a service whose stacks would be named like another service's.

    Raises:
        ConfigurationError: Its name has the form of a version in it.
    """
    if settings.has_slug(service):
        raise ConfigurationError(
            f"{service!r} is not the name of a service: it has the form of a version in it",
            advice="Its stacks would be named like another service's. Name it without -v1-2-3.",
        )


_LEAST_MEMORY, _MOST_MEMORY = 128, 10_240
"""Megabytes, as Lambda offers them."""


_LEAST_DRAIN = int(settings.STALE_POINTERS_LIMIT)


def check_router(environment: str, services: Sequence[str], options: RouterOptions) -> None:
    """Refuses at synthesis what would fail, or silently do nothing, after the deployment.

    Raises:
        ConfigurationError: A name is malformed or given twice, there are too many services or none, or a policy is
            for a service that is not served.
        InvalidPolicy: A policy's gate cannot keep what it promises.
    """
    for name in (environment, *services):
        if not settings.NAME_PATTERN.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} is not the name of an environment or a service",
                advice="Use 2 to 40 lower-case letters, digits and dashes, beginning with a letter.",
            )
    for name in services:
        check_no_slug(name)
    if not 1 <= len(services) <= MAX_SERVICES or len(set(services)) < len(services):
        raise ConfigurationError(
            f"A router serves 1 to {MAX_SERVICES} different services, not {list(services)}",
            advice="Give the others an environment of their own.",
        )
    if not _LEAST_MEMORY <= options.request_memory <= _MOST_MEMORY:
        raise ConfigurationError(
            f"request_memory is {options.request_memory}, which Lambda does not offer",
            advice=f"Give megabytes from {_LEAST_MEMORY} to {_MOST_MEMORY}; 512 is the default.",
        )
    if options.snap_start and sys.version_info < (3, 12):
        raise ConfigurationError(
            f"snap_start needs a function of Python 3.12 or newer; this synthesis runs on {sys.version.split()[0]}",
            advice="Synthesise with a newer Python: the functions run on the one that synthesises.",
        )
    if options.prune is not None and (options.prune.keep < 0 or options.prune.drain < _LEAST_DRAIN):
        raise ConfigurationError(
            f"Prune keeps {options.prune.keep} versions and drains for {options.prune.drain} s",
            advice=f"Keep 0 or more, and drain for {_LEAST_DRAIN} s or more: a router that cannot read SSM goes on "
            "sending jobs to what was current an hour ago.",
        )
    if unserved := sorted(set(options.policies) - set(services)):
        raise ConfigurationError(
            f"There is a policy for {', '.join(unserved)}, which the router does not serve",
            advice="Add it to the services, or remove its policy.",
        )
    for policy in options.policies.values():
        planned(policy)

"""A stack for exactly one version: its name ends with the tag, and a newer version is another stack beside it."""

import re
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack, Tags
from constructs import Construct

from canary_router import settings
from canary_router.cdk.options import check_no_slug
from canary_router.errors import ConfigurationError

_CONTEXT = "canary-router:release"
"""Context key under which everything inside the stack finds the service, the tag and the environment."""

_COMMIT_CONTEXT = "commit"
"""Context key that the deploying build sets (``buildspecs/deploy.yml``)."""

_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_TAG = re.compile(rf"v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FUNCTION_NAME_LIMIT = 64


@dataclass(frozen=True)
class StackVersion:
    """Which version a stack is of, and for which router."""

    service: str
    tag: str
    environment: str
    commit: str = ""


def version_around(construct: Construct) -> StackVersion:
    """The version whose stack a construct lies in.

    Raises:
        ConfigurationError: It is outside an ``ImmutableStack``.
    """
    version = construct.node.try_get_context(_CONTEXT)
    if not isinstance(version, dict):
        raise ConfigurationError(
            f"{construct.node.path} is not inside an ImmutableStack",
            advice="Make the version's stack a subclass of canary_router.cdk.ImmutableStack.",
        )
    return StackVersion(version["service"], version["tag"], version["environment"], version["commit"])


class ImmutableStack(Stack):
    """The stack of one version of a service.

    Args:
        scope: The app or stage.
        service: Name of the service, for example ``transformer``.
        tag: Semantic version with a leading ``v``, for example ``v1.2.0`` or ``v1.3.0-rc.1``.
        environment: Name of the router's environment, for example ``staging``.
        commit: Full id of the commit that the version is built from: all in the stack is tagged with it, and its
            release has it on record. Where it is not given, the CDK context ``commit`` is taken, which the deploying
            build sets. Without either it is not known, and the version cannot be deployed by a pipeline again.
        **stack_options: What ``aws_cdk.Stack`` takes, such as ``env`` and ``synthesizer``.

    Attributes:
        service: Name of the service.
        tag: The version's tag.
        router_environment: Name of the router's environment (``Stack.environment`` means account and region).

    Raises:
        ConfigurationError: The service's name, the tag or the environment's name does not have the contract's form, or
            the commit, given or in the context, is no full id.
    """

    def __init__(
        self, scope: Construct, *, service: str, tag: str, environment: str, commit: str = "", **stack_options: Any
    ) -> None:
        _check_name("service", service)
        check_no_slug(service)
        _check_name("environment", environment)
        _check_tag(service, tag)
        commit = commit or _commit_of_context(scope)
        _check_commit(commit)
        name = settings.stack_name(service, tag)
        super().__init__(scope, name, stack_name=name, **stack_options)
        self.service = service
        self.tag = tag
        self.router_environment = environment
        self.node.set_context(_CONTEXT, {"service": service, "tag": tag, "environment": environment, "commit": commit})
        Tags.of(self).add(settings.TAG_ENVIRONMENT, environment)
        Tags.of(self).add(settings.TAG_SERVICE, service)
        Tags.of(self).add(settings.TAG_VERSION, tag)
        if commit:
            Tags.of(self).add(settings.TAG_COMMIT, commit)

    @property
    def pipeline_function_name(self) -> str:
        """The name that the version's pipeline function must have."""
        return settings.pipeline_function_name(self.service, self.tag)

    @property
    def state_machine_name(self) -> str:
        """The name that the version's state machine must have."""
        return settings.stack_name(self.service, self.tag)


def _check_name(what: str, name: str) -> None:
    if not settings.NAME_PATTERN.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not the name of {'an' if what[0] in 'aeiou' else 'a'} {what}",
            advice="Use 2 to 40 lower-case letters, digits and dashes, beginning with a letter, for example "
            f"{'staging' if what == 'environment' else 'transformer'!r}.",
        )


def _check_tag(service: str, tag: str) -> None:
    if not _TAG.fullmatch(tag):
        raise ConfigurationError(
            f"{tag!r} is not a version's tag",
            advice="Use a semantic version with a leading 'v' and no build part, such as 'v1.2.0' or 'v1.3.0-rc.1'.",
        )
    name = settings.pipeline_function_name(service, tag)
    if len(name) > _FUNCTION_NAME_LIMIT:
        raise ConfigurationError(
            f"The pipeline function would be named {name!r}, which has {len(name)} characters; "
            f"Lambda takes {_FUNCTION_NAME_LIMIT}",
            advice="Shorten the service's name or the tag's pre-release part.",
        )


def _commit_of_context(scope: Construct) -> Any:
    """What the deploying build has set: the commit is on record then, whatever the app knows of it."""
    given = scope.node.try_get_context(_COMMIT_CONTEXT)
    return "" if given is None else given


def _check_commit(commit: Any) -> None:
    if commit != "" and not (isinstance(commit, str) and _COMMIT.fullmatch(commit)):
        raise ConfigurationError(
            f"{commit!r} is not the full id of a commit",
            advice="Give all 40 hexadecimal digits, as git rev-parse HEAD prints them.",
        )

"""How stacks learn of each other: each publishes its attributes, and reads others' when it is deployed.

A published attribute is an SSM parameter, which CloudFormation reads when it deploys another stack, and an attribute
of an instance in Cloud Map, which running code asks. No stack exports anything: one that is read by others can be
changed and replaced, and is read again at their next deployment.
"""

import json
from collections.abc import Mapping

from aws_cdk import CfnParameter, Stack, Token
from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from canary_router import settings
from canary_router.errors import NAMESPACE_STACK, ConfigurationError

MOST_ATTRIBUTES = 30
MOST_CHARACTERS = 1024
MOST_CHARACTERS_IN_ALL = 5000
"""Cloud Map's limits: custom attributes of an instance, the length of one's value, all names and values together."""

_POINTERS = ("current", "latest")
_ROUTER_STACK = "router"
_NAMESPACE_ATTRIBUTE = "id"


class Publish(Construct):
    """Makes attributes of a stack known to the other stacks and applications of its environment.

    The stack that is deployed first in an environment uses ``PublishFirst``; the others find its namespace.

    Args:
        scope: The stack, or a construct in it.
        construct_id: Id in the scope.
        environment: Name of the environment.
        stack: Name under which others find the attributes, for example ``shared``: the same in every environment.
        attributes: Values by name, such as ``{"bucket": bucket.bucket_name}``. Published in clear: of a secret, the
            name and never the value.

    Raises:
        ConfigurationError: A name or a value is not of a form that SSM and Cloud Map both take.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: str, stack: str, attributes: Mapping[str, str]
    ) -> None:
        super().__init__(scope, construct_id)
        if stack in {_ROUTER_STACK, NAMESPACE_STACK}:
            raise ConfigurationError(
                f"{stack!r} is taken: Canary Router itself publishes under this name", advice="Choose another name."
            )
        _publish_parameters(self, environment, stack, attributes)
        service = servicediscovery.CfnService(
            self,
            "Service",
            name=stack,
            namespace_id=self._namespace_id(environment),
            description=f"What the stack {stack!r} of {environment!r} publishes, as one instance",
        )
        servicediscovery.CfnInstance(
            self,
            "Instance",
            service_id=service.attr_id,
            instance_id=stack,
            instance_attributes=dict(attributes),
        )

    def _namespace_id(self, environment: str) -> str:
        return Discover(self, "Namespace", environment=environment, stack=NAMESPACE_STACK)[_NAMESPACE_ATTRIBUTE]


class PublishFirst(Publish):
    """``Publish`` for the stack that is deployed first in an environment: it makes the Cloud Map namespace, too.

    Such a stack is the last one to be deleted, since Cloud Map keeps a namespace that has services in it.
    """

    def _namespace_id(self, environment: str) -> str:
        namespace = servicediscovery.CfnHttpNamespace(
            self,
            "Namespace",
            name=settings.attribute_namespace(environment),
            description=f"What the stacks of {environment!r} publish",
        )
        _publish_parameters(self, environment, NAMESPACE_STACK, {_NAMESPACE_ATTRIBUTE: namespace.attr_id})
        return namespace.attr_id


class Discover(Construct):
    """Reads what another stack has published, at the time when CloudFormation deploys this one.

    Each attribute becomes a parameter of this stack's template. A deployment that does not find one is refused before
    anything is changed, with the name of the SSM parameter; ``canary_router.preflight`` says more, and sooner.

    Args:
        scope: The stack that reads, or a construct in it.
        construct_id: Id in the scope.
        environment: Name of the environment.
        stack: Name under which the other stack publishes.

    Raises:
        ConfigurationError: A name does not have the form that it is published under.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: str, stack: str) -> None:
        super().__init__(scope, construct_id)
        _check_names(environment, stack)
        self._environment = environment
        self._stack = stack
        self._found: dict[str, CfnParameter] = {}

    def __getitem__(self, attribute: str) -> str:
        """The attribute's value, as a token: it is known at deployment only.

        Raises:
            ConfigurationError: No attribute can have this name.
        """
        _check_attribute_name(attribute)
        if attribute not in self._found:
            self._found[attribute] = CfnParameter(
                self,
                attribute,
                type="AWS::SSM::Parameter::Value<String>",
                default=settings.attribute_parameter_name(self._environment, self._stack, attribute),
                description=f"{attribute!r} of the stack {self._stack!r} in {self._environment!r}, which publishes it",
            )
        return self._found[attribute].value_as_string


def publish_router(scope: Construct, environment: str, attributes: Mapping[str, str]) -> None:
    """Lets other stacks ``Discover`` the router of their environment, as the stack ``router``.

    In Cloud Map it stands already, where applications look for it: in the one namespace of all routers.

    Args:
        scope: The router.
        environment: Name of the environment.
        attributes: What is registered in Cloud Map, too.
    """
    _publish_parameters(scope, environment, _ROUTER_STACK, attributes)


def _publish_parameters(scope: Construct, environment: str, stack: str, attributes: Mapping[str, str]) -> None:
    _check_names(environment, stack)
    _check_attributes(scope, stack, attributes)
    for name, value in attributes.items():
        ssm.CfnParameter(
            scope,
            f"{stack}-{name}",
            name=settings.attribute_parameter_name(environment, stack, name),
            type="String",
            value=value,
            description=f"{name!r} of the stack {stack!r}, for the other stacks of {environment!r}",
        )


def _check_names(environment: str, stack: str) -> None:
    if not settings.NAME_PATTERN.fullmatch(environment):
        raise ConfigurationError(
            f"{environment!r} is not the name of an environment",
            advice="Use 2 to 40 lower-case letters, digits and dashes, beginning with a letter, such as 'staging'.",
        )
    if not settings.STACK_PATTERN.fullmatch(stack):
        raise ConfigurationError(
            f"{stack!r} is not a name under which a stack can publish",
            advice="Use 2 to 63 letters, digits and dashes, beginning with a letter, such as 'shared'.",
        )


def _check_attributes(scope: Construct, stack: str, attributes: Mapping[str, str]) -> None:
    if not 1 <= len(attributes) <= MOST_ATTRIBUTES:
        raise ConfigurationError(
            f"The stack {stack!r} publishes {len(attributes)} attributes; Cloud Map takes 1 to {MOST_ATTRIBUTES}",
            advice="Publish what others need, and no more.",
        )
    for name, value in attributes.items():
        _check_attribute_name(name)
        _check_value(scope, f"The attribute {name!r} of the stack {stack!r}", value)
    known = sum(len(name) + len(value) for name, value in attributes.items() if not Token.is_unresolved(value))
    if known > MOST_CHARACTERS_IN_ALL:
        raise ConfigurationError(
            f"The stack {stack!r} publishes {known} characters, names included; Cloud Map takes "
            f"{MOST_CHARACTERS_IN_ALL}",
            advice="Put long values into S3 and publish where they are.",
        )


def _check_attribute_name(name: str) -> None:
    if not settings.ATTRIBUTE_PATTERN.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is not the name of an attribute",
            advice="Use up to 100 lower-case letters, digits and underscores, beginning with a letter.",
        )
    if name in _POINTERS:
        raise ConfigurationError(
            f"{name!r} is not a name for an attribute: the router watches parameters whose names end with it",
            advice="Say what it is, such as 'current_table'.",
        )


def _check_value(scope: Construct, what: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(
            f"{what} is {value!r}", advice="Give a text that is not empty: SSM takes nothing else."
        )
    # Resolved, since a secret's value stands behind a token.
    if "{{" in json.dumps(Stack.of(scope).resolve(value)):
        raise ConfigurationError(
            f"{what} holds a dynamic reference, which would be published resolved, or not at all",
            advice="Publish the name of the secret or parameter, and let those who may read it do so themselves.",
        )
    if not Token.is_unresolved(value) and len(value) > MOST_CHARACTERS:
        raise ConfigurationError(
            f"{what} has {len(value)} characters; Cloud Map takes {MOST_CHARACTERS}",
            advice="Put it into S3 and publish where it is.",
        )

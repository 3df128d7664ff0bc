"""How applications find the router: Cloud Map, by the name of the environment.

The namespace and its service belong to an account and region, and the environments in it share them: the first one
makes them and leaves the service's id in a parameter, the others name that parameter.
"""

from aws_cdk import aws_servicediscovery as servicediscovery
from aws_cdk import aws_ssm as ssm
from constructs import Construct, IDependable

from canary_router import settings

_SERVICE_PARAMETER = "/canary-router/cloud-map-service"


def shared_cloud_map_service(scope: Construct) -> str:
    """Id of the Cloud Map service that the account's first environment has made, for ``cloud_map_service_id``.

    Args:
        scope: A construct of the stack that wants to know. CloudFormation reads the id when it deploys the stack.
    """
    return ssm.StringParameter.value_for_string_parameter(scope, _SERVICE_PARAMETER)


class Registration(Construct):
    """The environment's entry in Cloud Map.

    Args:
        scope: Parent construct.
        environment: Name of the environment.
        attributes: What applications learn, besides the environment's name.
        service_id: Id of the Cloud Map service; None makes it.
    """

    def __init__(self, scope: Construct, environment: str, attributes: dict[str, str], service_id: str | None) -> None:
        super().__init__(scope, "Registration")
        self._instance = servicediscovery.CfnInstance(
            self,
            "Instance",
            service_id=service_id or self._make_service(),
            instance_id=environment,
            instance_attributes={"environment": environment, **attributes},
        )

    def only_after(self, dependency: IDependable) -> None:
        """Registers only once something is there: nobody should find an API that does not answer yet."""
        self._instance.node.add_dependency(dependency)

    def _make_service(self) -> str:
        namespace = servicediscovery.HttpNamespace(
            self, "Namespace", name=settings.CLOUD_MAP_NAMESPACE, description="Endpoints of Canary Router"
        )
        service = namespace.create_service(
            "Service", name=settings.CLOUD_MAP_SERVICE, description="One instance for each environment"
        )
        ssm.StringParameter(
            self,
            "ServiceParameter",
            parameter_name=_SERVICE_PARAMETER,
            string_value=service.service_id,
            description="Cloud Map service of Canary Router, for the account's other environments",
        )
        return service.service_id

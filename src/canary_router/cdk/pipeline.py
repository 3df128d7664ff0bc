"""The pipeline function of a version, ready made: what a job's input becomes is for the state machine to say."""

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from canary_router import settings
from canary_router.cdk.function import BundledFunction, FunctionOptions
from canary_router.cdk.immutable import version_around


class Pipeline(Construct):
    """The function that the router invokes to start a job of the version around it.

    A pipeline that does more than to start its state machine is a function of your own, in which
    ``canary_router.pipeline.start_transform`` is one line.

    Args:
        scope: The ``ImmutableStack``, or a construct in it.
        construct_id: Id in the scope.
        state_machine: The version's state machine.

    Attributes:
        function: The function, named ``{service}-{slug}-pipeline``; it may start that state machine, and that is all.

    Raises:
        ConfigurationError: It is outside an ``ImmutableStack``.
    """

    def __init__(self, scope: Construct, construct_id: str, *, state_machine: sfn.IStateMachine) -> None:
        super().__init__(scope, construct_id)
        version = version_around(self)
        pipeline = BundledFunction(
            self,
            "Starter",
            FunctionOptions(
                function_name=settings.pipeline_function_name(version.service, version.tag),
                handler="canary_router.lambdas.pipeline.handler",
                variables={"STATE_MACHINE_ARN": state_machine.state_machine_arn},
                description=f"Starts a job of {version.service} {version.tag}",
            ),
        )
        pipeline.allow("states:StartExecution", on=[state_machine.state_machine_arn])
        self.function = pipeline.function

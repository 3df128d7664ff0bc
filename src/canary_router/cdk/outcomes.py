"""What wakes the controller: ended executions, changed pointers, and a clock that makes up for every lost event."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from constructs import Construct

from canary_router.cdk.dead_letters import dead_letter_queue
from canary_router.cdk.resources import Arns

FINAL_STATUSES = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
_EVENT_AGE = Duration.hours(1)


class OutcomeEvents(Construct):
    """Rules with the controller as their target, and a queue for events that it could not take.

    Args:
        scope: Parent construct.
        environment: Name of the environment.
        controller: The controller's function.
        arns: ARNs of what the router serves.

    Attributes:
        dead_letters: Events that the controller failed at after two more tries.
    """

    def __init__(self, scope: Construct, environment: str, controller: lambda_.Function, arns: Arns) -> None:
        super().__init__(scope, "Outcomes")
        self._environment = environment
        self._controller = controller
        self.dead_letters = dead_letter_queue(self, f"canary-router-{environment}-dead-letters")
        controller.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.dead_letters), retry_attempts=2, max_event_age=_EVENT_AGE
        )
        ended = events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"status": FINAL_STATUSES, "stateMachineArn": arns.state_machine_matchers()},
        )
        self._rule("ended", "An execution of a served version ended", ended)
        names = [{"wildcard": f"/canary-router/{environment}/*/{leaf}"} for leaf in ("current", "latest")]
        changed = events.EventPattern(
            source=["aws.ssm"], detail_type=["Parameter Store Change"], detail={"name": names}
        )
        self._rule("pointers", "Somebody wrote a pointer", changed)
        # The next minute is the retry.
        every_minute = self._target(retries=0)
        events.Rule(
            self,
            "Minute",
            rule_name=f"canary-router-{environment}-minute",
            description="Reconcile",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[every_minute],
        )

    def _rule(self, name: str, description: str, pattern: events.EventPattern) -> None:
        events.Rule(
            self,
            "".join(part.capitalize() for part in name.split("-")),
            rule_name=f"canary-router-{self._environment}-{name}",
            description=description,
            event_pattern=pattern,
            targets=[self._target(retries=10)],
        )

    def _target(self, *, retries: int) -> targets.LambdaFunction:
        return targets.LambdaFunction(
            self._controller, dead_letter_queue=self.dead_letters, max_event_age=_EVENT_AGE, retry_attempts=retries
        )

"""The function that answers a stage's pipeline, and what calls it."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from canary_router import settings
from canary_router.cdk.function import BundledFunction, FunctionOptions
from canary_router.cdk.stage_options import StageOptions
from canary_router.cdk.stage_roles import StageArns

TIMEOUT = 60
"""Seconds. A look makes four calls, each of which gives up after some seconds."""
LOOKS = 5
"""Minutes between two looks that no event asks for."""
_FAILURES = 3
"""Failed runs within a quarter of an hour that somebody should know of: the pipeline would wait in vain."""
_DECIDED = ["Release Promoted", "Release Aborted", "Release Superseded", "Release RolledBack"]


class VerdictFunction(Construct):
    """Looks when a release is decided, when the pipeline begins to wait, and every five minutes.

    Args:
        scope: Parent construct.
        service: Name of the service.
        options: Of the stage.
        arns: Of what it reads and answers.

    Attributes:
        function: The function.
    """

    def __init__(self, scope: Construct, service: str, options: StageOptions, arns: StageArns) -> None:
        super().__init__(scope, "Verdict")
        self._name = arns.name
        bundled = self._bundled(service, options)
        bundled.allow("codepipeline:GetPipelineState", "codepipeline:ListActionExecutions", on=[arns.pipeline])
        bundled.allow("codepipeline:PutApprovalResult", on=[arns.question])
        bundled.allow("ssm:GetParameters", on=arns.pointers)
        bundled.allow("dynamodb:Query", on=[arns.table])
        self.function = bundled.function
        detail: dict[str, object] = {"environment": [options.router_environment], "service": [service]}
        decided = events.EventPattern(source=[settings.EVENT_SOURCE], detail_type=_DECIDED, detail=detail)
        self._rule("decided", "A release was decided", decided)
        action = settings.VERDICT_ACTION
        asked = events.EventPattern(
            source=["aws.codepipeline"],
            detail_type=["CodePipeline Action Execution State Change"],
            detail={"pipeline": [arns.name], "stage": [action], "action": [action], "state": ["STARTED"]},
        )
        self._rule("asked", "The pipeline waits for its verdict", asked)
        # The next look is the retry.
        by_the_clock = targets.LambdaFunction(self.function, retry_attempts=0, max_event_age=Duration.minutes(LOOKS))
        events.Rule(
            self,
            "Clock",
            rule_name=f"{arns.name}-clock",
            description="Looks for a verdict whose event was lost",
            schedule=events.Schedule.rate(Duration.minutes(LOOKS)),
            targets=[by_the_clock],
        )

        self._watch(options.alarm_topic)

    def _watch(self, topic: sns.ITopic | None) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "Errors",
            alarm_name=f"{self._name}-verdict-errors",
            alarm_description=f"{self._name}-verdict cannot look, so the pipeline is not answered",
            metric=self.function.metric_errors(statistic="Sum", period=Duration.minutes(15)),
            threshold=_FAILURES,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if topic is not None:
            alarm.add_alarm_action(actions.SnsAction(topic))

    def _bundled(self, service: str, options: StageOptions) -> BundledFunction:
        variables = {
            settings.ENV_ENVIRONMENT: options.router_environment,
            settings.ENV_SERVICES: service,
            settings.ENV_STAGE: options.stage,
        }
        function = FunctionOptions(
            function_name=f"{self._name}-verdict",
            handler=settings.VERDICT_HANDLER,
            variables=variables,
            timeout=TIMEOUT,
            description=f"Tells the pipeline {self._name} what became of the version that it has deployed",
        )
        return BundledFunction(self, "Answers", function)

    def _rule(self, name: str, description: str, pattern: events.EventPattern) -> None:
        events.Rule(
            self,
            name.capitalize(),
            rule_name=f"{self._name}-{name}",
            description=description,
            event_pattern=pattern,
            targets=[targets.LambdaFunction(self.function, retry_attempts=2, max_event_age=Duration.hours(1))],
        )

"""People hear of releases: on an SNS topic, in a chat, or both."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from constructs import Construct

from canary_router import settings
from canary_router.cdk.dead_letters import dead_letter_queue
from canary_router.cdk.function import BundledFunction, FunctionOptions
from canary_router.core.messages import DETAIL_TYPES
from canary_router.errors import ConfigurationError

_EVENT_AGE = Duration.hours(6)


@dataclass(frozen=True, kw_only=True)
class NotificationOptions:
    """Where people are told of releases.

    Attributes:
        topic: SNS topic whose subscribers are told.
        webhook: Secret that holds the URL of a chat's incoming webhook, as plain text. It is sent Slack's JSON, which
            Mattermost, Rocket.Chat and others understand too.
        detail_types: The events that people are told of; all of the contract's by default.

    Raises:
        ConfigurationError: There is nowhere to send to, or a detail type is none of the contract's.
    """

    topic: sns.ITopic | None = None
    webhook: secretsmanager.ISecret | None = None
    detail_types: tuple[str, ...] = DETAIL_TYPES

    def __post_init__(self) -> None:
        if self.topic is None and self.webhook is None:
            raise ConfigurationError("Nobody would be told", advice="Give a topic, a webhook, or both.")
        if not self.detail_types or (unknown := sorted(set(self.detail_types) - set(DETAIL_TYPES))):
            said = ", ".join(map(repr, unknown)) if self.detail_types else "Nothing"
            raise ConfigurationError(
                f"{said} is no event of a release", advice=f"Give some of {', '.join(map(repr, DETAIL_TYPES))}."
            )


class Notifications(Construct):
    """Tells people what becomes of an environment's releases: which version, the counts, why, and what to type.

    Each way has a function and tries of its own, so a chat that is down keeps nobody's mail. ``CanaryRouter`` makes
    one of these when ``RouterOptions.notifications`` says so; it can also stand in another stack of the account.

    Args:
        scope: Parent construct.
        construct_id: Id in the parent.
        environment: Name of the router's environment.
        options: Where to, and of what.

    Attributes:
        dead_letters: Events that could not be told after two more tries, for two weeks.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: str, options: NotificationOptions) -> None:
        super().__init__(scope, construct_id)
        self._environment = environment
        self.dead_letters = dead_letter_queue(self, f"canary-router-{environment}-untold")
        ways: list[targets.LambdaFunction] = []
        if options.topic is not None:
            mail = self._function("topic", {settings.ENV_TOPIC: options.topic.topic_arn})
            options.topic.grant_publish(mail.function)
            ways.append(self._target(mail))
        if options.webhook is not None:
            chat = self._function("webhook", {settings.ENV_WEBHOOK: options.webhook.secret_name})
            options.webhook.grant_read(chat.function)
            ways.append(self._target(chat))
        events.Rule(
            self,
            "Releases",
            rule_name=f"canary-router-{environment}-notify",
            description="Something became of a release",
            event_pattern=events.EventPattern(
                source=[settings.EVENT_SOURCE],
                detail_type=list(options.detail_types),
                detail={"environment": [environment]},
            ),
            targets=ways,
        )

    def _function(self, way: str, variables: dict[str, str]) -> BundledFunction:
        function = BundledFunction(
            self,
            way.capitalize(),
            FunctionOptions(
                function_name=settings.function_name(self._environment, f"notify-{way}"),
                handler=settings.NOTIFY_HANDLER,
                variables=variables,
                timeout=30,
                description=f"Canary Router in {self._environment}: tells people by {way}",
            ),
        )
        function.function.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.dead_letters), retry_attempts=2, max_event_age=_EVENT_AGE
        )
        return function

    def _target(self, way: BundledFunction) -> targets.LambdaFunction:
        return targets.LambdaFunction(
            way.function, dead_letter_queue=self.dead_letters, max_event_age=_EVENT_AGE, retry_attempts=10
        )

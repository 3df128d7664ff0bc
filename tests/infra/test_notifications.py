"""People are told of releases: of which, by whom, and what becomes of an event that could not be told."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_sns as sns
from tests.infra import pages
from tests.infra.templates import Template, shown

from canary_router.cdk import NotificationOptions
from canary_router.core.messages import DETAIL_TYPES
from canary_router.errors import ConfigurationError

RULE = "canary-router-local-notify"


def test_every_event_of_this_environments_releases_goes_to_both_ways(chosen: Template) -> None:
    rule = chosen.by("AWS::Events::Rule", "Name")[RULE]
    assert rule["EventPattern"] == {
        "source": ["canary-router"],
        "detail-type": list(DETAIL_TYPES),
        "detail": {"environment": ["local"]},
    }
    assert {shown(target["Arn"]) for target in rule["Targets"]} == {
        "<RouterNotificationsTopicFunction.Arn>",
        "<RouterNotificationsWebhookFunction.Arn>",
    }


def test_a_function_knows_its_own_way_only(chosen: Template) -> None:
    functions = chosen.by("AWS::Lambda::Function", "FunctionName")
    found = {
        way: functions[f"canary-router-local-notify-{way}"]["Environment"]["Variables"] for way in ("topic", "webhook")
    }
    assert {way: {name: shown(value) for name, value in variables.items()} for way, variables in found.items()} == {
        "topic": {"CANARY_ROUTER_TOPIC": "<Releases>"},
        "webhook": {"CANARY_ROUTER_WEBHOOK": "chat/releases"},
    }


def test_a_function_may_use_its_own_way_only(chosen: Template) -> None:
    assert _grants(chosen, "Topic")["sns:Publish"] == {"<Releases>"}
    secret = "arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:chat/releases-??????"
    assert _grants(chosen, "Webhook")["secretsmanager:GetSecretValue"] == {secret}
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    queue = {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"}
    reads = {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"}
    assert _grants(chosen, "Topic").keys() == logs | queue | {"sns:Publish"}
    assert _grants(chosen, "Webhook").keys() == logs | queue | reads


def test_what_could_not_be_told_is_kept_and_is_an_alarm(chosen: Template) -> None:
    rule = chosen.by("AWS::Events::Rule", "Name")[RULE]
    kept = {shown(target["DeadLetterConfig"]["Arn"]) for target in rule["Targets"]}
    assert kept == {"<RouterNotificationsDeadLetters.Arn>"}
    ends = [
        shown(config["DestinationConfig"]["OnFailure"]["Destination"])
        for config in chosen.all("AWS::Lambda::EventInvokeConfig")
    ]
    assert ends.count("<RouterNotificationsDeadLetters.Arn>") == 2
    alarm = chosen.by("AWS::CloudWatch::Alarm", "AlarmName")["canary-router-local-untold"]
    (queue,) = alarm["Dimensions"]
    assert shown(queue["Value"]) == "<RouterNotificationsDeadLetters.QueueName>"


def test_without_the_option_nothing_of_it_is_there(router: Template) -> None:
    names = set(router.by("AWS::Lambda::Function", "FunctionName"))
    assert names == {f"canary-router-staging-{role}" for role in ("request", "outcome", "release")}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Nobody would be told"),
        ({"detail_types": ()}, "Nothing is no event"),
        ({"detail_types": ("Release Opened", "Release Opend")}, "'Release Opend' is no event"),
    ],
    ids=str,
)
def test_options_that_would_tell_nobody_are_refused(given: dict[str, Any], said: str) -> None:
    topic = sns.Topic(cdk.Stack(cdk.App(), "x"), "Topic") if given else None
    with pytest.raises(ConfigurationError, match=said):
        NotificationOptions(topic=topic, **given)


def test_the_example_of_the_how_to_tells_both_ways() -> None:
    names: dict[str, object] = {}
    exec(pages.example("docs/how-to/look-after-a-release.md", "notifications"), names)  # noqa: S102 - the project's own text
    stack = names["stack"]
    assert isinstance(stack, cdk.Stack)
    found = assertions.Template.from_stack(stack).find_resources("AWS::Lambda::Function")
    names_of_functions = {it["Properties"]["FunctionName"] for it in found.values()}
    assert names_of_functions >= {f"canary-router-staging-notify-{way}" for way in ("topic", "webhook")}


def _grants(template: Template, way: str) -> dict[str, set[str]]:
    (role,) = (it for it in template.named("AWS::IAM::Role") if it.startswith(f"RouterNotifications{way}Role"))
    return template.grants(role)

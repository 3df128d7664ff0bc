"""What wakes the controller, and what tells people that it sleeps."""

from typing import Any

from tests.infra.templates import Template, shown

RULE = "AWS::Events::Rule"
MACHINE = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine"


def pattern(template: Template, name: str) -> dict[str, Any]:
    return dict(template.by(RULE, "Name")[name]["EventPattern"])


def test_the_controller_hears_of_final_statuses_of_served_versions_only(router: Template) -> None:
    heard = pattern(router, "canary-router-staging-ended")
    assert (heard["source"], heard["detail-type"]) == (["aws.states"], ["Step Functions Execution Status Change"])
    assert heard["detail"]["status"] == ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    prefixes = [shown(matcher["prefix"]) for matcher in heard["detail"]["stateMachineArn"]]
    assert prefixes == [f"{MACHINE}:transformer-v", f"{MACHINE}:indexer-v"]


def test_the_controller_hears_of_a_state_machine_outside_the_naming_convention(chosen: Template) -> None:
    heard = pattern(chosen, "canary-router-local-ended")["detail"]["stateMachineArn"]
    assert [shown(matcher) for matcher in heard if "prefix" not in matcher] == [f"{MACHINE}:legacy-job"]


def test_the_controller_hears_of_pointers_that_somebody_writes(router: Template) -> None:
    assert pattern(router, "canary-router-staging-pointers") == {
        "source": ["aws.ssm"],
        "detail-type": ["Parameter Store Change"],
        "detail": {
            "name": [
                {"wildcard": "/canary-router/staging/*/current"},
                {"wildcard": "/canary-router/staging/*/latest"},
            ]
        },
    }


def test_the_controller_reconciles_every_minute_and_the_next_minute_is_the_retry(router: Template) -> None:
    rule = router.by(RULE, "Name")["canary-router-staging-minute"]
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert [target["RetryPolicy"]["MaximumRetryAttempts"] for target in rule["Targets"]] == [0]


def test_every_rule_calls_the_controller_and_keeps_what_could_not_be_delivered(router: Template) -> None:
    rules = router.all(RULE)
    assert len(rules) == 3
    for rule in rules:
        (target,) = rule["Targets"]
        assert shown(target["Arn"]) == "<RouterFunctionsOutcomeFunction.Arn>"
        assert shown(target["DeadLetterConfig"]["Arn"]) == "<RouterOutcomesDeadLetters.Arn>"


def test_an_event_that_the_controller_fails_at_is_tried_again_and_then_kept(router: Template) -> None:
    config = router.one("AWS::Lambda::EventInvokeConfig")
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 3600)
    assert shown(config["DestinationConfig"]["OnFailure"]["Destination"]) == "<RouterOutcomesDeadLetters.Arn>"


def test_dead_letters_are_encrypted_and_wait_for_two_weeks(router: Template) -> None:
    queue = router.one("AWS::SQS::Queue")
    assert (queue["SqsManagedSseEnabled"], queue["MessageRetentionPeriod"]) == (True, 14 * 86_400)


def test_people_are_told_what_they_should_look_at(router: Template) -> None:
    assert set(router.by("AWS::CloudWatch::Alarm", "AlarmName")) == {
        f"canary-router-staging-{what}"
        for what in (
            "api-errors",
            "request-throttles",
            "controller-errors",
            "controller-throttles",
            "controller-silent",
            "dead-letters",
            "invalid-pointer-transformer",
            "invalid-pointer-indexer",
        )
    }


def test_an_invalid_pointer_is_counted_under_the_name_that_the_router_gives_the_metric(router: Template) -> None:
    alarm = router.by("AWS::CloudWatch::Alarm", "AlarmName")["canary-router-staging-invalid-pointer-transformer"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("CanaryRouter", "InvalidPointer")
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert dimensions == {"Environment": "staging", "Service": "transformer"}


def test_a_controller_that_says_nothing_is_an_alarm(router: Template) -> None:
    alarm = router.by("AWS::CloudWatch::Alarm", "AlarmName")["canary-router-staging-controller-silent"]
    assert (alarm["TreatMissingData"], alarm["ComparisonOperator"]) == ("breaching", "LessThanThreshold")


def test_alarms_tell_the_topic_that_the_user_gave(router: Template, chosen: Template) -> None:
    assert not [alarm for alarm in router.all("AWS::CloudWatch::Alarm") if "AlarmActions" in alarm]
    assert all(
        [shown(action) for action in alarm["AlarmActions"]] == ["<Topic>"]
        for alarm in chosen.all("AWS::CloudWatch::Alarm")
    )

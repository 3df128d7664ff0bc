"""The how-to about old versions, run as it stands there."""

import aws_cdk as cdk
from aws_cdk.assertions import Template
from tests.infra import pages


def test_the_schedule_of_the_page_is_one() -> None:
    names: dict[str, object] = {}
    exec(pages.example("docs/how-to/retire-old-versions.md", "schedule"), names)  # noqa: S102 - the project's own text
    stack = names["stack"]
    assert isinstance(stack, cdk.Stack)
    rule = {"Name": "canary-router-staging-prune", "ScheduleExpression": "rate(1 day)"}
    Template.from_stack(stack).has_resource_properties("AWS::Events::Rule", rule)

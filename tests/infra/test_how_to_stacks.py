"""The how-to about stacks that find each other, run as it stands there."""

import json
import re
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from tests.infra import pages

from canary_router import preflight
from canary_router.errors import NotPublished

PAGE = "docs/how-to/loosely-coupled-stacks.md"
PATH = "/canary-router/prod/attributes/shared/bucket"


def template_of(name: str) -> Template:
    names: dict[str, object] = {}
    exec(pages.example(PAGE, name), names)  # noqa: S102 - the project's own text
    stack = names["stack"]
    assert isinstance(stack, cdk.Stack)
    return Template.from_stack(stack)


def test_what_the_one_stack_publishes_the_other_one_reads() -> None:
    template_of("publish").has_resource_properties("AWS::SSM::Parameter", {"Name": PATH})
    reader = template_of("discover")
    ((name, _),) = reader.find_parameters("*", {"Default": PATH}).items()
    variables = {"Environment": {"Variables": {"BUCKET": {"Ref": name}}}}
    reader.has_resource_properties("AWS::Lambda::Function", variables)


def test_the_message_that_the_page_shows_is_the_one_that_is_given(tmp_path: Path) -> None:
    text = re.sub(r"\s+", " ", (pages.ROOT / PAGE).read_text())
    absence = NotPublished("prod", "shared", "bucket", f"SSM, as {PATH}")
    assert f"{absence}. {absence.advice}" in text
    template = tmp_path / "report-prod.template.json"
    template.write_text(json.dumps(template_of("discover").to_json()))
    assert list(preflight._parameters(template)).count(PATH) == 1


@pytest.mark.parametrize("name", ["publish", "discover"])
def test_the_examples_say_it_in_a_few_lines(name: str) -> None:
    assert len([line for line in pages.example(PAGE, name).splitlines() if line.strip()]) < 20

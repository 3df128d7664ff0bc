"""The page of permissions says what each function's role may do beside writing its log, and nothing else."""

import re

import pytest
from tests.infra.pages import ROOT
from tests.infra.templates import Template

PAGE = (ROOT / "docs/reference/permissions.md").read_text()
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}


@pytest.mark.parametrize("function", ["request", "outcome", "release"])
def test_the_page_names_every_action_that_a_functions_role_allows(router: Template, function: str) -> None:
    table = PAGE.partition("<!-- table: functions -->")[2].partition("\n\n")[0]
    rows = re.findall(rf"^\| `{function}` \| ([^|]*) \|", table, re.MULTILINE)
    told = set(re.findall(r"`([^`]+)`", "".join(rows)))
    (role,) = (
        it for it in router.named("AWS::IAM::Role") if it.startswith(f"RouterFunctions{function.capitalize()}Role")
    )
    assert told == set(router.grants(role)) - LOGS

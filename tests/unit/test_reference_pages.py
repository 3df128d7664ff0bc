"""The reference pages name what there is in the code, all of it, and nothing else."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import yaml
from tests.contracts.samples import release

from canary_router.core.announcement import announce
from canary_router.core.gate import Sequential
from canary_router.core.messages import DETAIL_TYPES
from canary_router.core.model import Basis, ReleaseState
from canary_router.core.policy import Policy, policy_from

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src/canary_router"


TESTED = Policy(gate=Sequential(baseline=0.02, harm=0.2))


def page(name: str) -> str:
    return (ROOT / "docs/reference" / name).read_text()


def first_column(text: str, heading: str) -> set[str]:
    """What stands in code in the first column of the table with this heading."""
    _, _, after = text.partition(f"\n| {heading} |")
    rows = re.findall(r"^\| ([^|]*) \|", after.partition("\n\n")[0], re.MULTILINE)
    found = set(re.findall(r"`([^`]+)`", "".join(rows)))
    assert found, f"there is no table of {heading}"
    return found


def counted() -> set[str]:
    """The metrics that some code counts."""
    code = "".join(path.read_text() for folder in ("api", "flows") for path in (SOURCES / folder).glob("*.py"))
    return set(re.findall(r'meter\.count\("(\w+)"', code))


def test_every_event_and_each_of_its_keys_is_explained() -> None:
    text = page("events.md")
    assert first_column(text, "detail type") == set(DETAIL_TYPES)
    always = set(announce("staging", release("transformer")).detail)
    by_test = set(announce("staging", replace(release("transformer"), policy=TESTED)).detail)
    assert first_column(text, "key of `detail`") == always | by_test
    assert by_test - always == {"gate"}
    assert set(re.findall(r"`([A-Z]+)`", re.findall(r"\| `state` \|.*", text)[0])) == {it.value for it in ReleaseState}
    assert set(re.findall(r"`([a-z-]+)`", re.findall(r"\| `basis` \|(.*)", text)[0])) == {it.value for it in Basis}


def test_every_metric_is_explained() -> None:
    assert first_column(page("events.md"), "metric") == counted()


def test_every_alarm_is_explained() -> None:
    made = re.findall(r'self\._alarm\(f?"([^"]+)"', (SOURCES / "cdk/alarms.py").read_text())
    assert first_column(page("events.md"), "alarm") == {f"canary-router-{{environment}}-{name}" for name in made}


def test_every_error_of_the_api_is_explained_with_its_status() -> None:
    described = json.loads(page("openapi.json"))
    found = set()
    for path in described["paths"].values():
        for call in (path.get("post"), path.get("get")):
            for status, answer in (call or {"responses": {}})["responses"].items():
                for name in re.findall(r"urn:canary-router:problem:([a-z-]+)", json.dumps(answer)):
                    found.add((status, name))
    told = set(re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", page("api.md"), re.MULTILINE))
    assert told == found


def test_the_transform_of_the_page_has_the_keys_of_every_transform() -> None:
    shown = json.loads(page("api.md").partition("```json\n")[2].partition("```")[0])
    schema = json.loads(page("openapi.json"))["components"]["schemas"]["Transform"]
    assert set(shown) == set(schema["required"])


def test_every_key_of_a_policy_is_explained_and_the_example_is_one() -> None:
    text = page("policy.md")
    assert first_column(text, "key") == {field.name for field in fields(Policy)}
    shown = policy_from(yaml.safe_load(text.partition("<!-- example: policy -->\n```yaml\n")[2].partition("```")[0]))
    assert (shown.requests, shown.required, shown.max_failures, shown.deadline) == (3, 2, 1, 43_200)
    defaults = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE))
    assert (defaults["requests"], defaults["share"]) == (str(Policy().requests), str(Policy().share))
    assert (defaults["max_failures"], defaults["record"]) == (str(Policy().max_failures), f"`{Policy().record}`")
    assert policy_from({"deadline": defaults["deadline"].strip("`")}) == Policy()

"""CloudWatch's dashboard shows metrics that the router really counts, and every alarm."""

import json
from collections.abc import Iterator
from typing import Any

from tests.infra.templates import Template, shown

from canary_router.core.model import Route, Status


def widgets(template: Template) -> list[dict[str, Any]]:
    body = shown(template.one("AWS::CloudWatch::Dashboard")["DashboardBody"])
    return list(json.loads(body)["widgets"])


def series(template: Template) -> Iterator[tuple[str, dict[str, str]]]:
    """Metric and dimensions of every line of every graph."""
    for widget in widgets(template):
        for line in widget["properties"].get("metrics", ()):
            namespace, name, *pairs = [part for part in line if isinstance(part, str)]
            assert namespace == "CanaryRouter"
            yield name, dict(zip(pairs[::2], pairs[1::2], strict=True))


def test_each_service_has_a_row_and_every_alarm_is_at_the_top(router: Template) -> None:
    alarms, *graphs = widgets(router)
    assert len(alarms["properties"]["alarms"]) == len(router.all("AWS::CloudWatch::Alarm"))
    titles = [graph["properties"]["title"] for graph in graphs]
    assert [title.partition(":")[0] for title in titles] == ["transformer"] * 3 + ["indexer"] * 3


def test_every_metric_of_the_dashboard_is_one_that_the_contract_names(router: Template) -> None:
    found: dict[str, set[tuple[str, ...]]] = {}
    for name, dimensions in series(router):
        assert dimensions.pop("Environment") == "staging"
        assert dimensions.pop("Service") in ("transformer", "indexer")
        found.setdefault(name, set()).add(tuple(f"{key}={value}" for key, value in dimensions.items()))
    assert found == {
        "Requests": {(f"Route={route}",) for route in Route},
        "CanaryAdmitted": {()},
        "CanaryFallback": {()},
        "Outcome": {(f"Status={status}",) for status in Status if status.is_final},
        "ReleasePromoted": {()},
        "ReleaseAborted": {()},
        "RouterLatency": {()},
    }


def test_who_does_not_want_it_has_none(chosen: Template) -> None:
    assert chosen.all("AWS::CloudWatch::Dashboard") == []

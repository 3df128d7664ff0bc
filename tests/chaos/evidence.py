"""What there is to know when the chaos is over: of front-ends, of executions, of each service's pointers and record."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.chaos.stage import Stage
from tests.chaos.versions import BAD, GOOD, STUCK
from tests.chaos.workload import Release as Write
from tests.chaos.workload import Request

from canary_router.core.model import Release, ServiceState, Transform
from canary_router.core.pointers import Reading, version_of
from canary_router.flows import inspect


@dataclass(frozen=True)
class Execution:
    """A job that really ran: for which request, on which version, when (seconds since the epoch), and how it ended."""

    arn: str
    service: str
    tag: str
    request: str
    started: float
    ended: float | None
    status: str

    @property
    def name(self) -> str:
        """The transform's id."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True)
class Line:
    """One service.

    Attributes:
        current: Every write of the parameter, in order.
        latest: The same.
        deployed: The versions of ``latest`` that deployments wrote.
        releases: Those on record, in the order of their writes.
        canaries: The transforms on record that were admitted to a release.
        state: The service's state on record.
        ran: Its executions.
    """

    service: str
    current: tuple[Reading, ...]
    latest: tuple[Reading, ...]
    deployed: frozenset[int]
    releases: tuple[Release, ...]
    canaries: tuple[Transform, ...]
    state: ServiceState
    ran: tuple[Execution, ...]

    @cached_property
    def by_id(self) -> dict[str, Release]:
        """The releases by their ids."""
        return {release.release_id: release for release in self.releases}

    @cached_property
    def by_name(self) -> dict[str, list[Execution]]:
        """The executions by the transform's id: one, if all is well."""
        found: dict[str, list[Execution]] = {}
        for execution in self.ran:
            found.setdefault(execution.name, []).append(execution)
        return found

    def jobs_of(self, release: Release) -> list[Execution]:
        """The executions on a release's version that stand for its transforms."""
        names = {one.transform_id for one in self.canaries if one.release_id == release.release_id}
        return [one for one in self.ran if one.name in names and one.tag == release.target.tag]

    def first_current(self, tag: str) -> float:
        """When a version first was current, in seconds since the epoch; the end of time if it never was."""
        moments = (one.modified / 1000 for one in self.current if self.tag(one) == tag)
        return min(moments, default=float("inf"))

    def tag(self, reading: Reading) -> str:
        """The version that a pointer names; empty where it names none."""
        version = version_of(self.service, reading.value)
        return "" if version is None else version.tag


@dataclass(frozen=True)
class Evidence:
    """All of it."""

    requests: list[Request]
    lines: list[Line]


def gather(stage: Stage, requests: list[Request], writes: list[Write]) -> Evidence:
    """Looks at everything, past the proxy."""
    return Evidence(requests, [_line(stage, service, writes) for service in stage.services])


def _line(stage: Stage, service: str, writes: list[Write]) -> Line:
    ledger, pointers = stage.ledger, stage.pointers
    releases = sorted(inspect.releases(ledger, service), key=lambda release: release.write)
    return Line(
        service=service,
        current=pointers.history(service, "current", 0),
        latest=pointers.history(service, "latest", 0),
        deployed=frozenset(write.version for write in writes if write.service == service),
        releases=tuple(releases),
        canaries=tuple(
            transform
            for release in releases
            for transform in inspect.transforms_of(ledger, service, release.release_id)
        ),
        state=stage.state(service),
        ran=tuple(_executions(stage, service)),
    )


def _executions(stage: Stage, service: str) -> list[Execution]:
    found = []
    for tag in (*GOOD, BAD, STUCK):
        pages = stage.states.get_paginator("list_executions").paginate(stateMachineArn=stage.machine(service, tag))
        for one in (one for page in pages for one in page["executions"]):
            arn = one["executionArn"]
            told: dict[str, Any] = stage.states.describe_execution(executionArn=arn)
            ended = told["stopDate"].timestamp() if "stopDate" in told else None
            request = str(json.loads(told["input"])["request"])
            found.append(Execution(arn, service, tag, request, told["startDate"].timestamp(), ended, told["status"]))
    return found

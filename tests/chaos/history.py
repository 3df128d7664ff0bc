"""Decides from the outside whether the chaos did any harm: what front-ends were told, and which executions exist."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.stage import Stage
from tests.chaos.versions import BAD, GOOD, STUCK
from tests.chaos.workload import UNKNOWN, Release, Request

from canary_router.core.model import Basis, ReleaseState
from canary_router.flows import inspect

_ENDS = (ReleaseState.PROMOTED, ReleaseState.ABORTED, ReleaseState.SUPERSEDED)


@dataclass(frozen=True)
class Execution:
    """A job that really ran: for which request, on which version, since when, and how it ended."""

    arn: str
    service: str
    tag: str
    request: str
    started: float
    status: str


def executions(stage: Stage) -> list[Execution]:
    """Everything that any state machine ever ran."""
    found = []
    for service in stage.services:
        for tag in (*GOOD, BAD, STUCK):
            pages = stage.states.get_paginator("list_executions").paginate(stateMachineArn=stage.machine(service, tag))
            for one in (one for page in pages for one in page["executions"]):
                told: dict[str, Any] = stage.states.describe_execution(executionArn=one["executionArn"])
                request = str(json.loads(told["input"])["request"])
                started = one["startDate"].timestamp()
                found.append(Execution(one["executionArn"], service, tag, request, started, one["status"]))
    return found


def harm(stage: Stage, requests: list[Request], releases: list[Release], ran: list[Execution]) -> list[str]:
    """Everything that should not have happened, one sentence each."""
    return [*_jobs(requests, ran), *_budgets(stage, releases, ran), *_ends(stage, releases), *_failures(requests)]


def _jobs(requests: list[Request], ran: list[Execution]) -> Iterator[str]:
    """A 202 is one execution, a 504 or silence one at most, any other error none; a key is one job."""
    by_request: dict[str, list[Execution]] = defaultdict(list)
    for execution in ran:
        by_request[execution.request].append(execution)
    for request in requests:
        arns = {execution.arn for execution in by_request.pop(request.name, ())}
        told = {str(one.document["execution_arn"]) for one in request.tries if one.status == 202}
        if len(arns) > 1:
            yield f"duplicated: {request.name} ran as {sorted(arns)}"
        if not told <= arns:
            yield f"lost: {request.name} was told of {sorted(told)}, and ran as {sorted(arns)}"
        if arns and all(one.status != 202 and one.status not in UNKNOWN for one in request.tries):
            yield f"denied: {request.name} was told that nothing was started, and ran as {sorted(arns)}"
        if request.key and not request.is_accepted:
            yield f"lost: {request.name} was sent {len(request.tries)} times and never accepted"
    for name in by_request:
        yield f"nobody asked for {name}"


def _budgets(stage: Stage, releases: list[Release], ran: list[Execution]) -> Iterator[str]:
    """Before a version is current only its releases bring it jobs, two for each."""
    for service in stage.services:
        first_current: dict[str, float] = {}
        for reading in stage.ports.pointers.history(service, "current", 0):
            first_current.setdefault(reading.value, reading.modified / 1000)
        for tag in (*GOOD[1:], BAD, STUCK):
            since = first_current.get(stage.pipeline(service, tag), float("inf"))
            early = [one for one in ran if (one.service, one.tag) == (service, tag) and one.started < since]
            allowed = 2 * sum((release.service, release.tag) == (service, tag) for release in releases)
            if len(early) > allowed:
                yield f"overshot: {len(early)} jobs of {service} ran on {tag} before it was current, {allowed} allowed"
            if tag in (BAD, STUCK) and since < float("inf"):
                yield f"{tag} of {service} became current"
        for release in inspect.releases(stage.ports.ledger, service):
            if release.admitted > release.policy.requests:
                yield f"overshot: {release.release_id} of {service} admitted {release.admitted}"


def _ends(stage: Stage, releases: list[Release]) -> Iterator[str]:
    """Every write of latest is a release that has come to its end, or was put back as one that has."""
    for service in stage.services:
        on_record = {
            release.write.version: release
            for release in inspect.releases(stage.ports.ledger, service)
            if release.basis is not Basis.ADOPTED
        }
        for release in on_record.values():
            if release.state not in _ENDS:
                yield f"undecided: {release.release_id} of {service} is {release.state}"
            if release.state is ReleaseState.PROMOTED and release.basis is Basis.CANARY and release.succeeded < 2:
                yield f"unproven: {release.release_id} of {service} was promoted with {release.succeeded} successes"
        history = stage.ports.pointers.history(service, "latest", 0)
        put_back = {reading.note.rpartition(" ")[2] for reading in history if "put back" in reading.note}
        for written in (release for release in releases if release.service == service):
            newer = any(other.service == service and other.version > written.version for other in releases)
            if written.version not in on_record and not newer and str(written.version) not in put_back:
                yield f"lost: version {written.version} of latest of {service} ({written.tag}) was never opened"
        if not stage.is_asleep(service):
            yield f"{service} is not at rest"


def _failures(requests: list[Request]) -> Iterator[str]:
    """The client made no mistake, so no answer may say that it did."""
    for request in requests:
        for one in request.tries:
            if one.status not in (202, 502, 503, *UNKNOWN):
                yield f"{request.name} was answered {one.status}: {one.document}"

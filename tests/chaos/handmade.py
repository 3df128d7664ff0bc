"""A small history in which all is well, and the means to change one thing about it."""

from dataclasses import replace
from typing import Any

from tests.chaos.evidence import Evidence, Execution, Line
from tests.chaos.stage import BY_HAND
from tests.chaos.workload import Request, Try

from canary_router.core.model import (
    Basis,
    Release,
    ReleaseState,
    Route,
    ServiceState,
    Status,
    Transform,
    Version,
    WriteMark,
)
from canary_router.core.pointers import Reading
from canary_router.core.policy import Policy
from canary_router.core.writes import blank_note

SERVICE = "batch0"
BEGAN = 1_700_000_000
"""Seconds since the epoch. All times below are seconds after it."""


def ms(at: float) -> int:
    return BEGAN * 1000 + round(at * 1000)


def version(tag: str) -> Version:
    function = f"{SERVICE}-{tag.replace('.', '-')}-pipeline"
    return Version(f"arn:aws:lambda:us-east-1:000000000000:function:{function}", tag)


def arn(name: str, tag: str) -> str:
    return f"arn:aws:states:us-east-1:000000000000:execution:{SERVICE}-{tag.replace('.', '-')}:{name}"


def written(number: int, tag: str, at: float, note: str = "") -> Reading:
    """A write of a pointer; without a tag it is a blank."""
    return Reading(version(tag).arn if tag else "none", number, ms(at), note)


def release(write: Reading, tag: str, **changed: Any) -> Release:
    """A release that was promoted ten seconds after the beginning."""
    kept: dict[str, Any] = {
        "state": ReleaseState.PROMOTED,
        "basis": Basis.CANARY,
        "opened_at": write.modified + 300,
        "decided_at": ms(9.8),
        "closed_at": ms(10.2),
        "admitted": 2,
        "succeeded": 2,
    }
    return Release(
        service=SERVICE,
        release_id=write.mark.release_id,
        target=version(tag),
        write=WriteMark(write.modified, write.version),
        policy=Policy(deadline=25),
        **kept | changed,
    )


def canary(name: str, release_id: str, at: float, status: Status = Status.SUCCEEDED) -> Transform:
    return Transform(
        transform_id=name,
        service=SERVICE,
        route=Route.LATEST,
        target=version("v1.1.0"),
        status=status,
        created_at=ms(at),
        attempted_at=ms(at),
        input_hash="",
        release_id=release_id,
    )


def execution(name: str, tag: str, at: float, status: str = "SUCCEEDED", request: str = "") -> Execution:
    """An execution of three seconds; its transform is named after its request, ``t1`` after ``q1``."""
    asked = request or name.replace("t", "q", 1)
    return Execution(arn(name, tag), SERVICE, tag, asked, BEGAN + at, BEGAN + at + 3, status)


def answer(status: int, sent: float, answered: float, told: str = "", kind: str = "") -> Try:
    document = {"execution_arn": told} if status == 202 else {"type": f"urn:canary-router:problem:{kind}"}
    return Try(status, document, BEGAN + sent, BEGAN + answered)


def asked(name: str, *tries: Try, key: bool = True) -> Request:
    return Request(name, SERVICE, key, list(tries))


FIRST = written(1, "v1.0.0", 0, BY_HAND)
RELEASED = written(1, "v1.1.0", 1, "canary-router released on order order-1")
ID = RELEASED.mark.release_id
MADE_CURRENT = written(2, "v1.1.0", 10, f"canary-router promoted {ID}")
BLANKED = written(2, "", 10.1, blank_note(ID))
PROMOTED = release(RELEASED, "v1.1.0")

_LINE = Line(
    service=SERVICE,
    current=(FIRST, MADE_CURRENT),
    latest=(RELEASED, BLANKED),
    deployed=frozenset({1}),
    releases=(PROMOTED,),
    canaries=(canary("t1", ID, 2), canary("t2", ID, 3)),
    state=ServiceState(SERVICE, current=version("v1.1.0"), current_write=2),
    ran=(
        execution("t1", "v1.1.0", 2.2),
        execution("t2", "v1.1.0", 3.2),
        execution("t3", "v1.0.0", 4.2),
        *(execution(f"t{number}", "v1.1.0", number) for number in (11, 12, 13)),
    ),
)
_REQUESTS = (
    asked("q1", answer(202, 1.9, 2.4, arn("t1", "v1.1.0"))),
    asked("q2", answer(202, 2.9, 3.4, arn("t2", "v1.1.0"))),
    asked("q3", answer(202, 4, 4.4, arn("t3", "v1.0.0")), key=False),
    *(asked(f"q{at}", answer(202, at - 0.1, at + 0.1, arn(f"t{at}", "v1.1.0"))) for at in (11, 12, 13)),
)


def line(**changed: Any) -> Line:
    """The service, with some things changed."""
    return replace(_LINE, **changed)


def aborted(write: Reading, tag: str, at: float, **changed: Any) -> Release:
    """A release that was turned away at a moment, with no job to its name."""
    kept = {
        "state": ReleaseState.ABORTED,
        "decided_at": ms(at),
        "closed_at": ms(at + 0.3),
        "admitted": 0,
        "succeeded": 0,
    }
    return release(write, tag, **kept | changed)


def evidence(*requests: Request, **changed: Any) -> Evidence:
    """All of it: with other requests in place of those of the same name, and some things changed about the service."""
    by_name = {one.name: one for one in (*_REQUESTS, *requests)}
    return Evidence(list(by_name.values()), [line(**changed)])

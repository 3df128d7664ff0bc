"""Releases and transforms as the flows make them, and a look at what a ledger holds of them."""

from dataclasses import replace
from typing import Any

from canary_router.core import changes, records
from canary_router.core.conditions import Refusal, Write
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
from canary_router.core.policy import Policy
from canary_router.ports import Ledger
from canary_router.settings import pipeline_function_name

NOW = 1_700_000_000_000


def version(service: str, tag: str) -> Version:
    function = pipeline_function_name(service, tag)
    return Version(f"arn:aws:lambda:us-east-1:000000000000:function:{function}", tag)


def release(service: str, number: int = 1, **fields: Any) -> Release:
    """The release of the write of ``latest`` with that version."""
    write = WriteMark(modified=NOW + number * 1000, version=number)
    made = Release(
        service=service,
        release_id=write.release_id,
        target=version(service, f"v1.{number}.0"),
        write=write,
        state=ReleaseState.OPEN,
        basis=Basis.CANARY,
        policy=Policy(),
        opened_at=NOW + number * 1000,
    )
    return replace(made, **fields)


def transform(service: str, number: int = 1, **fields: Any) -> Transform:
    """A job of the release with number 1, unless the fields say otherwise."""
    made = Transform(
        transform_id=f"t-{service}-{number}",
        service=service,
        route=Route.LATEST,
        target=version(service, "v1.1.0"),
        status=Status.ADMITTED,
        created_at=NOW + number,
        attempted_at=NOW + number,
        input_hash="5e884898",
        release_id=release(service).release_id,
    )
    return replace(made, **fields)


def on_current(service: str, number: int = 1, **fields: Any) -> Transform:
    """A job of the current version."""
    current = {"route": Route.CURRENT, "target": version(service, "v1.0.0"), "release_id": None}
    return transform(service, number, **{**current, **fields})


def put(ledger: Ledger, thing: Release | Transform) -> None:
    """Puts something on record as it is, whatever was there."""
    if isinstance(thing, Release):
        write = Write(records.release_key(thing.service, thing.release_id), (), put=records.release_item(thing))
    else:
        write = Write(records.key_of(thing), (), put=records.transform_item(thing))
    assert ledger.commit((write,)) is None


def opened(ledger: Ledger, service: str, number: int = 1, *, older: str | None = None, **fields: Any) -> Release:
    """A release that was opened, as it is on record afterwards; with fields, in a later state of its life."""
    made = release(service, number)
    assert ledger.commit(changes.open_release(made, older)) is None
    if fields:
        put(ledger, replace(made, supersedes=older, **fields))
    return recorded_release(ledger, made)


def recorded_release(ledger: Ledger, made: Release) -> Release:
    item = ledger.get(records.release_key(made.service, made.release_id))
    assert item is not None
    return records.release_of(item)


def recorded(ledger: Ledger, made: Transform) -> Transform | None:
    item = ledger.get(records.key_of(made))
    return None if item is None else records.transform_of(item)


def state(ledger: Ledger, service: str) -> ServiceState:
    return records.state_of(service, ledger.get(records.state_key(service)))


def refused(refusal: Refusal | None) -> set[str]:
    """Names of the clauses that refused a commit; none when it was made."""
    return set() if refusal is None else set(refusal.names())

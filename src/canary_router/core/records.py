"""How releases, transforms and services stand in the table: their keys, and both directions of the encoding.

Items are flat, text and whole numbers only. A field that is None is absent. What is read is not trusted to be what was
written: people, restored backups and newer versions write here too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from canary_router import settings
from canary_router.core.conditions import Item, Key, Value
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
    quiet_outcomes,
)
from canary_router.core.pointers import version_of
from canary_router.core.policy import Policy, parse_policy
from canary_router.errors import CanaryRouterError, MalformedRecord

if TYPE_CHECKING:
    from canary_router.core.gate import Plan

RELEASE_PREFIX = "RELEASE#"
_DAY_SECONDS = 86_400


def state_key(service: str) -> Key:
    """Key of a service's state."""
    return Key(f"SERVICE#{service}", "STATE")


def release_key(service: str, release_id: str) -> Key:
    """Key of a release."""
    return Key(f"SERVICE#{service}", f"{RELEASE_PREFIX}{release_id}")


def transform_key(transform_id: str, *, fallback: bool = False) -> Key:
    """Key of a transform, or of the second half of its record, where current took it over."""
    return Key(f"TRANSFORM#{transform_id}", "FALLBACK" if fallback else "TRANSFORM")


def input_key(transform_id: str) -> Key:
    """Key of the input of a transform, where it is kept."""
    return Key(f"TRANSFORM#{transform_id}", "INPUT")


def input_item(transform: Transform, document: str) -> dict[str, Value]:
    """A transform's input as an item, which goes when the transform does."""
    return {"input": document, settings.TTL_ATTRIBUTE: _expires_at(transform)}


def rescue_id(transform_id: str) -> str:
    """The id of the one job that runs a failed job's input once more."""
    return f"{transform_id}-rescue"


def key_of(transform: Transform) -> Key:
    """Key of the record of a transform at hand."""
    return transform_key(transform.transform_id, fallback=transform.fallback)


def index_value(service: str, release_id: str | None) -> str:
    """Value of the index that lists the transforms of a release, or those of the current version."""
    return f"{service}#{release_id or 'current'}"


def release_item(release: Release) -> dict[str, Value]:
    """A release as an item."""
    key = release_key(release.service, release.release_id)
    return _without_none(
        {
            settings.PARTITION_KEY: key.partition,
            settings.SORT_KEY: key.sort,
            "service": release.service,
            "release_id": release.release_id,
            "target_arn": release.target.arn,
            "target_tag": release.target.tag,
            "write_version": release.write.version,
            "write_modified": release.write.modified,
            "basis": release.basis.value,
            "policy": release.policy.to_json(),
            "requests": release.places,
            "plan": None if release.plan is None else release.plan.to_json(),
            "opened_at": release.opened_at,
            "decided_at": release.decided_at,
            "closed_at": release.closed_at,
            "reason": release.reason,
            "admitted": release.admitted,
            "succeeded": release.succeeded,
            "failed": release.failed,
            "not_started": release.not_started,
            "failures": release.failures,
            **state_fields(release.state, release.policy),
            "supersedes": release.supersedes,
            "told": release.told,
            "orders": release.orders,
            "ordered_by": release.ordered_by or None,
        }
    )


def state_fields(state: ReleaseState, policy: Policy) -> dict[str, Value]:
    """The fields that change with a release's state: itself, and how many outcomes decide nothing in it."""
    successes, failures = quiet_outcomes(state, policy)
    return {"state": state.value, "quiet_successes": successes, "quiet_failures": failures}


def release_of(item: Item) -> Release:
    """The release that an item holds.

    Raises:
        MalformedRecord: It does not hold one that this version can read.
    """
    with reading(item):
        return _release_of(item)


def _release_of(item: Item) -> Release:
    service, arn = str(item["service"]), str(item["target_arn"])
    if version_of(service, arn) is None:
        # The controller writes it into a pointer: nothing else may ever stand there.
        raise ValueError("target_arn is not the ARN of a Lambda function")
    policy = parse_policy(str(item["policy"]))
    return Release(
        service=service,
        release_id=str(item["release_id"]),
        target=Version(arn=arn, tag=str(item["target_tag"])),
        write=WriteMark(modified=int(item["write_modified"]), version=int(item["write_version"])),
        state=ReleaseState(str(item["state"])),
        basis=Basis(str(item["basis"])),
        policy=policy,
        opened_at=int(item["opened_at"]),
        decided_at=_number(item, "decided_at"),
        closed_at=_number(item, "closed_at"),
        reason=str(item.get("reason", "")),
        admitted=int(item["admitted"]),
        succeeded=int(item["succeeded"]),
        failed=int(item["failed"]),
        not_started=int(item["not_started"]),
        supersedes=_text(item, "supersedes"),
        told=str(item.get("told", "")),
        orders=int(item.get("orders", 0)),
        ordered_by=str(item.get("ordered_by", "")),
        plan=_plan(item),
        granted=0 if policy.gate is None else int(item["requests"]),
    )


def _plan(item: Item) -> "Plan | None":
    if "plan" not in item:
        return None
    from canary_router.core.gate import plan_from  # noqa: PLC0415 - the request function loads it only where it is used

    return plan_from(str(item["plan"]))


def transform_item(transform: Transform) -> dict[str, Value]:
    """A transform as an item. While its end is not known it also stands in the index of pending ones."""
    key = key_of(transform)
    return _without_none(
        {
            settings.PARTITION_KEY: key.partition,
            settings.SORT_KEY: key.sort,
            settings.RELEASE_INDEX_KEY: index_value(transform.service, transform.release_id),
            settings.PENDING_INDEX_KEY: None if transform.status.is_final else transform.service,
            settings.TTL_ATTRIBUTE: _expires_at(transform),
            "transform_id": transform.transform_id,
            "service": transform.service,
            "route": transform.route.value,
            "target_arn": transform.target.arn,
            "target_tag": transform.target.tag,
            "status": transform.status.value,
            "created_at": transform.created_at,
            "attempted_at": transform.attempted_at,
            "input_hash": transform.input_hash,
            "release_id": transform.release_id,
            "execution_arn": transform.execution_arn,
            "settled_at": transform.settled_at,
            "attempts": transform.attempts,
            "kept_input": 1 if transform.kept_input else None,
            "rescue_of": transform.rescue_of,
            "rescued_by": transform.rescued_by,
        }
    )


def transform_of(item: Item) -> Transform:
    """The transform that an item holds.

    Raises:
        MalformedRecord: It does not hold one that this version can read.
    """
    with reading(item):
        return _transform_of(item)


def _transform_of(item: Item) -> Transform:
    return Transform(
        transform_id=str(item["transform_id"]),
        service=str(item["service"]),
        route=Route(str(item["route"])),
        target=Version(arn=str(item["target_arn"]), tag=str(item["target_tag"])),
        status=Status(str(item["status"])),
        created_at=int(item["created_at"]),
        attempted_at=int(item["attempted_at"]),
        input_hash=str(item["input_hash"]),
        release_id=_text(item, "release_id"),
        execution_arn=_text(item, "execution_arn"),
        settled_at=_number(item, "settled_at"),
        attempts=int(item["attempts"]),
        fallback=item[settings.SORT_KEY] == "FALLBACK",
        kept_input="kept_input" in item,
        rescue_of=_text(item, "rescue_of"),
        rescued_by=_text(item, "rescued_by"),
    )


def state_of(service: str, item: Item | None) -> ServiceState:
    """The state that an item holds; a service without one has not been released yet.

    Raises:
        MalformedRecord: It does not hold one that this version can read.
    """
    if item is None:
        return ServiceState(service)
    with reading(item):
        state = _state_of(service, item)
        state.looked_up_to  # noqa: B018 - read once, so that a malformed mark shows here and nowhere later
        return state


def _state_of(service: str, item: Item) -> ServiceState:
    return ServiceState(
        service=service,
        open_release=_text(item, "open_release"),
        newest=str(item.get("newest", "")),
        looked=str(item.get("looked", "")),
        current=_version(item, "current"),
        previous=_version(item, "previous"),
        current_write=int(item.get("current_write", 0)),
        current_write_at=int(item.get("current_write_at", 0)),
        pending_cursor=str(item.get("pending_cursor", "")),
        lease_owner=str(item.get("lease_owner", "")),
        lease_until=int(item.get("lease_until", 0)),
        retirements=int(item.get("retirements", 0)),
    )


def version_fields(name: str, version: Version | None) -> dict[str, Value]:
    """The two fields that hold a version in a service's state; none for no version."""
    return {} if version is None else {f"{name}_arn": version.arn, f"{name}_tag": version.tag}


@contextmanager
def reading(item: Item) -> Iterator[None]:
    """Reads an item whose form nobody has vouched for.

    Raises:
        MalformedRecord: It does not hold what is looked for in it.
    """
    try:
        yield
    except (KeyError, ValueError, TypeError, CanaryRouterError) as error:
        where = f"{item.get(settings.PARTITION_KEY)} {item.get(settings.SORT_KEY)}"
        raise MalformedRecord(
            f"The item {where} of the table cannot be read: {type(error).__name__}: {error}",
            advice="Correct it, or restore it from a backup; until then it is left as it is.",
        ) from error


def _expires_at(transform: Transform) -> int:
    return transform.created_at // 1000 + settings.RECORD_DAYS * _DAY_SECONDS


def _version(item: Item, name: str) -> Version | None:
    arn = _text(item, f"{name}_arn")
    return None if arn is None else Version(arn=arn, tag=str(item.get(f"{name}_tag", "")))


def _text(item: Item, name: str) -> str | None:
    return str(item[name]) if name in item else None


def _number(item: Item, name: str) -> int | None:
    return int(item[name]) if name in item else None


def _without_none(fields: dict[str, Value | None]) -> dict[str, Value]:
    return {name: value for name, value in fields.items() if value is not None}

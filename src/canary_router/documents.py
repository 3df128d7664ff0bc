"""What ``--output json`` prints: the same facts as the tables, by stable names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from canary_router.core.announcement import release_summary
from canary_router.core.model import Release, Transform, Version
from canary_router.core.outlook import waiting_for
from canary_router.core.pointers import Blank, Content
from canary_router.core.policy import Policy
from canary_router.errors import InvalidPolicy

if TYPE_CHECKING:
    from canary_router.core.explanation import Evidence, Fact
    from canary_router.core.orders import GivenOrder, Order
    from canary_router.core.retirement import Judged
    from canary_router.core.retirement_records import Retirement
    from canary_router.flows.doctor import Checked
    from canary_router.flows.inspect import ServiceView
    from canary_router.flows.retiring import Retired


@dataclass(frozen=True)
class Done:
    """What people did.

    Attributes:
        released_by: Who wrote what releases were made of, by the releases' ids.
    """

    orders: "Sequence[GivenOrder]"
    retirements: "Sequence[Retirement]"
    released_by: Mapping[str, str]


def service_document(environment: str, view: "ServiceView", now: int) -> dict[str, Any]:
    """A service with its pointers, its policy, its newest release and what it waits for; ``now`` in milliseconds."""
    release = view.release
    is_undecided = release is not None and release.state.can_be_decided
    return {
        "environment": environment,
        "service": view.pointers.service,
        "current": _pointer(view.pointers.current),
        "latest": _pointer(view.pointers.latest),
        "policy": _policy(view.pointers.policy),
        "problems": list(view.pointers.problems),
        "previous": _version(view.state.previous),
        "release": None if release is None else release_summary(release),
        "waiting_for": waiting_for(view.pointers, release, now) or None,
        "seconds_to_deadline": max(0, release.deadline_at - now) // 1000 if release and is_undecided else None,
    }


def release_document(release: Release, transforms: tuple[Transform, ...]) -> dict[str, Any]:
    """A release with its jobs."""
    return {**release_summary(release), "transforms": [transform_document(it) for it in transforms]}


def order_document(environment: str, order: "Order", release: Release, *, nudged: bool) -> dict[str, Any]:
    """An order, and the release that it was carried out on, as it is by now."""
    return {
        "environment": environment,
        "service": order.service,
        "order": _order(order),
        "release": release_summary(release),
        "nudged": nudged,
    }


def history_document(environment: str, service: str, releases: Sequence[Release], done: Done) -> dict[str, Any]:
    """Releases with who wrote them, the orders given for them, and what was retired, newest first."""
    return {
        "environment": environment,
        "service": service,
        "releases": [
            {**release_summary(release), "released_by": done.released_by.get(release.release_id)}
            for release in releases
        ],
        "orders": [
            {**_order(it.order), "release_id": it.release_id, "version": it.version, "counts": it.counts}
            for it in done.orders
        ],
        "retirements": [_retirement(it) for it in done.retirements],
    }


def explanation_document(environment: str, evidence: "Evidence", facts: "Sequence[Fact]") -> dict[str, Any]:
    """Why a job ran where it ran: the job, and sentences that are known or not."""
    halves = (evidence.transform, evidence.taken_over)
    return {
        "environment": environment,
        "transform": transform_document(evidence.taken_over or evidence.transform),
        "is_recorded": evidence.is_recorded,
        "attempts": [transform_document(it) for it in halves if it is not None],
        "release": None if evidence.release is None else release_summary(evidence.release),
        "facts": [{"topic": it.topic, "text": it.text, "is_known": it.is_known} for it in facts],
    }


def policy_document(policy: Policy) -> dict[str, Any]:
    """A policy, what it means, what its verdict is worth, and the text that its parameter takes."""
    from canary_router.core.policy_words import meaning

    return {
        "policy": _policy(policy),
        "meaning": list(meaning(policy)),
        **_worth(policy),
        "parameter": policy.to_json(),
    }


def checkup_document(environment: str, made: "Sequence[Checked]") -> dict[str, Any]:
    """What a check-up found, check by check."""
    from canary_router.flows.doctor import State

    return {
        "environment": environment,
        "healthy": not any(it.state is State.TROUBLE for it in made),
        "checks": [
            {
                "check": it.name,
                "state": it.state.value,
                "findings": [
                    {"service": found.subject or None, "text": found.text, "remedy": found.remedy}
                    for found in it.findings
                ],
            }
            for it in made
        ],
    }


def prune_document(
    environment: str, service: str, judged: "Sequence[Judged]", done: "Sequence[Retired]"
) -> dict[str, Any]:
    """What becomes of each stack, newest first, and what was done, in the order in which it was done."""
    return {
        "environment": environment,
        "service": service,
        "plan": [
            {
                "stack": it.stack.name,
                "stack_id": it.stack.stack_id,
                "version": it.stack.tag or None,
                "goes": it.goes,
                "reason": it.reason,
                "may_go_at": it.may_go_at,
            }
            for it in judged
        ],
        "done": [
            {"stack": it.stack.name, "version": it.stack.tag, "state": it.state.value, "outcome": it.outcome}
            for it in done
        ],
    }


def _retirement(it: "Retirement") -> dict[str, Any]:
    return {
        "version": it.version,
        "stack": it.stack,
        "stack_id": it.stack_id,
        "who": it.who,
        "why": it.why,
        "at": it.at,
        "reason": it.reason,
        "state": it.state.value,
        "outcome": it.outcome,
        "ended_at": it.ended_at,
    }


def _order(order: "Order") -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "kind": order.kind.value,
        "who": order.who,
        "why": order.why,
        "at": order.at,
    }


def transform_document(transform: Transform) -> dict[str, Any]:
    """A recorded transform."""
    return {
        "transform_id": transform.transform_id,
        "service": transform.service,
        "route": transform.route.value,
        "version": transform.target.tag,
        "target_arn": transform.target.arn,
        "execution_arn": transform.execution_arn,
        "status": transform.status.value,
        "release_id": transform.release_id,
        "created_at": transform.created_at,
        "settled_at": transform.settled_at,
    }


def _pointer(content: Content) -> dict[str, Any]:
    if isinstance(content, Version):
        return {"state": "version", "version": content.tag, "arn": content.arn}
    if isinstance(content, Blank):
        return {"state": "blank", "version": None, "arn": None}
    return {"state": "invalid", "version": None, "arn": None, "value": content.value}


def _version(version: Version | None) -> dict[str, Any] | None:
    return None if version is None else {"version": version.tag, "arn": version.arn}


def _policy(policy: Policy | InvalidPolicy) -> dict[str, Any] | None:
    if isinstance(policy, InvalidPolicy):
        return None
    asked: dict[str, Any] = {"successes": policy.required, "max_failures": policy.max_failures}
    if policy.gate is not None:
        asked = {"gate": policy.gate.document()}
    return {
        "requests": policy.budget,
        "share": policy.share,
        **asked,
        "deadline_seconds": policy.deadline,
        "rescue": policy.rescue,
        "record": policy.record,
    }


def _worth(policy: Policy) -> dict[str, Any]:
    """What a verdict by the policy is worth; of a baseline that is still to be measured nobody knows yet."""
    from canary_router.core.gate_words import planned, prospects
    from canary_router.core.policy_words import chances

    if policy.gate is None:
        rows = [{"failure_rate": it.failure_rate, "passes": round(it.passes, 4)} for it in chances(policy)]
        return {"chances": rows}
    plan = planned(policy)
    if plan is None:
        return {"plan": None, "chances": None}
    return {
        "plan": plan.document(),
        "chances": [
            {
                "failure_rate": it.failure_rate,
                "passes": round(it.promoted, 4),
                "refused": round(it.refused, 4),
                "held": round(it.held, 4),
                "jobs": round(it.jobs, 2),
                "failed_jobs": round(it.failed, 2),
            }
            for it in prospects(policy.gate, plan)
        ],
    }

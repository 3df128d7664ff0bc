"""Services, releases and jobs for people's eyes. Imports Rich, so it is imported only when something is shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from canary_router.core.durations import duration
from canary_router.core.gate_words import wanted
from canary_router.core.model import Basis, Release, ReleaseState, Route, Status, Transform, Version
from canary_router.core.order_words import became
from canary_router.core.outlook import jobs_it_takes, waiting_for
from canary_router.core.pointers import Blank, Content

if TYPE_CHECKING:
    from canary_router.cli.following import Sight
    from canary_router.core.gate import Sequential
    from canary_router.core.orders import Order
    from canary_router.core.policy import Policy
    from canary_router.flows.inspect import ServiceView
    from canary_router.local.record import Emulator

_STATE_STYLE = {
    ReleaseState.OPEN: "yellow",
    ReleaseState.PAUSED: "magenta",
    ReleaseState.PROMOTING: "green",
    ReleaseState.PROMOTED: "bold green",
    ReleaseState.ABORTING: "red",
    ReleaseState.ABORTED: "bold red",
    ReleaseState.SUPERSEDED: "dim",
}
_STATUS_STYLE = {
    Status.ADMITTED: "yellow",
    Status.RUNNING: "yellow",
    Status.SUCCEEDED: "green",
}


def services_table(environment: str, views: "Sequence[ServiceView]", now: int) -> RenderableType:
    """All services of an environment, one line each."""
    if not views:
        doubt = "Are environment, account and region the ones you mean?"
        return Text(f"No service has been released in {environment} yet. {doubt}")
    table = _table("service", "current", "latest", "last release")
    table.add_column("waiting for", overflow="fold")
    for view in views:
        release = view.release
        table.add_row(
            view.pointers.service,
            pointer_text(view.pointers.current),
            pointer_text(view.pointers.latest),
            Text("-") if release is None else Text.assemble(release.target.tag, " ", state_text(release)),
            Text(waiting_for(view.pointers, release, now) or "-"),
        )
    return Group(table, *[_problem(problem) for view in views for problem in view.pointers.problems])


def service_panel(environment: str, view: "ServiceView", now: int) -> RenderableType:
    """One service: what serves, what is being tried out, how far it came, and what is waited for."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=len("previous"))
    grid.add_row(Text("current", "dim"), pointer_text(view.pointers.current))
    grid.add_row(Text("latest", "dim"), pointer_text(view.pointers.latest))
    if view.state.previous is not None:
        grid.add_row(Text("previous", "dim"), Text(view.state.previous.tag))
    parts: list[RenderableType] = [Text(f"{view.pointers.service} in {environment}", "bold"), grid]
    parts += [_problem(problem) for problem in view.pointers.problems]
    if view.release is not None:
        parts += [Text(), release_block(view.release, now)]
    waiting = waiting_for(view.pointers, view.release, now)
    if waiting:
        parts.append(Text(f"waiting for {waiting}", "yellow"))
    return Group(*parts)


def sight_panel(environment: str, sight: "Sight", now: int) -> RenderableType:
    """One look at a release that is watched."""
    parts: list[RenderableType] = [service_panel(environment, sight.view, now)]
    if sight.transforms:
        parts += [Text(), transforms_table(sight.transforms, now)]
    return Group(*parts)


def release_block(release: Release, now: int) -> RenderableType:
    """A release with its gauge."""
    head = Text.assemble(
        ("release   ", "dim"),
        (release.target.tag, "bold"),
        "  ",
        state_text(release),
        (f"  {release.release_id}", "dim"),
    )
    if release.closed_at is not None:
        when = f"opened {duration(now - release.opened_at)} ago, ended after "
        when += duration(release.closed_at - release.opened_at)
    elif not release.state.can_be_decided:
        when = f"opened {duration(now - release.opened_at)} ago, decided"
    elif now >= release.deadline_at:
        when = f"opened {duration(now - release.opened_at)} ago, overdue for {duration(now - release.deadline_at)}"
    else:
        when = f"opened {duration(now - release.opened_at)} ago, {duration(release.deadline_at - now)} to its deadline"
    lines: list[RenderableType] = [head]
    if release.basis is Basis.CANARY:
        lines.append(Text.assemble(gauge(release), f"  {progress_line(release)}"))
    lines.append(Text(when, "dim"))
    if release.reason:
        lines.append(Text(f"because {release.reason}"))
    return Group(*lines)


def gauge(release: Release) -> Text:
    """One block for each job that it takes: succeeded, failed, running, or free."""
    free = jobs_it_takes(release) - release.admitted
    return Text.assemble(
        ("■" * release.succeeded, "green"),
        ("■" * release.failures, "red"),
        ("▣" * release.running, "yellow"),
        ("□" * max(0, free), "dim"),
    )


def progress_line(release: Release) -> str:
    """The counts of a release in words."""
    if release.basis is not Basis.CANARY:
        return "" if release.reason else release.basis.value
    if release.policy.gate is not None:
        so_far = f"{release.admitted} of at most {release.policy.budget} admitted, {release.running} running"
        ends = f"{release.succeeded} succeeded, {release.failures} failed"
        return f"{so_far}, {ends}" + (f": {wanted(release)}" if release.state.can_be_decided else "")
    return (
        f"{release.admitted} of {release.policy.requests} admitted, {release.running} running, "
        f"{release.succeeded} of {release.policy.required} succeeded, {release.failures} failed"
    )


def transforms_table(transforms: Sequence[Transform], now: int) -> RenderableType:
    """Jobs, one line each."""
    table = _table("transform", "version", "status", "started", "took")
    for it in transforms:
        took = "" if it.settled_at is None else duration(it.settled_at - it.created_at)
        table.add_row(
            Text(it.transform_id, no_wrap=True),
            it.target.tag or "-",
            status_text(it.status),
            f"{duration(now - it.created_at)} ago",
            took,
        )
    return table


def emulator_panel(emulator: "Emulator") -> RenderableType:
    """The router on this machine, and how other tools reach it."""
    grid = Table.grid(padding=(0, 2))
    for name, value in (
        ("environment", emulator.environment),
        ("router", emulator.router_endpoint),
        ("AWS_ENDPOINT_URL", emulator.endpoint_url),
        ("AWS_DEFAULT_REGION", emulator.region),
        ("AWS_ACCESS_KEY_ID", emulator.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", emulator.secret_access_key),
        ("process", str(emulator.pid)),
    ):
        grid.add_row(Text(name, "dim"), Text(value, no_wrap=True))
    return grid


def policy_block(policy: "Policy") -> RenderableType:
    """A policy in words, and what its verdict is worth."""
    if policy.gate is not None:
        return _sequential_block(policy, policy.gate)
    from canary_router.core.policy_words import chances, meaning

    table = _table("a version that fails", "becomes current")
    for it in chances(policy):
        table.add_row(f"{it.failure_rate:.0%} of its jobs", f"{it.passes:.1%} of the time")
    return Group(*(Text(sentence) for sentence in meaning(policy)), Text(), table)


def _sequential_block(policy: "Policy", gate: "Sequential") -> RenderableType:
    from canary_router.core.gate_words import percent, planned, prospects
    from canary_router.core.policy_words import meaning

    table = _table("a version that fails", "becomes current", "is turned away", "is held", "jobs", "failed")
    plan = planned(policy)
    for it in prospects(gate, plan) if plan is not None else ():
        ends = (f"{it.promoted:.1%}", f"{it.refused:.1%}", f"{it.held:.1%}", f"{it.jobs:.1f}", f"{it.failed:.1f}")
        table.add_row(f"{percent(it.failure_rate)} of its jobs", *ends)
    means = (Text(sentence) for sentence in meaning(policy))
    return Group(*means, Text(), table) if plan is not None else Group(*means)


def words(line: str) -> Text:
    """A sentence, taken as it is."""
    return Text(line)


def order_block(environment: str, order: "Order", release: Release) -> RenderableType:
    """What became of an order, and how to follow what has not happened yet."""
    lines: list[RenderableType] = [Text(became(release), _STATE_STYLE[release.state])]
    if release.reason:
        lines.append(Text(f"because {release.reason}", "dim"))
    if release.closed_at is None:
        lines.append(Text(f"To follow it: canary-router --environment {environment} watch {order.service}", "dim"))
    return Group(*lines)


def sent_line(transform_id: str, route: Route, version: str, status: Status) -> Text:
    """A job that was sent."""
    return Text.assemble((transform_id, "bold"), f"  {version} ({route})  ", status_text(status))


def pointer_text(content: Content) -> Text:
    """A pointer: the version that it holds, or that there is none."""
    if isinstance(content, Version):
        return Text(content.tag, "bold")
    return Text("none", "dim") if isinstance(content, Blank) else Text("invalid", "bold red")


def state_text(release: Release) -> Text:
    """A release's state, in its colour."""
    return Text(release.state.value, _STATE_STYLE[release.state])


def status_text(status: Status) -> Text:
    """A job's status, in its colour."""
    return Text(status.value, _STATUS_STYLE.get(status, "red"))


def _problem(sentence: str) -> Text:
    return Text(f"! {sentence}", "bold red")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table

"""History and explanations for people's eyes."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from canary_router.cli.render import state_text, status_text
from canary_router.core.durations import duration
from canary_router.core.explanation import Evidence, Fact
from canary_router.core.model import Release
from canary_router.core.order_words import is_its_reason
from canary_router.core.orders import GivenOrder
from canary_router.core.retirement_records import Retirement
from canary_router.documents import Done


def history_block(
    environment: str,
    service: str,
    releases: Sequence[Release],
    done: Done,
) -> RenderableType:
    """Releases, newest first, each with its reason and the orders that it took; then what was retired."""
    if not releases:
        return Text(f"No release of {service} is on record in {environment} yet.")
    parts: list[RenderableType] = [Text(f"{service} in {environment}", "bold")]
    for release in releases:
        took = "" if release.closed_at is None else f"after {duration(release.closed_at - release.opened_at)}"
        head = Text.assemble(
            (when(release.opened_at), "dim"),
            "  ",
            (release.target.tag, "bold"),
            "  ",
            state_text(release),
            (f"  {took}" if took else "", "dim"),
            (f"  {release.release_id}", "dim"),
        )
        parts += [Text(), head]
        if who := done.released_by.get(release.release_id):
            parts.append(_indented(Text(f"released by {who}", "dim")))
        if release.reason:
            parts.append(_indented(Text(release.reason)))
        given = [it for it in reversed(done.orders) if it.release_id == release.release_id]
        parts += [_indented(_order_text(it)) for it in given if not is_its_reason(it, release)]
    parts += [Text(), Text("retired", "dim")] if done.retirements else []
    parts += [_indented(_retirement_text(it)) for it in done.retirements]
    return Group(*parts)


def _retirement_text(it: Retirement) -> Text:
    why = f": {it.why}" if it.why else ""
    what = f"  {it.state.value}  by {it.who}{why} ({it.outcome or it.reason})"
    return Text.assemble((when(it.at), "dim"), "  ", (it.version, "bold"), what)


def _order_text(given: GivenOrder) -> Text:
    why = f": {given.order.why}" if given.order.why else ""
    return Text.assemble(
        (when(given.order.at), "dim"), f"  {given.order.kind} by {given.order.who}{why}", (f" ({given.counts})", "dim")
    )


def explanation_block(evidence: Evidence, facts: Sequence[Fact]) -> RenderableType:
    """A job and why it ran where it ran; what is not on record stands back."""
    job = evidence.taken_over or evidence.transform
    head = Text.assemble((job.transform_id, "bold"), "  ", status_text(job.status))
    if evidence.is_recorded:
        head.append(f"  {when(job.created_at)}", "dim")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    topic = ""
    for fact in facts:
        shown = "" if fact.topic == topic else fact.topic
        topic = fact.topic
        mark = Text("") if fact.is_known else Text("not on record: ", "yellow")
        grid.add_row(Text(shown, "dim"), Text.assemble(mark, (fact.text, "" if fact.is_known else "dim")))
    return Group(head, Text(), grid)


def when(milliseconds: int) -> str:
    """A moment, on the clock of whoever reads it."""
    return datetime.fromtimestamp(milliseconds / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, 4), expand=False)

"""The plan of a retirement for people's eyes."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from canary_router.cli.render_past import when
from canary_router.core.retirement import Judged


def plan_table(environment: str, service: str, judged: Sequence[Judged]) -> RenderableType:
    """What becomes of each stack, newest first."""
    if not judged:
        return Text(f"There is no stack of {service} in {environment}.")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("stack", "version", "", "may go"):
        table.add_column(column, no_wrap=True)
    table.add_column("because", overflow="fold")
    for it in judged:
        may_go = "now" if it.goes else "-" if it.may_go_at is None else when(it.may_go_at)
        said = Text("goes", "yellow") if it.goes else Text("stays", "green")
        table.add_row(it.stack.name, Text(it.stack.tag or "-", "bold"), said, may_go, Text(it.reason))
    none = [] if any(it.goes for it in judged) else [Text("Nothing is to be retired.")]
    return Group(table, *none)

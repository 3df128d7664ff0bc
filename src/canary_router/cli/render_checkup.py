"""A check-up for people's eyes."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from canary_router.flows.doctor import Checked, State

_MARKS = {State.OK: ("ok", "green"), State.TROUBLE: ("!!", "bold red"), State.UNCHECKED: ("??", "yellow")}


def checkup_block(environment: str, made: Sequence[Checked]) -> RenderableType:
    """Each check in a line, with its findings and their remedies below it."""
    parts: list[RenderableType] = [Text(f"The router of {environment}", "bold")]
    for checked in made:
        parts.append(Text.assemble(_MARKS[checked.state], "  ", checked.name))
        for finding in checked.findings:
            subject = f"{finding.subject}: " if finding.subject else ""
            parts.append(_indented(Text.assemble((subject, "bold"), _stopped(finding.text))))
            parts.append(_indented(Text(f"-> {finding.remedy}", "dim")))
    troubles = sum(len(it.findings) for it in made if it.state is State.TROUBLE)
    unchecked = sum(it.state is State.UNCHECKED for it in made)
    summary = "Nothing is wrong." if not troubles else f"{troubles} to be mended."
    if unchecked:
        summary += f" {unchecked} of {len(made)} checks could not be made."
    return Group(*parts, Text(), Text(summary, "bold red" if troubles else "bold green"))


def _stopped(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 4), expand=False)

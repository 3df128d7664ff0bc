"""What people are told of a release: which version, the counts, why, and the command to act with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from canary_router.errors import InvalidInput
from canary_router.settings import NAME_PATTERN

_REASON_AT_MOST = 600
"""Characters. A reason may quote an error's cause, which has up to 32,768."""
_NAME_AT_MOST = 256
_SUBJECT_AT_MOST = 100
"""Characters that SNS takes, and they must be ASCII."""
_COUNTS = ("admitted", "succeeded", "failed", "running", "not_started")


@dataclass(frozen=True)
class _Form:
    """How one detail type reads.

    Attributes:
        happened: What follows the version's name in the subject.
        means: What it means for the traffic.
        verb: The command to act with, without the service.
        act: What that command is for.
    """

    happened: str
    means: str
    verb: str
    act: str


_FORMS = {
    "Release Opened": _Form(
        "is on trial", "A few jobs go to it; current serves all others.", "watch {service}", "To follow it"
    ),
    "Release Promoted": _Form(
        "was promoted", "It is current: every new job goes to it.", "rollback {service}", "To go back"
    ),
    "Release Aborted": _Form(
        "was aborted", "Current serves as before; no more jobs go to it.", "transforms {service}", "To see its jobs"
    ),
    "Release Superseded": _Form(
        "was superseded", "A newer version is on trial in its place.", "status {service}", "To see which"
    ),
    "Release Paused": _Form(
        "is paused", "No more jobs go to it, and nothing is decided.", "resume {service}", "To go on"
    ),
    "Release Resumed": _Form(
        "goes on", "A few jobs go to it; current serves all others.", "watch {service}", "To follow it"
    ),
    "Release RolledBack": _Form(
        "is current again", "A person has ordered it back.", "history {service}", "To see what was before"
    ),
}
DETAIL_TYPES = tuple(_FORMS)
"""The contract's events, all of which people can be told of."""


@dataclass(frozen=True)
class Message:
    """What is told, as text.

    Attributes:
        subject: One line of ASCII, at most 100 characters.
        lines: Sentences, without line ends.
        act: What the command is for.
        command: What to type.
    """

    subject: str
    lines: tuple[str, ...]
    act: str
    command: str

    @property
    def text(self) -> str:
        """All but the subject, as plain text."""
        return "\n".join([*self.lines, f"{self.act}: {self.command}"])


def message_of(detail_type: object, detail: object) -> Message:
    """The message for one of the contract's events.

    Args:
        detail_type: The event's ``detail-type``.
        detail: The event's ``detail``, as ``announce`` makes it.

    Raises:
        InvalidInput: It is none of the contract's events.
    """
    form = _FORMS.get(detail_type) if isinstance(detail_type, str) else None
    if form is None or not isinstance(detail, Mapping):
        raise InvalidInput(f"{str(detail_type)[:_NAME_AT_MOST]!r} is no event that people are told of")
    environment, service = _name(detail, "environment"), _name(detail, "service")
    version, release_id = _label(detail, "version"), _label(detail, "release_id")
    subject = f"{service} {version} {form.happened} in {environment}"
    lines = [form.means, _counts(detail)]
    for name, label in (("reason", "Why"), ("ordered_by", "By")):
        if said := detail.get(name):
            lines.append(f"{label}: {_one_line(said)}")
    lines.append(f"Release: {release_id}")
    command = f"canary-router --environment {environment} {form.verb.format(service=service)}"
    return Message(_ascii(subject), tuple(lines), form.act, command)


def _name(detail: Mapping[Any, Any], field: str) -> str:
    value = detail.get(field)
    # It stands in the command that somebody may copy: there must be nothing in it that a shell understands.
    if not isinstance(value, str) or not NAME_PATTERN.fullmatch(value):
        raise InvalidInput(f"The event's {field} is {str(value)[:_NAME_AT_MOST]!r}, which cannot be one")
    return value


def _label(detail: Mapping[Any, Any], field: str) -> str:
    value = detail.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"The event has no {field}")
    return _one_line(value)[:_NAME_AT_MOST]


def _counts(detail: Mapping[Any, Any]) -> str:
    counts = {}
    for name in _COUNTS:
        counts[name] = detail.get(name)
        if not isinstance(counts[name], int) or isinstance(counts[name], bool):
            raise InvalidInput(f"The event's {name} is {str(counts[name])[:_NAME_AT_MOST]!r}, not a number of jobs")
    text = "{admitted} jobs admitted: {succeeded} succeeded, {failed} failed, {running} running".format(**counts)
    return text + (f", {counts['not_started']} not started." if counts["not_started"] else ".")


def _one_line(said: object) -> str:
    text = "".join(character if character.isprintable() else " " for character in str(said))
    return text if len(text) <= _REASON_AT_MOST else text[: _REASON_AT_MOST - 1] + "…"


def _ascii(subject: str) -> str:
    subject = subject.encode("ascii", "replace").decode()
    return subject if len(subject) <= _SUBJECT_AT_MOST else subject[: _SUBJECT_AT_MOST - 3] + "..."

"""What the two SSM parameters say, and what they do not.

- Blank is ``none``, white space, or no parameter at all.
- A Lambda function ARN, optionally with a version or an alias, is a target.
- Anything else is invalid: it wakes nothing, it is said aloud, and it is never overwritten.
"""

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from canary_router import settings
from canary_router.core.model import Version, WriteMark
from canary_router.core.policy import Policy, parse_policy
from canary_router.errors import InvalidPolicy

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z]{2}[a-z-]*-\d{1,2}):(?P<account>\d{12})"
    r":function:(?P<function>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?",
    re.ASCII,  # \d is 0 to 9, not any script's digits
)
_SLUG = re.compile(r"v(\d+)-(\d+)-(\d+)(?:-([0-9a-z-]+))?", re.ASCII | re.IGNORECASE)
_PIPELINE = "-pipeline"
_ARN_PARTS = 8
"""arn, partition, service, region, account, 'execution', state machine, name."""


@dataclass(frozen=True)
class Blank:
    """Nothing is released."""


@dataclass(frozen=True)
class Invalid:
    """A value that is neither blank nor a function's ARN."""

    value: str


Content: TypeAlias = Blank | Invalid | Version


@dataclass(frozen=True)
class Reading:
    """One parameter as it was read.

    Attributes:
        modified: When it was written, epoch milliseconds.
        note: What the writer noted with it (the parameter's description); only a history has it.
        who: ARN of the writer; only a history has it.
    """

    value: str
    version: int
    modified: int
    note: str = ""
    who: str = field(default="", compare=False)

    @property
    def mark(self) -> WriteMark:
        """Which write this is."""
        return WriteMark(modified=self.modified, version=self.version)

    @property
    def is_blank(self) -> bool:
        """Whether the value means that there is nothing."""
        return self.value.strip() in ("", settings.BLANK)


@dataclass(frozen=True)
class Readings:
    """The three parameters of a service, read in one call; None where there is no such parameter."""

    current: Reading | None = None
    latest: Reading | None = None
    policy: Reading | None = None

    @property
    def exist(self) -> bool:
        """Whether anything was ever written for this service."""
        return self.current is not None or self.latest is not None


@dataclass(frozen=True)
class Pointers:
    """The readings, understood.

    Attributes:
        write: The write of ``latest`` that was read; None when the parameter is missing.
        current_write: As above, of ``current``.
        policy: The policy, or the reason why there is none: a refused policy never wakes the router.
    """

    service: str
    current: Content
    latest: Content
    write: WriteMark | None
    current_write: WriteMark | None
    policy: Policy | InvalidPolicy

    @property
    def candidate(self) -> Version | None:
        """The version that asks to become current; None while the router has to sleep."""
        if not isinstance(self.latest, Version) or self.write is None:
            return None
        if isinstance(self.policy, InvalidPolicy) or isinstance(self.current, Invalid):
            return None
        return self.latest

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person has to mend, one sentence each; empty when all is well."""
        found = [
            f"The pointer {leaf!r} of {self.service} holds {content.value[:200]!r}, which is neither "
            f"{settings.BLANK!r} nor the ARN of a Lambda function"
            for leaf, content in (("current", self.current), ("latest", self.latest))
            if isinstance(content, Invalid)
        ]
        if isinstance(self.policy, InvalidPolicy):
            found.append(f"The policy of {self.service} is refused: {self.policy}")
        return tuple(found)


def understand(service: str, readings: Readings) -> Pointers:
    """Gives the readings of a service their meaning. Never raises: what is wrong is part of the answer."""
    try:
        policy: Policy | InvalidPolicy = parse_policy(readings.policy.value if readings.policy else None)
    except InvalidPolicy as refused:
        policy = refused
    return Pointers(
        service=service,
        current=content_of(service, readings.current),
        latest=content_of(service, readings.latest),
        write=readings.latest.mark if readings.latest else None,
        current_write=readings.current.mark if readings.current else None,
        policy=policy,
    )


def content_of(service: str, reading: Reading | None) -> Content:
    """Reads one pointer."""
    if reading is None or reading.is_blank:
        return Blank()
    text = reading.value.strip()
    version = version_of(service, text)
    return Invalid(text) if version is None else version


def version_of(service: str, arn: str) -> Version | None:
    """The version behind a pipeline's ARN; None when the text is not the ARN of a Lambda function.

    A function named by the contract carries its tag (``transformer-v1-2-0-pipeline`` is ``v1.2.0``); any other is
    known by the function's name and qualifier.
    """
    match = _ARN.fullmatch(arn)
    if match is None:
        return None
    tag = _tag(service, match["function"])
    if tag is None:
        tag = f"{match['function']}:{match['qualifier']}" if match["qualifier"] else match["function"]
    return Version(arn=arn, tag=tag)


def execution_arn_of(service: str, version: Version, transform_id: str) -> str | None:
    """Where the contract's names say that a transform's execution is; None for a pipeline with a name of its own."""
    match = _ARN.fullmatch(version.arn)
    if match is None or _tag(service, match["function"]) is None:
        return None
    machine = match["function"].removesuffix(_PIPELINE)
    return f"arn:{match['partition']}:states:{match['region']}:{match['account']}:execution:{machine}:{transform_id}"


def is_execution_of(execution_arn: str, transform_id: str) -> bool:
    """Whether an execution has a transform's id for its name, as the contract with the pipelines asks."""
    parts = execution_arn.split(":")
    return execution_arn.isprintable() and len(parts) >= _ARN_PARTS and parts[_ARN_PARTS - 1] == transform_id


def version_of_execution(service: str, execution_arn: str, transform_id: str) -> Version | None:
    """The version that an execution belongs to; None unless it is this transform's, in a version of this service."""
    parts = execution_arn.split(":")
    if len(parts) != _ARN_PARTS or parts[0] != "arn" or parts[2] != "states" or parts[5] != "execution":
        return None
    _, partition, _, region, account, _, machine, name = parts
    version = version_of(service, f"arn:{partition}:lambda:{region}:{account}:function:{machine}{_PIPELINE}")
    if name != transform_id or version is None or _tag(service, machine + _PIPELINE) is None:
        return None
    return version


def _tag(service: str, function: str) -> str | None:
    if not (function.startswith(f"{service}-") and function.endswith(_PIPELINE)):
        return None
    match = _SLUG.fullmatch(function[len(service) + 1 : -len(_PIPELINE)])
    if match is None:
        return None
    major, minor, patch, prerelease = match.groups()
    # A slug does not tell dots from dashes in a pre-release; `rc.1` is what nearly everybody writes.
    return f"v{major}.{minor}.{patch}" + (f"-{prerelease.replace('-', '.')}" if prerelease else "")

"""A release's policy: how large the canary is, and what its outcomes have to be.

A policy is refused as a whole, with the name of the key, rather than half understood: a router that guesses at a
policy would send jobs where nobody wanted them.

What a sequential gate needs is loaded only for a policy that has one: the request function reads every policy.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from canary_router.errors import InvalidPolicy

if TYPE_CHECKING:
    from canary_router.core.gate import Sequential

MAX_REQUESTS = 5
MOST_JOBS = 500
"""Of a sequential gate's ``max``: what a canary of batch jobs could ever have the time for, and quick to compute."""
_MAX_DEADLINE = 366 * 86_400
"""Seconds: Step Functions ends a standard workflow after a year."""
_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)
_UNITS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_RECORDS = ("canary", "all")
_OF_ALL = ("requests", "successes", "max_failures")
_KEYS = {*_OF_ALL, "share", "deadline", "rescue", "record", "gate"}


@dataclass(frozen=True)
class Policy:
    """What a release has to show before it becomes current.

    Without a ``gate`` it asks for so many successes among so many jobs. A sequential gate has its own numbers, and then
    ``requests``, ``successes`` and ``max_failures`` say nothing; a document that has both is refused.

    Attributes:
        requests: Budget: how many jobs may go to the new version at most, 1 to 5.
        share: Probability with which a request is offered to the new version while the budget has room.
        successes: How many jobs must have succeeded; all of the budget when it is None.
        max_failures: How many jobs may end badly before the release is aborted.
        deadline: Seconds from the opening; an undecided release is then aborted.
        rescue: Keep the input of each of the release's jobs, and run it once more on current if the job fails.
        record: ``canary`` keeps records of the release's jobs, ``all`` of the current version's too.
        gate: A sequential test of the release's failure rate; None for the gate ``all``.

    Raises:
        InvalidPolicy: A value is out of its range, or two contradict each other.
    """

    requests: int = 2
    share: float = 0.5
    successes: int | None = None
    max_failures: int = 0
    deadline: int = 86_400
    rescue: bool = False
    record: str = "canary"
    gate: "Sequential | None" = None

    def __post_init__(self) -> None:
        whole("requests", self.requests, 1, MAX_REQUESTS)
        if self.successes is not None:
            whole("successes", self.successes, 1, MAX_REQUESTS)
            if self.successes > self.requests:
                raise refused("successes", f"{self.successes} is more than requests, which is {self.requests}")
        whole("max_failures", self.max_failures, 0, MAX_REQUESTS)
        if self.max_failures >= self.requests:
            raise refused("max_failures", f"{self.max_failures} would let every one of {self.requests} jobs fail")
        probability("share", self.share)
        whole("deadline", self.deadline, 1, _MAX_DEADLINE)
        if not isinstance(self.rescue, bool):
            raise refused("rescue", f"{self.rescue!r} is neither true nor false")
        if self.record not in _RECORDS:
            raise refused("record", f"{self.record!r} is none of {', '.join(_RECORDS)}")
        if self.gate is not None:
            from canary_router.core.gate import Sequential  # noqa: PLC0415 - see above

            if not isinstance(self.gate, Sequential):
                raise refused("gate", f"{self.gate!r} is no sequential gate")

    @property
    def budget(self) -> int:
        """How many jobs may go to the new version in all."""
        return self.requests if self.gate is None else self.gate.max

    @property
    def required(self) -> int:
        """How many successes promote the release, by the gate ``all``."""
        return self.requests if self.successes is None else self.successes

    def to_json(self) -> str:
        """The policy as the JSON document that ``parse_policy`` reads."""
        document = {key: value for key, value in asdict(self).items() if value is not None}
        if self.gate is not None:
            document |= {"gate": self.gate.document()}
            document = {key: value for key, value in document.items() if key not in _OF_ALL}
        return json.dumps({**document, "deadline": f"PT{self.deadline}S"}, sort_keys=True)


def parse_policy(text: str | None) -> Policy:
    """Reads a policy from its JSON text; a missing or blank text is the default policy.

    Raises:
        InvalidPolicy: The text is not a JSON object, or a key is unknown, has the wrong type or a value out of
            its range. The message names the key.
    """
    if text is None or not text.strip():
        return Policy()
    try:
        document = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise InvalidPolicy(
            f"The policy is not JSON: {error}", advice='Write an object, for example {"requests": 2}.'
        ) from error
    return policy_from(document)


def policy_from(document: Any) -> Policy:
    """Makes a policy of a decoded JSON or YAML document.

    Raises:
        InvalidPolicy: As ``parse_policy``.
    """
    if not isinstance(document, Mapping):
        raise InvalidPolicy("The policy is not an object", advice='Write an object, for example {"requests": 2}.')
    for key in document:
        if key not in _KEYS:
            raise refused(str(key), f"is not a key of a policy; the keys are {', '.join(sorted(_KEYS))}")
    values = dict(document)
    if "gate" in values:
        from canary_router.core.gate import gate_from  # noqa: PLC0415 - see above

        values["gate"] = gate_from(values["gate"])
    if values.get("gate") is not None:
        for key in _OF_ALL:
            if key in values:
                raise refused(key, "is for the gate 'all'; a sequential gate has 'max', and its own boundaries")
    if "deadline" in values:
        values["deadline"] = duration_seconds(values["deadline"])
    if values.get("successes", 0) is None:
        raise refused("successes", "None is not a whole number; leave the key out to require every request")
    return Policy(**values)


def duration_seconds(text: Any) -> int:
    """Seconds of an ISO-8601 duration of weeks, days, hours, minutes and seconds, such as ``PT24H`` or ``P1DT6H``.

    Raises:
        InvalidPolicy: The text is something else. Years and months are refused: their length is not fixed.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise refused("deadline", f"{text!r} is not an ISO-8601 duration such as 'PT24H' or 'P1DT6H'")
    return sum(int(count or 0) * _UNITS[unit] for unit, count in match.groupdict().items())


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        raise refused(next(name for name in names if names.count(name) > 1), "is there more than once")
    return document


def refused(key: str, why: str) -> InvalidPolicy:
    """The refusal of a policy for one of its keys."""
    return InvalidPolicy(f"Policy key {key!r}: {why}", advice=f"Correct {key!r} in the policy; nothing was changed.")


def whole(key: str, value: object, least: int, most: int) -> None:
    """Takes a whole number within a range, both ends included.

    Raises:
        InvalidPolicy: The value is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refused(key, f"{value!r} is not a whole number from {least} to {most}")


def probability(key: str, value: object) -> None:
    """Takes a number above 0 and up to 1.

    Raises:
        InvalidPolicy: The value is something else.
    """
    if not is_number(value) or not 0 < value <= 1:
        raise refused(key, f"{value!r} is not a number above 0 and up to 1")


def between(key: str, value: object, least: float, most: float) -> None:
    """Takes a number between two others, which are not among those that are taken.

    Raises:
        InvalidPolicy: The value is something else.
    """
    if not is_number(value) or not least < value < most:
        raise refused(key, f"{value!r} is not a number between {least:g} and {most:g}")


def is_number(value: object) -> TypeGuard[float]:
    """Whether a decoded value is a number: JSON's true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)

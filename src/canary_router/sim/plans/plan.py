"""What is going to happen in a run, as data: a shrinker takes parts away, a story shows what is left."""

from dataclasses import dataclass, field
from enum import StrEnum

from canary_router.sim.plans.orders import PlannedOrder

FAULTS = (
    "refused",
    "throttled",
    "lost, done",
    "lost, not done",
    "lost, done later",
    "repeated",
    "slow",
    "killed before",
    "killed after",
    "killed, done later",
    "stale",
)
"""At any port. ``repeated``: the adapter's own second try is refused by what its first one did."""
PIPELINE_FAULTS = (
    "throttled",
    "broke before",
    "broke after",
    "no arn",
    "answer lost",
    "request lost",
    "late start",
    "killed",
    "slow",
    "describe lag",
)
"""Of one invocation. ``slow``: it takes seconds, and ends well."""
EVENT_FAULTS = ("event lost", "event twice", "event late")
THEMES = 8
"""A seed's remainder by this says what it looks for, if anything."""


class Behaviour(StrEnum):
    """What the jobs of a version do."""

    GOOD = "good"
    BAD = "bad"
    FLAKY = "flaky"
    FAILS_LATE = "fails late"
    """Flaky, and the jobs that fail last the longest."""
    FAILS_SOON = "fails soon"
    """Flaky, and the jobs that fail end the soonest."""
    STUCK = "stuck"
    MISSING = "missing"
    """Its pipeline's function is not there."""


@dataclass(frozen=True)
class Request:
    """A front-end has a job for the router; it tries again on whatever leaves its end open."""

    name: str
    at: float
    key: str | None
    tries: int
    twin: bool
    """Its first try is sent twice at once."""
    other_body: bool
    """Later somebody sends another body under the same key."""
    is_patient: bool = False
    """Is sent again every minute or so, until long after the grace time."""


@dataclass(frozen=True)
class Deployment:
    """A stack's deployment: it writes ``latest`` as its last act, and may be rolled back."""

    name: str
    at: float
    tag: str
    behaviour: Behaviour
    withdrawn_after: float | None


@dataclass(frozen=True)
class Deed:
    """Something that a person does in the console: writes a parameter by hand, or deletes it (None)."""

    name: str
    at: float
    leaf: str
    value: str | None


@dataclass(frozen=True)
class Outage:
    """A service is down for a while.

    Attributes:
        port: ``invoker`` is Lambda as a whole, ``invoker v1.1.0`` that version's function alone.
    """

    name: str
    port: str
    at: float
    until: float


@dataclass(frozen=True)
class Plan:
    """One run. Times are virtual seconds from the beginning.

    Attributes:
        seed: Where every other chance of the run comes from.
        rates: Probability of each fault at one call.
        chaos: When the faults end; after that everything has to come to rest.
        passes: When the controller is started beyond its schedule: whoever orders a pass may order it twice.
        muted: Single faults that are left out, as (task, number of its call).
    """

    seed: int
    initial: str | None
    policy: str
    pointer_ttl: float
    skew: float
    chaos: float
    requests: tuple[Request, ...]
    deployments: tuple[Deployment, ...]
    deeds: tuple[Deed, ...]
    outages: tuple[Outage, ...]
    orders: tuple[PlannedOrder, ...] = ()
    rates: dict[str, float] = field(default_factory=dict)
    muted: frozenset[tuple[str, int]] = frozenset()
    passes: tuple[float, ...] = ()

"""What is going to happen in a run, as data: a shrinker takes parts away, a story shows what is left."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from canary_router.core.orders import OrderKind
from canary_router.sim.plans.orders import PlannedOrder, crossing_orders, orders_for

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


class Behaviour(StrEnum):
    """What the jobs of a version do."""

    GOOD = "good"
    BAD = "bad"
    FLAKY = "flaky"
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


def plan_for(seed: int) -> Plan:
    """The plan that a seed stands for."""
    chance = random.Random(seed)
    chaos = chance.choice((150.0, 240.0, 400.0, 700.0))
    deployments = _deployments(chance, chaos)
    plan = Plan(
        seed=seed,
        initial=chance.choices(("v1.0.0", None), (7, 1))[0],
        policy=json.dumps(_policy(chance)),
        pointer_ttl=chance.choice((0.0, 5.0, 5.0)),
        skew=chance.choice((0.0, 1000.0, 3000.0)),
        chaos=chaos,
        requests=_requests(chance, chaos, deployments),
        deployments=deployments,
        deeds=(*_deeds(chance, chaos, deployments), *_losses_of_current(seed, deployments)),
        outages=(*_outages(chance, chaos), *_outages_of_pipelines(seed, deployments)),
        rates=_rates(chance) | _slow_pipelines(seed),
        orders=orders_for(seed, [one.at for one in deployments], chaos),
    )
    theme = _themes(seed // _THEMES).get(seed % _THEMES)
    return plan if theme is None else theme(plan)


_THEMES = 8


def _themes(turn: int) -> dict[int, Callable[[Plan], Plan]]:
    """Some seeds look for one hazard, which chance alone would hardly ever bring together."""
    from canary_router.sim.plans.hazards import HAZARDS  # noqa: PLC0415 - hazards are plans, made of what is here

    hazard = HAZARDS[turn % len(HAZARDS)]
    return {
        3: _front_ends_that_do_not_give_up,
        4: _orders_that_cross,
        5: _twins_whose_pipeline_refuses,
        6: _withdrawals_that_come_late,
        7: hazard,
    }


def _twins_whose_pipeline_refuses(plan: Plan) -> Plan:
    requests = tuple(replace(one, key=one.key or f"key-{one.name}", twin=True) for one in plan.requests)
    rates = {"throttled": 0.2, "broke before": 0.15, "late start": 0.15, "answer lost": 0.1}
    return replace(plan, requests=requests, rates=plan.rates | {f"pipeline {name}": rates[name] for name in rates})


def _front_ends_that_do_not_give_up(plan: Plan) -> Plan:
    """Whose canary's function is not there, and whose first try may have died right after it was admitted.

    In half of these runs the jobs of current fail, too, while canaries are rescued: who is rescued is a canary.
    """
    requests = tuple(
        replace(one, key=f"key-{one.name}", tries=_PATIENT_TRIES, other_body=False, is_patient=True)
        for one in plan.requests[:8]
    )
    deployments = tuple(replace(one, behaviour=Behaviour.MISSING, withdrawn_after=None) for one in plan.deployments)
    rates = plan.rates | {"killed after": 0.08, "lost, done": 0.05, "lost, not done": 0.05}
    plan = replace(plan, requests=requests, deployments=deployments, deeds=(), orders=(), rates=rates)
    if plan.seed // _THEMES % 2:
        return plan
    current = Deployment("deploy-current", 0.5, "v1.0.0", Behaviour.FLAKY, None)
    policy = json.dumps(json.loads(plan.policy) | {"rescue": True})
    return replace(plan, initial=current.tag, policy=policy, deployments=(current, *deployments))


_PATIENT_TRIES = 30


def _withdrawals_that_come_late(plan: Plan) -> Plan:
    chance = random.Random(plan.seed)
    deployments = tuple(replace(one, withdrawn_after=chance.expovariate(1 / 6)) for one in plan.deployments)
    return replace(
        plan, deployments=deployments, rates=plan.rates | {"lost, done later": 0.1, "killed, done later": 0.1}
    )


def _orders_that_cross(plan: Plan) -> Plan:
    chance = random.Random(f"{plan.seed} deeds")
    orders = crossing_orders(plan.seed, [one.at for one in plan.deployments])
    # Somebody writes current by hand, and a rollback at the same moment may read what was there before.
    deeds = tuple(
        Deed(f"person-{10 + number}", one.at - 0.03, "current", chance.choice(("v0.9.0", "v1.0.0", "v1.1.0")))
        for number, one in enumerate(orders)
        if one.kind is OrderKind.ROLLBACK and chance.random() < 0.4
    )
    rates = plan.rates | {"lost, done later": 0.2, "stale": 0.5}
    return replace(plan, orders=orders, deeds=(*plan.deeds, *deeds), rates=rates)


_RETRIES = 60.0
"""Seconds over which a deployment may repeat its write."""


def _policy(chance: random.Random) -> dict[str, Any]:
    requests = chance.choice((1, 2, 2, 2, 3, 5))
    policy: dict[str, Any] = {
        "requests": requests,
        "share": chance.choice((1, 1, 0.5)),
        "deadline": chance.choice(("PT3M", "PT10M", "PT20M")),
    }
    if chance.random() < 0.3:
        policy["successes"] = chance.randint(1, requests)
    if requests > 1 and chance.random() < 0.3:
        policy["max_failures"] = chance.randint(0, requests - 1)
    if chance.random() < 0.3:
        policy["record"] = "all"
    if chance.random() < 0.3:
        policy["rescue"] = True
    return policy


def _deployments(chance: random.Random, chaos: float) -> tuple[Deployment, ...]:
    weights = {Behaviour.GOOD: 6, Behaviour.BAD: 2, Behaviour.FLAKY: 2, Behaviour.STUCK: 1, Behaviour.MISSING: 1}
    found: list[Deployment] = []
    for number in range(1, chance.choice((1, 2, 3, 4)) + 1):
        # Half of them come close to the one before, so that they meet its decision or its opening.
        close = found and chance.random() < 0.5
        at = found[-1].at + chance.expovariate(1 / 12) if close else chance.uniform(3, chaos * 0.9)
        again = found and chance.random() < 0.25
        tag, behaviour = (
            (found[-1].tag, found[-1].behaviour)
            if again
            else (f"v1.{number}.0", chance.choices(list(weights), list(weights.values()))[0])
        )
        withdrawn = chance.expovariate(1 / 20) if chance.random() < 0.25 else None
        found.append(Deployment(f"deploy-{number}", at, tag, behaviour, withdrawn))
    return tuple(found)


def _requests(chance: random.Random, chaos: float, deployments: tuple[Deployment, ...]) -> tuple[Request, ...]:
    found: list[Request] = []
    keyed = chance.choice((0.0, 0.3, 0.9))
    for number in range(1, chance.choice((8, 16, 28)) + 1):
        if chance.random() < 0.6 and deployments:
            # A burst when a release wakes the router, so that several race for its places.
            at = chance.choice(deployments).at + chance.choice((0.3, 2.0, 6.0)) + chance.expovariate(1 / 4)
        else:
            at = chance.uniform(0, chaos)
        has_key = chance.random() < keyed
        found.append(
            Request(
                f"request-{number}",
                at,
                f"key-{number}" if has_key else None,
                chance.choice((1, 3, 6)),
                twin=has_key and chance.random() < 0.3,
                other_body=has_key and chance.random() < 0.1,
            )
        )
    return tuple(found)


def _deeds(chance: random.Random, chaos: float, deployments: tuple[Deployment, ...]) -> tuple[Deed, ...]:
    found: list[Deed] = []
    for number in range(1, chance.choices((0, 1, 2, 3), (5, 3, 1, 1))[0] + 1):
        at = chance.choice(deployments).at + chance.expovariate(1 / 25) if deployments else chance.uniform(0, chaos)
        name = f"person-{number}"
        match chance.choice(("current", "current", "blank", "rubbish", "policy", "current rubbish", "anew", "release")):
            case "current":
                found.append(Deed(name, at, "current", chance.choice(("v0.9.0", "v1.0.0", "v1.1.0"))))
            case "blank":
                found.append(Deed(name, at, "latest", "none"))
            case "rubbish":
                found.append(Deed(name, at, "latest", "rubbish"))
            case "policy":
                found.append(Deed(name, at, "policy", "rubbish"))
                found.append(Deed(f"{name}-corrects", at + chance.uniform(5, 90), "policy", "corrected"))
            case "current rubbish":
                found.append(Deed(name, at, "current", "rubbish"))
                found.append(Deed(f"{name}-corrects", at + chance.uniform(5, 90), "current", "v1.0.0"))
            case "anew":
                # SSM asks to wait for 30 seconds before a name is used again: two writes of one second and version
                # could not be told apart. So nobody deletes it while a deployment is about to write.
                gap = chance.choice((30.0, 40.0, 90.0))
                tag = chance.choice(("v1.1.0", "v2.0.0"))
                if any(at - _RETRIES <= one.at <= at + gap for one in deployments):
                    continue
                found.append(Deed(name, at, "latest", None))
                found.append(Deed(f"{name}-writes", at + gap, "latest", tag))
            case "release":
                found.append(Deed(name, at, "latest", chance.choice(("v1.1.0", "v2.1.0"))))
    return tuple(found)


def _outages(chance: random.Random, chaos: float) -> tuple[Outage, ...]:
    found = []
    for number in range(1, chance.choices((0, 1, 2), (6, 3, 1))[0] + 1):
        at = chance.uniform(0, chaos)
        port = chance.choice(("pointers", "ledger", "executions", "notifier"))
        found.append(Outage(f"outage-{number}", port, at, at + chance.uniform(2, 100)))
    return tuple(found)


# What follows is drawn from streams of its own, so that the rest of a seed's plan is what it was.


def _losses_of_current(seed: int, deployments: tuple[Deployment, ...]) -> tuple[Deed, ...]:
    """Somebody blanks ``current`` by hand, while releases are under way, and corrects that later.

    Nobody deletes it: it would count its versions from 1 again, and the record knows its writes by version alone.
    """
    chance = random.Random(f"{seed} losses")
    if chance.random() >= 0.15:
        return ()
    at = chance.choice(deployments).at + chance.expovariate(1 / 25)
    corrected = at + chance.uniform(5, 90)
    return (
        Deed("person-8", at, "current", "none"),
        Deed("person-8-corrects", corrected, "current", chance.choice(("v0.9.0", "v1.0.0"))),
    )


def _outages_of_pipelines(seed: int, deployments: tuple[Deployment, ...]) -> tuple[Outage, ...]:
    """Lambda takes no invocation for a while, or none of one version's function."""
    chance = random.Random(f"{seed} pipelines")
    if chance.random() >= 0.25:
        return ()
    released = chance.choice(deployments)
    port = chance.choice(("invoker", "invoker v1.0.0", f"invoker {released.tag}"))
    at = released.at + chance.expovariate(1 / 15)
    return (Outage("outage-of-pipelines", port, at, at + chance.uniform(2, 100)),)


def _slow_pipelines(seed: int) -> dict[str, float]:
    return {"pipeline slow": random.Random(f"{seed} slow").choice((0.0, 0.0, 0.0, 0.03, 0.3))}


def _rates(chance: random.Random) -> dict[str, float]:
    """Each kind of fault is in half of the runs only: together they would hide each other."""
    strength = chance.choice((0.0, 0.004, 0.012, 0.03))
    rates = {fault: strength * chance.choice((0, 1)) for fault in FAULTS}
    rates["stale"] = chance.choice((0.0, 0.1, 0.5))
    strong = chance.choice((0.0, 0.03, 0.08))
    drawn = [fault for fault in PIPELINE_FAULTS if fault != "slow"]
    rates |= {f"pipeline {fault}": strong * chance.choice((0, 1)) for fault in drawn}
    rates["pipeline describe lag"] = chance.choice((0.0, 0.3, 1.0))
    rates |= {fault: chance.choice((0.0, 0.2, 0.7)) for fault in EVENT_FAULTS}
    return rates

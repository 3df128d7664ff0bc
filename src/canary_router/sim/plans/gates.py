"""Schedules under a sequential gate: many jobs, whose ends come in any order, and bad ones often last."""

import json
import random
from dataclasses import replace
from typing import Any

from canary_router.sim.plans.plan import Behaviour, Deployment, Plan, Request

_GATES: tuple[dict[str, Any], ...] = (
    {"baseline": 0.05, "harm": 0.6, "alpha": 0.1, "beta": 0.1, "max": 8},
    {"baseline": 0.1, "harm": 0.6, "alpha": 0.2, "beta": 0.2, "max": 8},
    {"baseline": 0.1, "harm": 0.7, "alpha": 0.3, "beta": 0.3, "max": 8},
    {"baseline": 0.05, "harm": 0.4, "alpha": 0.2, "beta": 0.2, "max": 4},
    {"baseline": "measured", "harm": 0.8, "alpha": 0.2, "beta": 0.2, "max": 12},
    {"baseline": "measured", "harm": 0.8, "alpha": 0.2, "beta": 0.2, "max": 12},
)
_NOT_KEPT = {"baseline": 0.1, "harm": 0.2, "max": 3}
_LATE = {"lost, done later": 0.12, "killed, done later": 0.12, "slow": 0.15}
"""In a third of the runs: what somebody has sent arrives when others have gone on."""
_BEHAVIOURS = {
    Behaviour.GOOD: 4,
    Behaviour.FLAKY: 4,
    Behaviour.FAILS_LATE: 4,
    Behaviour.FAILS_SOON: 3,
    Behaviour.BAD: 1,
    Behaviour.STUCK: 1,
    Behaviour.MISSING: 1,
}


def is_gated(seed: int) -> bool:
    """Whether a seed's releases are under a sequential gate: one in eight, none of which looks for a theme."""
    return seed % 8 < 3 and seed // 8 % 3 == 2


def under_a_sequential_gate(plan: Plan) -> Plan:
    """The same faults, with a release or two that have the time for many jobs."""
    chance = random.Random(f"{plan.seed} gate")
    gate = _NOT_KEPT if chance.random() < 0.05 else chance.choice(_GATES)
    gate = {**gate, "at_once": chance.choice((1, 2, 3, 3, 6)), "on_inconclusive": chance.choice(("hold", "abort"))}
    policy: dict[str, Any] = {
        "gate": {"sequential": gate},
        "share": chance.choice((1, 1, 0.7)),
        "rescue": chance.random() < 0.2,
        "deadline": chance.choice(("PT5M", "PT10M", "PT20M")),
        "record": "all",
    }
    # A baseline is measured from jobs of current that have ended, and so has everything that was sent before them.
    at = (360.0 if gate["baseline"] == "measured" else 10.0) + 20 * chance.random()
    deployments: list[Deployment] = []
    for number in range(1, chance.choice((1, 1, 2, 2, 3)) + 1):
        behaviour = chance.choices(list(_BEHAVIOURS), list(_BEHAVIOURS.values()))[0]
        withdrawn = chance.expovariate(1 / 60) if chance.random() < 0.1 else None
        deployments.append(Deployment(f"deploy-{number}", at, f"v1.{number}.0", behaviour, withdrawn))
        at += chance.choice((20.0, 200.0, 400.0)) + chance.expovariate(1 / 20)
    chaos = at + 200
    return replace(
        plan,
        initial="v1.0.0",
        policy=json.dumps(policy),
        chaos=chaos,
        requests=tuple(_requests(chance, chaos)),
        deployments=tuple(deployments),
        orders=plan.orders if chance.random() < 0.5 else (),
        rates=plan.rates | (_LATE if chance.random() < 0.35 else {}),
        # Several that plan the same gate at once, and one that is late.
        passes=tuple(one.at + 20 * chance.random() for one in deployments for _ in range(chance.choice((0, 2, 8)))),
    )


def _requests(chance: random.Random, until: float) -> list[Request]:
    found: list[Request] = []
    keyed, pause, at = chance.choice((0.0, 0.3)), chance.choice((5.0, 9.0)), 2.0
    while at < until:
        name = f"request-{len(found) + 1}"
        key = f"key-{name}" if chance.random() < keyed else None
        found.append(Request(name, at, key, chance.choice((1, 3)), twin=False, other_body=False))
        at += chance.expovariate(1 / pause)
    return found

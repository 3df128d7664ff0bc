"""What chance puts into a plan: each kind of thing by itself."""

import random
from typing import Any

from canary_router.sim.plans.plan import (
    EVENT_FAULTS,
    FAULTS,
    PIPELINE_FAULTS,
    Behaviour,
    Deed,
    Deployment,
    Outage,
    Request,
)

_ANEW = 30.0
"""Seconds that SSM asks to wait before the name of a deleted parameter is used again."""
_RETRIES = 60.0
"""Seconds over which a deployment may repeat its write."""


def draw_policy(chance: random.Random) -> dict[str, Any]:
    """A policy's document: budgets and shares as people choose them, deadlines short enough to be reached."""
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


def draw_deployments(chance: random.Random, chaos: float) -> tuple[Deployment, ...]:
    """Up to four releases, half of them close to the one before."""
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


def draw_requests(chance: random.Random, chaos: float, deployments: tuple[Deployment, ...]) -> tuple[Request, ...]:
    """Jobs that front-ends have, many of them when a release wakes the router."""
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


def draw_deeds(chance: random.Random, chaos: float, deployments: tuple[Deployment, ...]) -> tuple[Deed, ...]:
    """What people write by hand."""
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


def draw_outages(chance: random.Random, chaos: float) -> tuple[Outage, ...]:
    """Times in which a service does not answer at all."""
    found = []
    for number in range(1, chance.choices((0, 1, 2), (6, 3, 1))[0] + 1):
        at = chance.uniform(0, chaos)
        port = chance.choice(("pointers", "ledger", "executions", "notifier"))
        found.append(Outage(f"outage-{number}", port, at, at + chance.uniform(2, 100)))
    return tuple(found)


# What follows is drawn from streams of its own, so that the rest of a seed's plan is what it was.


def draw_losses_of_current(seed: int, deployments: tuple[Deployment, ...]) -> tuple[Deed, ...]:
    """Somebody blanks ``current`` by hand, or deletes it, while releases are under way, and corrects that later."""
    chance = random.Random(f"{seed} losses")
    if chance.random() >= 0.15:
        return ()
    at = chance.choice(deployments).at + chance.expovariate(1 / 25)
    corrected = at + chance.uniform(5, 90)
    tag = chance.choice(("v0.9.0", "v1.0.0"))
    if chance.random() < 0.5:
        # A parameter that is made anew counts its versions from 1 again, and sometimes it counts further than before.
        anew = (corrected + _ANEW, *(corrected + _ANEW + 1 + count for count in range(chance.choice((0, 0, 1, 2)))))
        again = (Deed(f"person-8-writes-{number}", moment, "current", tag) for number, moment in enumerate(anew, 1))
        return (Deed("person-8", at, "current", None), *again)
    return (Deed("person-8", at, "current", "none"), Deed("person-8-corrects", corrected, "current", tag))


def draw_outages_of_pipelines(seed: int, deployments: tuple[Deployment, ...]) -> tuple[Outage, ...]:
    """Lambda takes no invocation for a while, or none of one version's function."""
    chance = random.Random(f"{seed} pipelines")
    if chance.random() >= 0.25:
        return ()
    released = chance.choice(deployments)
    port = chance.choice(("invoker", "invoker v1.0.0", f"invoker {released.tag}"))
    at = released.at + chance.expovariate(1 / 15)
    return (Outage("outage-of-pipelines", port, at, at + chance.uniform(2, 100)),)


def draw_slow_pipelines(seed: int) -> dict[str, float]:
    """How often an invocation takes seconds, from a stream of its own."""
    return {"pipeline slow": random.Random(f"{seed} slow").choice((0.0, 0.0, 0.0, 0.03, 0.3))}


def draw_rates(chance: random.Random) -> dict[str, float]:
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

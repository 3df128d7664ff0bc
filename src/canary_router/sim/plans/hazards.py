"""Schedules that look for one hazard each, which needs more coming together than chance would bring.

Each takes a plan as it was drawn and changes what the hazard needs; whatever it draws itself is from a stream of its
own, so all else about the seed stays as it is.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from canary_router.sim.plans.plan import Behaviour, Deed, Deployment, Plan, Request

_VERSIONS = ("v0.9.0", "v1.0.0")
_SLOW_CALLS = {"slow": 0.12, "stale": 0.1}


def retries_while_current_changes(plan: Plan) -> Plan:
    """Several attempts at one job of current, some of them stalled, while another version becomes current by hand.

    What an attempt has read of the job is old when it writes: the job was given up, and started anew elsewhere.
    """
    chance = random.Random(f"retries {plan.seed}")
    requests = tuple(
        Request(f"request-{number}", 5 + 3 * number + chance.random(), f"key-{number}", 6, twin=True, other_body=False)
        for number in range(1, 61)
    )
    pipelines = {"throttled": 0.2, "broke before": 0.3, "killed": 0.2, "late start": 0.05}
    rates = _calm(plan) | {"slow": 0.2, "stale": 0.1} | {f"pipeline {fault}": rate for fault, rate in pipelines.items()}
    return replace(
        plan,
        initial="v1.0.0",
        pointer_ttl=0.0,
        chaos=200.0,
        requests=requests,
        deployments=(),
        deeds=tuple(_changes_of_current(chance, 3, 200)),
        outages=(),
        rates=rates,
    )


def rescues_while_current_changes(plan: Plan) -> Plan:
    """Failed canaries are rescued by several runs at once, some of them stalled, while current changes by hand.

    The second half is after the grace time: an attempt whose end nobody knows may then be made anew, elsewhere.
    """
    chance = random.Random(f"rescues {plan.seed}")
    requests = tuple(
        Request(f"request-{number}", 12 + number + chance.random(), None, 1, twin=False, other_body=False)
        for number in range(1, 31)
    )
    policy: dict[str, Any] = {"requests": 5, "successes": 1, "max_failures": 4, "share": 1, "rescue": True}
    unknown = {"pipeline request lost": 0.45, "pipeline killed": 0.2, "pipeline throttled": 0.1, "killed after": 0.02}
    spans = ((15.0, 130.0), (970.0, 1_150.0))
    return replace(
        plan,
        initial="v1.0.0",
        policy=json.dumps(policy | {"deadline": "PT20M"}),
        chaos=1_200.0,
        requests=requests,
        deployments=tuple(Deployment(f"deploy-{n}", 10.0 * n, f"v1.{n}.0", Behaviour.BAD, None) for n in (1, 2, 3)),
        deeds=tuple(deed for since, until in spans for deed in _changes_of_current(chance, since, until)),
        outages=(),
        passes=tuple(since + 3 * n + chance.random() for since, until in spans for n in range(int(until - since) // 3)),
        rates=_calm(plan) | _SLOW_CALLS | unknown | {"event twice": 0.7, "event late": 0.2},
    )


def releases_in_quick_succession(plan: Plan) -> Plan:
    """One release after the other is promoted while writes come late: whose lease is it that is given back?"""
    chance = random.Random(f"releases {plan.seed}")
    times = [10.0]
    while times[-1] < 240:
        times.append(times[-1] + chance.uniform(12, 28))
    deployments = tuple(
        Deployment(f"deploy-{number}", at, f"v1.{number}.0", Behaviour.GOOD, None)
        for number, at in enumerate(times, start=1)
    )
    requests = tuple(
        Request(f"request-{number}", 8 + 4 * number + chance.random(), None, 1, twin=False, other_body=False)
        for number in range(1, 65)
    )
    return replace(
        plan,
        initial="v1.0.0",
        policy=json.dumps({"requests": 1, "share": 1, "deadline": "PT3M"}),
        pointer_ttl=0.0,
        chaos=300.0,
        requests=requests,
        deployments=deployments,
        deeds=(),
        outages=(),
        passes=tuple(10 + 2 * number + chance.random() for number in range(140)),
        rates=_calm(plan) | {"slow": 0.15, "stale": 0.3, "event twice": 0.7},
    )


def releases_close_together(plan: Plan) -> Plan:
    """A release every few seconds, often withdrawn, while what was sent arrives late.

    A blank hides a release, and putting that back the next one.
    """
    chance = random.Random(f"close {plan.seed}")
    deployments = tuple(
        Deployment(
            f"deploy-{number}",
            20 + 7 * number + chance.uniform(0, 6),
            f"v1.{number}.0",
            chance.choice((Behaviour.GOOD, Behaviour.BAD)),
            chance.expovariate(1 / 6) if chance.random() < 0.6 else None,
        )
        for number in range(1, 31)
    )
    late = {"lost, done later": 0.08, "killed, done later": 0.12, "stale": 0.3, "slow": 0.15}
    plan = releases_in_quick_succession(plan)
    return replace(plan, deployments=deployments, rates=_calm(plan) | late | {"event lost": 0.3, "event late": 0.3})


def releases_that_wait_for_a_policy(plan: Plan) -> Plan:
    """Somebody breaks the policy while a release is being judged, and the next one takes its place in latest.

    That one cannot be opened until long after the older one's deadline.
    """
    chance = random.Random(f"policy {plan.seed}")
    plan = releases_in_quick_succession(plan)
    deployments = tuple(
        Deployment(f"deploy-{number}", at + chance.random(), f"v1.{number}.0", Behaviour.GOOD, None)
        for number, at in enumerate((12, 60 + 40 * chance.random()), start=1)
    )
    broken = chance.uniform(20, 60)
    deeds = (Deed("person-1", broken, "policy", "rubbish"), Deed("person-1-corrects", 560, "policy", "corrected"))
    policy = json.dumps({"requests": 3, "share": 1, "deadline": "PT3M"})
    rates = {"event lost": 0.3, "event late": 0.7, "slow": 0.02}
    return replace(plan, policy=policy, deployments=deployments, deeds=deeds, passes=(), rates=_calm(plan) | rates)


HAZARDS = (
    retries_while_current_changes,
    rescues_while_current_changes,
    releases_in_quick_succession,
    releases_close_together,
    releases_that_wait_for_a_policy,
)


def _calm(plan: Plan) -> dict[str, float]:
    return dict.fromkeys(plan.rates, 0.0)


def _changes_of_current(chance: random.Random, since: float, until: float) -> Iterator[Deed]:
    at, number = since + chance.uniform(1, 8), 0
    while at < until:
        number += 1
        yield Deed(f"person-{since:g}-{number}", at, "current", _VERSIONS[number % 2])
        at += chance.uniform(2, 14)

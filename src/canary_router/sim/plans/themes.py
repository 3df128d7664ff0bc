"""Schedules that look for one kind of trouble: made of a plan as it was drawn."""

import json
import random
from dataclasses import replace

from canary_router.core.orders import OrderKind
from canary_router.sim.plans.orders import crossing_orders
from canary_router.sim.plans.plan import THEMES, Behaviour, Deed, Deployment, Plan


def twins_whose_pipeline_refuses(plan: Plan) -> Plan:
    """Every job is sent twice at once, and pipelines often do not run."""
    requests = tuple(replace(one, key=one.key or f"key-{one.name}", twin=True) for one in plan.requests)
    rates = {"throttled": 0.2, "broke before": 0.15, "late start": 0.15, "answer lost": 0.1}
    return replace(plan, requests=requests, rates=plan.rates | {f"pipeline {name}": rates[name] for name in rates})


def front_ends_that_do_not_give_up(plan: Plan) -> Plan:
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
    if plan.seed // THEMES % 2:
        return plan
    current = Deployment("deploy-current", 0.5, "v1.0.0", Behaviour.FLAKY, None)
    policy = json.dumps(json.loads(plan.policy) | {"rescue": True})
    return replace(plan, initial=current.tag, policy=policy, deployments=(current, *deployments))


_PATIENT_TRIES = 30


def withdrawals_that_come_late(plan: Plan) -> Plan:
    """Deployments are rolled back soon, and their writes arrive late."""
    chance = random.Random(plan.seed)
    deployments = tuple(replace(one, withdrawn_after=chance.expovariate(1 / 6)) for one in plan.deployments)
    return replace(
        plan, deployments=deployments, rates=plan.rates | {"lost, done later": 0.1, "killed, done later": 0.1}
    )


def orders_that_cross(plan: Plan) -> Plan:
    """Several people order at once, and some write by hand in the same moment."""
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

"""How a seed becomes a plan. Some seeds look for what chance alone would hardly ever bring together."""

import json
import random
from collections.abc import Callable

from canary_router.sim.plans.chance import (
    draw_deeds,
    draw_deployments,
    draw_losses_of_current,
    draw_outages,
    draw_outages_of_pipelines,
    draw_policy,
    draw_rates,
    draw_requests,
    draw_slow_pipelines,
)
from canary_router.sim.plans.gates import is_gated, under_a_sequential_gate
from canary_router.sim.plans.hazards import HAZARDS
from canary_router.sim.plans.orders import orders_for
from canary_router.sim.plans.plan import THEMES, Plan
from canary_router.sim.plans.themes import (
    front_ends_that_do_not_give_up,
    orders_that_cross,
    twins_whose_pipeline_refuses,
    withdrawals_that_come_late,
)


def plan_for(seed: int) -> Plan:
    """The plan that a seed stands for."""
    chance = random.Random(seed)
    chaos = chance.choice((150.0, 240.0, 400.0, 700.0))
    deployments = draw_deployments(chance, chaos)
    plan = Plan(
        seed=seed,
        initial=chance.choices(("v1.0.0", None), (7, 1))[0],
        policy=json.dumps(draw_policy(chance)),
        pointer_ttl=chance.choice((0.0, 5.0, 5.0)),
        skew=chance.choice((0.0, 1000.0, 3000.0)),
        chaos=chaos,
        requests=draw_requests(chance, chaos, deployments),
        deployments=deployments,
        deeds=(*draw_deeds(chance, chaos, deployments), *draw_losses_of_current(seed, deployments)),
        outages=(*draw_outages(chance, chaos), *draw_outages_of_pipelines(seed, deployments)),
        rates=draw_rates(chance) | draw_slow_pipelines(seed),
        orders=orders_for(seed, [one.at for one in deployments], chaos),
    )
    theme = under_a_sequential_gate if is_gated(seed) else _themes(seed // THEMES).get(seed % THEMES)
    return plan if theme is None else theme(plan)


def _themes(turn: int) -> dict[int, Callable[[Plan], Plan]]:
    """Some seeds look for one hazard, which chance alone would hardly ever bring together."""
    hazard = HAZARDS[turn % len(HAZARDS)]
    return {
        3: front_ends_that_do_not_give_up,
        4: orders_that_cross,
        5: twins_whose_pipeline_refuses,
        6: withdrawals_that_come_late,
        7: hazard,
    }

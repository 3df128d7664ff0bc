"""A run as a person reads it: when, who, what."""

from canary_router.sim.plans.plan import Plan
from canary_router.sim.run import Outcome
from canary_router.sim.scheduler import START


def story(outcome: Outcome, *, lines: int = 400) -> str:
    """Who did what, and what does not hold after it. The run must have been told to note its story."""
    told = outcome.journal.story or []
    shown = [f"{(at - START) / 1000:10.3f}  {who:<26} {what}" for at, who, what in told[-lines:]]
    wrong = [f"VIOLATED  {violation.check}: {violation.what}" for violation in outcome.violations]
    return "\n".join([plan_in_words(outcome.plan), *shown, *wrong])


def plan_in_words(plan: Plan) -> str:
    """What was planned, one line each."""
    found = [
        f"seed {plan.seed}: current is {plan.initial or 'blank'}, policy {plan.policy}",
        f"  clocks differ by {plan.skew / 1000:g} s, pointers are remembered for {plan.pointer_ttl:g} s",
        f"  faults end at {plan.chaos:g} s; {len(plan.requests)} requests",
        *(f"  {one.at:9.3f}  {one.name} writes latest := {one.tag} ({one.behaviour})" for one in plan.deployments),
        *(
            f"  {one.at:9.3f}  {one.name} writes {one.leaf} := {one.value or 'nothing: deletes it'}"
            for one in plan.deeds
        ),
        *(f"  {one.at:9.3f}  {one.name} orders: {one.kind}{f' to {one.to}' if one.to else ''}" for one in plan.orders),
        *(f"  {one.at:9.3f}  {one.port} is down until {one.until:.3f}" for one in plan.outages),
    ]
    if plan.passes:
        found.append(f"  {len(plan.passes)} passes of the controller beyond its schedule")
    rates = {name: rate for name, rate in plan.rates.items() if rate}
    if plan.chaos and rates:
        found.append("  faults: " + ", ".join(f"{name} {rate:g}" for name, rate in rates.items()))
    return "\n".join(found)

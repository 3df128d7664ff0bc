"""``prune``: retires stacks of versions that nobody needs any more."""

from typing import TYPE_CHECKING, Annotated

import typer

from canary_router.cli.decisions import Reason, Yes
from canary_router.cli.invocation import Invocation, console
from canary_router.cli.looks import Service
from canary_router.cli.trouble import NO
from canary_router.errors import CanaryRouterError, InvalidPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_router.cli.desk import Desk
    from canary_router.core.retirement import Judged
    from canary_router.flows.retiring import Place, Retired, Who


def _seconds(text: str) -> int:
    from canary_router.core.policy import duration_seconds

    try:
        return duration_seconds(text)
    except InvalidPolicy as error:
        raise typer.BadParameter(f"{text!r} is not an ISO-8601 duration such as P14D or PT12H.") from error


def prune(
    context: typer.Context,
    service: Service,
    keep: Annotated[int, typer.Option(min=0, help="How many of the newest versions stay in any case.")] = 5,
    drain: Annotated[
        str,
        typer.Option(
            metavar="DURATION",
            help="How long a version stays after its last use: Step Functions can redrive its jobs for 14 days.",
        ),
    ] = "P14D",
    reason: Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and do nothing.")] = False,
    yes: Yes = False,
) -> None:
    """Delete the stacks of versions that nobody needs any more.

    Shows first what becomes of each stack, and why. Current, previous and latest stay, as does what is on trial, runs
    a job, drains, is protected, or has not all of the project's tags. Each stack is judged once more right before it
    is deleted, and what was done is on record. Exit code 1 when one could not be deleted; run it again then.

    \b
    Examples:
      canary-router --environment staging prune transformer --dry-run
      canary-router --environment staging prune transformer --keep 3 --yes --reason "end of the quarter"
    """
    from canary_router import documents, wiring
    from canary_router.core.retirement import Rules
    from canary_router.flows.retiring import Place, Who, finish_interrupted, planned

    call: Invocation = context.obj
    rules = Rules(keep, _seconds(drain) * 1000)
    desk = call.desk()
    place = Place(desk.ports, desk.stacks, desk.activities, desk.environment, service, rules)
    judged = planned(place)
    going = [it for it in reversed(judged) if it.goes]
    done: list[Retired] = []
    if not call.is_json or not (yes or dry_run):
        _show(call, desk, service, judged)
    if not dry_run:
        if going:
            named = ", ".join(it.stack.tag for it in going)
            desk.confirm(
                f"Delete {len(going)} of {len(judged)} stacks of {service} in {desk.environment}: {named}?", yes=yes
            )
            by = Who(desk.caller.who(), reason, lambda: wiring.new_id().removeprefix("t-"))
            done = [_retired(call, place, it, by) for it in going]
        for it in finish_interrupted(place):
            call.say(f"{it.version}: an earlier run began to retire {it.stack}: {it.outcome}; that is on record now")
    if call.is_json:
        call.print_json(documents.prune_document(desk.environment, service, judged, done))
    if not all(it.is_well for it in done):
        raise typer.Exit(NO)


def _retired(call: Invocation, place: "Place", judged: "Judged", by: "Who") -> "Retired":
    """Retires one stack, and tells of it. Its trouble must not keep the others waiting."""
    from canary_router.core.retirement_records import RetirementState
    from canary_router.flows.retiring import Retired, retire

    stack = judged.stack
    call.say(f"{stack.tag}: deleting the stack {stack.name}")
    try:
        made = retire(place, judged, by)
    except CanaryRouterError as error:
        made = Retired(stack, RetirementState.FAILED, str(error))
    call.say(f"{stack.tag}: {made.in_words}")
    return made


def _show(call: Invocation, desk: "Desk", service: str, judged: "Sequence[Judged]") -> None:
    from canary_router.cli import render_pruning

    console(stderr=call.is_json).print(render_pruning.plan_table(desk.environment, service, judged))

"""``doctor``: looks for what is wrong, and says what to do about it."""

from typing import TYPE_CHECKING

import typer

from canary_router.cli.invocation import Invocation
from canary_router.cli.trouble import NO

if TYPE_CHECKING:
    from rich.console import RenderableType


def doctor(context: typer.Context) -> None:
    """Look for what is wrong, and say what to do about it.

    Your clock and your rights; the router's functions, table, key and limits; each service's parameters, the functions
    that they name, and releases that are stuck. It changes nothing. Exit code 1 when it found something.

    \b
    Example:
      canary-router --environment staging doctor
    """
    from canary_router import documents
    from canary_router.flows.doctor import Checked, Patient, State, examine

    call: Invocation = context.obj
    desk = call.desk()
    desk.caller.who()  # without credentials every check would fail alike: one error says it better
    patient = Patient(desk.environment, desk.ports, desk.functions, desk.caller, desk.instruments())
    made: list[Checked] = list(examine(patient))

    def drawn(_: object) -> "RenderableType":
        from canary_router.cli import render_checkup

        return render_checkup.checkup_block(desk.environment, made)

    call.answer(documents.checkup_document(desk.environment, made), drawn)
    if any(checked.state is State.TROUBLE for checked in made):
        raise typer.Exit(NO)

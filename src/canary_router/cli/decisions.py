"""Verbs by which a person decides: ``promote``, ``abort``, ``pause``, ``resume``, ``rollback``.

Each is one order, on record with its effect. The pointers are the controller's: a verb wakes it, waits a moment for
what it does, and says so when that takes longer.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from canary_router.cli.invocation import Invocation
from canary_router.cli.looks import Service
from canary_router.errors import Unavailable

if TYPE_CHECKING:
    from canary_router.cli.desk import Desk
    from canary_router.core.model import Release
    from canary_router.core.orders import Order, OrderKind

_ID_CHARACTERS = 16
"""Of an order's id: 64 random bits, which with the moment of the order is enough, and a rollback's name stays short."""
PATIENCE_SECONDS = 20
"""For which a verb waits until the pointers are written."""

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
Reason = Annotated[
    str, typer.Option(metavar="TEXT", help="Why, for the record and for those who are told.", show_default=False)
]


def promote(context: typer.Context, service: Service, reason: Reason = "", yes: Yes = False) -> None:
    """Make the release on trial current now.

    Needs no successes; that you have ordered it goes on record, with the counts of this moment.

    \b
    Example:
      canary-router --environment staging promote transformer --reason "checked the output by hand"
    """
    from canary_router.core.orders import OrderKind

    call: Invocation = context.obj
    desk = call.desk()
    meant = _agreed(desk, service, OrderKind.PROMOTE, yes=yes)
    _give(call, desk, _order(desk, OrderKind.PROMOTE, service, reason), meant)


def abort(
    context: typer.Context,
    service: Service,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why, for the record and for those who are told.", show_default=False)
    ],
    yes: Yes = False,
) -> None:
    """Turn the release on trial away; current goes on serving.

    The version is not tried again unless it is released anew. Its jobs that run go on to their end.

    \b
    Example:
      canary-router --environment staging abort transformer --reason "wrong totals in the report"
    """
    from canary_router.core.orders import OrderKind

    call: Invocation = context.obj
    desk = call.desk()
    if not reason.strip():
        raise typer.BadParameter("Say why: it is kept with the release.", param_hint="--reason")
    meant = _agreed(desk, service, OrderKind.ABORT, yes=yes)
    _give(call, desk, _order(desk, OrderKind.ABORT, service, reason), meant)


def pause(context: typer.Context, service: Service, reason: Reason = "") -> None:
    """Send no more jobs to the release on trial.

    Its jobs that run still count, and a failure still aborts it, as does its deadline; but it becomes current only
    when you resume or promote it.

    \b
    Example:
      canary-router --environment staging pause transformer --reason "the source data is being reloaded"
    """
    from canary_router.core.orders import OrderKind

    call: Invocation = context.obj
    desk = call.desk()
    _give(call, desk, _order(desk, OrderKind.PAUSE, service, reason))


def resume(context: typer.Context, service: Service, reason: Reason = "") -> None:
    """Let a paused release go on.

    One that has its successes already becomes current with it.

    \b
    Example:
      canary-router --environment staging resume transformer
    """
    from canary_router.core.orders import OrderKind

    call: Invocation = context.obj
    desk = call.desk()
    _give(call, desk, _order(desk, OrderKind.RESUME, service, reason))


def rollback(
    context: typer.Context,
    service: Service,
    to: Annotated[
        str,
        typer.Option(
            metavar="VERSION",
            help="A version that was current before; the previous one without it.",
            show_default=False,
        ),
    ] = "",
    reason: Reason = "",
    yes: Yes = False,
) -> None:
    """Make the previous version current again, in seconds.

    Its stack is still there, so nothing is deployed; a version whose stack is gone, or being deleted, is refused. A
    release on trial is aborted with it. Jobs that run go on to their end.

    \b
    Examples:
      canary-router --environment staging rollback transformer --reason "the report is late"
      canary-router --environment staging rollback transformer --to v1.0.0 --yes
    """
    from canary_router.core.order_words import rollback_question
    from canary_router.core.orders import OrderKind
    from canary_router.flows.inspect import service_view
    from canary_router.flows.orders import roll_back, rollback_target

    call: Invocation = context.obj
    desk = call.desk()
    target = rollback_target(desk.ports, service, to or None, desk.functions, desk.stacks)
    view = service_view(desk.ports, service)
    desk.confirm(rollback_question(desk.environment, service, target, view.release), yes=yes)
    # By its name from here on: what was agreed to is what is done, whatever became the previous version meanwhile.
    order = _order(desk, OrderKind.ROLLBACK, service, reason)
    _carry_out(call, desk, order, lambda: roll_back(desk.ports, order, target.tag, desk.functions, desk.stacks))


def _agreed(desk: "Desk", service: str, kind: "OrderKind", *, yes: bool) -> str | None:
    """Asks about the release on trial, and answers with its id. None if there is none: the flow says so best."""
    from canary_router.core.order_words import on_trial, question
    from canary_router.flows.inspect import service_view

    view = service_view(desk.ports, service)
    trial = on_trial(view.pointers, view.release)
    if trial is None:
        return None
    desk.confirm(question(kind, desk.environment, service, trial), yes=yes)
    return trial.release_id


def _order(desk: "Desk", kind: "OrderKind", service: str, why: str) -> "Order":
    from canary_router import wiring
    from canary_router.core.orders import Order

    order_id = wiring.new_id().removeprefix("t-")[:_ID_CHARACTERS]
    return Order(order_id, kind, service, desk.caller.who(), why, desk.ports.clock.now())


def _give(call: Invocation, desk: "Desk", order: "Order", release_id: str | None = None) -> None:
    from canary_router.flows.orders import give_order

    _carry_out(call, desk, order, lambda: give_order(desk.ports, order, release_id))


def _carry_out(call: Invocation, desk: "Desk", order: "Order", give: "Callable[[], Release]") -> None:
    """Gives an order, and tells what became of it."""
    from canary_router import documents
    from canary_router.flows.orders import surely

    release = surely(give, order)
    nudged = desk.wake_controller()
    release = _awaited(desk, release)
    call.answer(
        documents.order_document(desk.environment, order, release, nudged=nudged),
        lambda render: render.order_block(desk.environment, order, release),
    )


def _awaited(desk: "Desk", release: "Release") -> "Release":
    """The release once the controller has done what follows from the order, or as it is when that takes long."""
    from canary_router.core.model import ReleaseState
    from canary_router.core.verdict import decided
    from canary_router.flows.inspect import release_now

    clock = desk.ports.clock
    until = clock.now() + PATIENCE_SECONDS * 1000
    while True:
        with suppress(Unavailable):  # the order is on record; what follows from it can be looked at later
            release = release_now(desk.ports.ledger, release)
        is_written = release.state not in (ReleaseState.PROMOTING, ReleaseState.ABORTING)
        if (is_written and decided(release, clock.now()) is None) or clock.now() >= until:
            return release
        clock.pause(0.5)

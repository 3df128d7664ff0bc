"""Verbs that tell what has been: ``history``, ``explain``."""

from typing import TYPE_CHECKING, Annotated

import typer

from canary_router.cli.invocation import Invocation
from canary_router.cli.looks import Service

if TYPE_CHECKING:
    from rich.console import RenderableType


def history(
    context: typer.Context,
    service: Service,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many releases to show at most.")] = 20,
) -> None:
    """List releases with reasons, people's orders, and retirements.

    \b
    Examples:
      canary-router --environment staging history transformer
      canary-router --environment staging --output json history transformer --limit 500
    """
    from canary_router import documents
    from canary_router.errors import NotFound, Unavailable
    from canary_router.flows.inspect import releases
    from canary_router.flows.order_history import orders_given
    from canary_router.flows.releasing import released_by
    from canary_router.flows.retired import retirements

    call: Invocation = context.obj
    environment, ports = call.ports()
    found = releases(ports.ledger, service)[:limit]
    if not found and not ports.pointers.read(service).exist:
        raise NotFound(f"There is no service {service!r}", advice="Nothing was ever released for it here.")
    shown = {release.release_id for release in found}
    orders = [given for given in orders_given(ports.ledger, service) if given.release_id in shown]
    retired = retirements(ports.ledger, service)
    try:
        writers = released_by(ports.pointers, service, found)
    except Unavailable as error:
        call.say(f"Who has released is not known: {error}")
        writers = {}
    done = documents.Done(orders, retired, writers)

    def drawn(_: object) -> "RenderableType":
        from canary_router.cli import render_past

        return render_past.history_block(environment, service, found, done)

    call.answer(documents.history_document(environment, service, found, done), drawn)


def explain(
    context: typer.Context,
    transform_id: Annotated[
        str, typer.Argument(metavar="TRANSFORM_ID", help="Id of the job, as the router answered it.")
    ],
) -> None:
    """Say why a job ran on the version that it ran on.

    From what is on record: the pointers at that time, the release, its budget, the admission, how the job ended, and
    what that led to. What nobody wrote down is said to be so.

    \b
    Example:
      canary-router --environment staging explain 0198c5d1-7f5c-7cc3-9a43-0f3c1f0e2a11
    """
    from canary_router import documents
    from canary_router.core.explanation import explain as explained
    from canary_router.flows.explaining import gather

    call: Invocation = context.obj
    environment, ports = call.ports()
    evidence = gather(ports, transform_id)
    facts = explained(evidence)

    def drawn(_: object) -> "RenderableType":
        from canary_router.cli import render_past

        return render_past.explanation_block(evidence, facts)

    call.answer(documents.explanation_document(environment, evidence, facts), drawn)

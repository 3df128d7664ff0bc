"""Verbs that only look: ``status``, ``watch``, ``transforms``."""

import time
from contextlib import suppress
from typing import Annotated

import typer

from canary_router import settings
from canary_router.cli.invocation import Invocation
from canary_router.cli.trouble import NO

POLL_SECONDS = 2.0


def _service_name(text: str | None) -> str | None:
    if text is not None and not settings.NAME_PATTERN.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not the name of a service: lower-case letters, digits and dashes.")
    return text


Service = Annotated[str, typer.Argument(help="Name of the service, for example transformer.", callback=_service_name)]


def status(
    context: typer.Context,
    service: Annotated[
        str | None, typer.Argument(help="Name of a service; all of them without it.", callback=_service_name)
    ] = None,
) -> None:
    """Show what serves, and what is being tried out.

    With what is waited for, the time to the deadline, and whatever is invalid.

    \b
    Example:
      canary-router --environment staging status transformer
    """
    from canary_router import documents
    from canary_router.errors import NotFound
    from canary_router.flows.inspect import ServiceView, service_view

    call: Invocation = context.obj
    environment, ports = call.ports()
    now = ports.clock.now()
    if service is not None:
        view = service_view(ports, service)
        call.answer(
            documents.service_document(environment, view, now),
            lambda render: render.service_panel(environment, view, now),
        )
        return
    views: list[ServiceView] = []
    for name in ports.pointers.services():
        with suppress(NotFound):  # it has a policy, and was never released
            views.append(service_view(ports, name))
    call.answer(
        {"environment": environment, "services": [documents.service_document(environment, it, now) for it in views]},
        lambda render: render.services_table(environment, views, now),
    )


def watch(
    context: typer.Context,
    service: Service,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for the decision at most; 0 waits as long as it takes.")
    ] = 0,
) -> None:
    """Follow a release until it is promoted or aborted.

    The exit code is 0 when it was promoted, 1 when it was aborted. Without an open release it tells how the last one
    ended. When the time is over first, the exit code is 1 too.

    \b
    Example, as the last step of a deployment:
      canary-router --environment staging watch transformer --timeout 14400
    """
    from canary_router import documents
    from canary_router.cli.following import Sight, follow
    from canary_router.cli.screen import WatchScreen
    from canary_router.core.model import ReleaseState
    from canary_router.errors import NotInTime

    call: Invocation = context.obj
    environment, ports = call.ports()
    until = time.monotonic() + timeout if timeout else float("inf")

    def keep_on() -> bool:
        left = until - time.monotonic()
        time.sleep(max(0.0, min(POLL_SECONDS, left)))
        return left > 0

    last: Sight | None = None
    with WatchScreen(call, environment) as screen:
        for last in follow(ports, service, keep_on, call.say):
            screen.show(last, ports.clock.now())
    release = last.release if last is not None else None
    if call.is_json and last is not None and release is not None:
        call.print_json(documents.release_document(release, last.transforms))
    if last is None or release is None or not last.is_last:
        raise NotInTime(
            f"The release of {service!r} was not decided within {timeout:g} s",
            advice="It goes on; watch it again, or give a longer --timeout.",
        )
    if release.state is not ReleaseState.PROMOTED:
        raise typer.Exit(NO)


def transforms(
    context: typer.Context,
    service: Service,
    release: Annotated[str, typer.Option(help="Id of a release; the newest one without it.", show_default=False)] = "",
    current: Annotated[
        bool, typer.Option("--current", help="Those on record for the current version instead: jobs with a key.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list at most.")] = 100,
) -> None:
    """List the jobs of a release, and how they ended.

    \b
    Examples:
      canary-router --environment staging transforms transformer
      canary-router --environment staging --output json transforms transformer --release r7-1700000000
    """
    from canary_router import documents
    from canary_router.errors import NotFound
    from canary_router.flows.inspect import releases, service_view, transforms_of

    if release and current:
        raise typer.BadParameter("--release and --current exclude each other.")
    call: Invocation = context.obj
    environment, ports = call.ports()
    newest = service_view(ports, service).release
    release_id = None if current else release or (newest.release_id if newest is not None else "")
    found = [] if release_id == "" else transforms_of(ports.ledger, service, release_id, limit=limit)
    if release and not found and release not in {it.release_id for it in releases(ports.ledger, service)}:
        raise NotFound(f"There is no release {release!r} of {service!r}", advice="history lists those on record.")
    call.answer(
        {
            "environment": environment,
            "service": service,
            "release_id": release_id or None,
            "transforms": [documents.transform_document(it) for it in found],
        },
        lambda render: render.transforms_table(found, ports.clock.now()),
    )

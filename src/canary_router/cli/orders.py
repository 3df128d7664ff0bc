"""Verbs that set something going: ``release``, ``send``."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canary_router import settings
from canary_router.cli.invocation import Invocation
from canary_router.cli.looks import Service
from canary_router.cli.trouble import NO
from canary_router.errors import InvalidInput, OrderRefused, Unavailable, Uncertain

if TYPE_CHECKING:
    from canary_router.cli.desk import Desk
    from canary_router.core.model import Version
    from canary_router.flows.operate import Released
    from canary_router.ports import Pointers


def release(
    context: typer.Context,
    service: Service,
    arn: Annotated[str, typer.Argument(metavar="ARN", help="ARN of the new version's pipeline function.")],
    version: Annotated[
        str,
        typer.Option(
            metavar="TAG", help="The version that you mean; refused when the ARN is another's.", show_default=False
        ),
    ] = "",
) -> None:
    """Release a deployed version: its canary begins.

    It writes latest, as a deployment does; the outcome of the jobs then decides. Releasing
    a version again after it was aborted is a new release.

    \b
    Example:
      canary-router --environment staging release transformer "$PIPELINE_ARN" --version v1.2.0
    """
    from canary_router.flows.operate import version_named

    target = version_named(service, arn)
    if version and target.tag != version:
        raise InvalidInput(f"{arn} is {target.tag}, not {version}", advice="Give the ARN of the version that you mean.")
    call: Invocation = context.obj
    from canary_router import wiring

    desk = call.desk()
    environment, ports = desk.environment, desk.ports
    _check_served(desk, service)
    _check_is_there(desk, target)
    if not ports.pointers.read(service).exist:
        call.say(f"This is the first release of {service} in {environment}: it becomes current without a canary.")
    _check_stays(desk, service, target)
    released = _released(ports.pointers, service, arn, order=wiring.new_id())
    _withdraw_if_retired(desk, service, target, released)
    nudged = desk.wake_controller()
    latest = ports.pointers.read(service).latest
    release_id = latest.mark.release_id if latest is not None and latest.version == released.version else None
    call.answer(
        {
            "environment": environment,
            "service": service,
            "version": target.tag,
            "target_arn": arn,
            "parameter_version": released.version,
            "release_id": release_id,
            "nudged": nudged,
        },
        lambda render: render.words(
            f"Released {service} {target.tag}. To follow it: canary-router --environment {environment} watch {service}"
        ),
    )


def _check_served(desk: "Desk", service: str) -> None:
    """Refuses a service that no router here serves: nobody would ever look at its pointers."""
    try:
        router = desk.functions.find(settings.function_name(desk.environment, "request"))
    except Unavailable:
        return  # who may release need not be allowed to look at functions
    served = "" if router is None else router.variables.get(settings.ENV_SERVICES, "")
    if served and service not in served.split(","):
        raise InvalidInput(
            f"The router of {desk.environment} does not serve {service!r}",
            advice=f"It serves {', '.join(served.split(','))}. Add the service to its construct and deploy it first.",
        )


def _check_is_there(desk: "Desk", target: "Version") -> None:
    """Refuses an ARN of no function: every job that is sent to it would fail, and of a first release that is all."""
    try:
        found = desk.functions.find(target.arn)
    except Unavailable:
        return  # who may release need not be allowed to look at functions
    if found is None:
        raise InvalidInput(
            f"There is no function {target.arn}",
            advice="Deploy the version's stack first; is it the ARN, the account and the region that you mean?",
        )


def _check_stays(desk: "Desk", service: str, target: "Version") -> None:
    """Refuses a version whose stack is being retired, or deleted."""
    from canary_router.flows.retired import check_stays

    with suppress(Unavailable):  # who may release need not be allowed to read the record
        check_stays(desk.ports.ledger, desk.stacks, service, target, desk.ports.clock.now())


def _withdraw_if_retired(desk: "Desk", service: str, target: "Version", released: "Released") -> None:
    """Looks again after the write: whoever began to retire the version before it may not have seen it."""
    from canary_router.flows.operate import withdraw
    from canary_router.flows.retired import check_not_marked

    try:
        with suppress(Unavailable):
            check_not_marked(desk.ports.ledger, service, target, desk.ports.clock.now())
    except OrderRefused:
        withdraw(desk.ports.pointers, service, released)
        raise


def _released(pointers: "Pointers", service: str, arn: str, order: str) -> "Released":
    from canary_router.flows.operate import release as release_flow

    try:
        return release_flow(pointers, service, arn, order)
    except Uncertain:
        # The same order may be given again: it finds out whether it was carried out.
        return release_flow(pointers, service, arn, order)


def send(
    context: typer.Context,
    service: Service,
    source: Annotated[
        str,
        typer.Option(
            "--input", metavar="FILE|-", help="File with the job's input as JSON; - reads stdin. {} without it."
        ),
    ] = "",
    key: Annotated[
        str, typer.Option(help="Idempotency key: sent again with it, the same job is answered.", show_default=False)
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the job's end; exit code 1 when it did not succeed.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait at most.")] = 86_400,
) -> None:
    """Send a job through the router, as a front-end does.

    \b
    Examples:
      canary-router --environment staging send transformer --wait
      echo '{"year": 2014}' | canary-router --environment staging send transformer --input -
    """
    document = _document(source)
    from canary_router.client import RouterClient

    call: Invocation = context.obj
    environment, session = call.reach()
    client = RouterClient(environment, session=session)
    transform = client.submit(service, document, idempotency_key=key or None)
    if wait:
        call.say(f"{transform.transform_id} runs on {transform.version} ({transform.route})")
        transform = client.wait(transform, timeout=timeout, poll=1)
    call.answer(
        {
            "transform_id": transform.transform_id,
            "service": transform.service,
            "route": transform.route.value,
            "version": transform.version,
            "target_arn": transform.target_arn,
            "execution_arn": transform.execution_arn,
            "status": transform.status.value,
            "status_url": transform.status_url,
        },
        lambda render: render.sent_line(transform.transform_id, transform.route, transform.version, transform.status),
    )
    if wait and not transform.succeeded:
        call.say(f"To see why: canary-router --environment {environment} explain {transform.transform_id}")
        raise typer.Exit(NO)


def _document(source: str) -> Any:
    if not source:
        return {}
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"--input {source} cannot be read: {error.strerror}", advice="Give a file, or - for stdin."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"--input {source} is not text in UTF-8", advice="Give the job's input as JSON.") from error
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"--input {source} is not JSON: {error}", advice="Give the job's input as JSON.") from error

"""Verbs for this machine: ``local up|deploy|down|status`` and ``demo``."""

from typing import Annotated

import typer

from canary_router.cli.invocation import Invocation

local = typer.Typer(
    name="local",
    help="A router on this machine, with an AWS emulator of its own: no AWS account is needed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1 for the emulator; 0 takes a free one.")]


@local.command()
def up(context: typer.Context, port: Port = 0) -> None:
    """Start the emulator, deploy the router and the sample at v1.0.0, and return when it serves.

    The other verbs then find it by themselves, as environment 'local'.

    \b
    Example:
      canary-router local up && canary-router send transformer --wait
    """
    from canary_router.local import provision

    call: Invocation = context.obj
    emulator = provision.up(port=port, progress=call.say)
    call.answer(provision.document(emulator), lambda render: render.emulator_panel(emulator))


@local.command()
def deploy(
    context: typer.Context,
    tag: Annotated[
        str, typer.Argument(metavar="TAG", help="Version of the sample, such as v1.1.0 (good) or v1.2.0 (bad).")
    ],
) -> None:
    """Deploy another version of the sample; its deployment ends by releasing it.

    \b
    Example:
      canary-router local deploy v1.1.0 && canary-router watch transformer
    """
    from canary_router.local import provision

    call: Invocation = context.obj
    deployed = provision.deploy(tag, progress=call.say)
    call.answer(deployed, lambda _: f"Deployed {deployed['stack']}. To follow it: canary-router watch transformer")


@local.command()
def down(context: typer.Context) -> None:
    """End the emulator and remove everything that it held.

    \b
    Example:
      canary-router local down
    """
    from canary_router.local import provision

    call: Invocation = context.obj
    stopped = provision.down()
    call.answer({"stopped": stopped}, lambda _: "It is gone." if stopped else "There was none.")


@local.command()
def status(context: typer.Context) -> None:
    """Show the router on this machine; exit code 1 when there is none.

    \b
    Example, to use it from other tools:
      eval "$(canary-router --output json local status | jq -r '"export AWS_ENDPOINT_URL=" + .endpoint_url')"
    """
    from canary_router.cli.trouble import NO
    from canary_router.local import provision

    call: Invocation = context.obj
    emulator = provision.find()
    if emulator is None:
        call.answer({"running": False}, lambda _: "None is running. To start one: canary-router local up")
        raise typer.Exit(NO)
    call.answer(provision.document(emulator), lambda render: render.emulator_panel(emulator))


def demo(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running, as 'local up' does.")] = False,
    rate: Annotated[float, typer.Option(min=0.5, max=20, help="Jobs sent per second.")] = 4,
    port: Port = 0,
) -> None:
    """Watch two releases being judged on this machine: a good one is promoted, a bad one is turned away.

    Deploys a router and three versions of a sample with the real CDK on an emulator, and sends jobs all the while.
    The exit code is 0 only if everything that is told was observed: two canary jobs, the hold while they ran, the
    flip, the abort, and not one failed request.

    \b
    Example:
      canary-router demo --keep && canary-router status
    """
    from canary_router.cli.demo_screen import show_demo

    show_demo(context.obj, keep=keep, rate=rate, port=port)

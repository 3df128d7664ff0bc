"""Verbs for this machine: ``local up|deploy|down|status`` and ``demo``."""

import signal
import sys
from typing import Annotated

import typer

from canary_router.cli.invocation import Invocation

local = typer.Typer(
    name="local",
    help="A router on this machine, on an emulator of AWS.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def clean_up_when_told_to_end() -> None:
    """Lets a polite request to end, or a closed terminal, unwind what was begun, as Ctrl-C does."""

    def end(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1 for the emulator; 0 takes a free one.")]


Spark = Annotated[
    bool, typer.Option("--spark", help="Run the sample's Spark jobs on PySpark, which the extra 'spark' installs.")
]


@local.command()
def up(context: typer.Context, port: Port = 0, spark: Spark = False) -> None:
    """Start the emulator with the router and the sample at v1.0.0.

    Returns when requests are served. The other verbs then find it by themselves, as environment 'local', until
    'local down' ends it.

    \b
    Example:
      canary-router local up && canary-router send transformer --wait
    """
    from canary_router.local import provision

    call: Invocation = context.obj
    clean_up_when_told_to_end()
    emulator = provision.up(port=port, spark=spark, progress=call.say)
    call.answer(provision.document(emulator), lambda render: render.emulator_panel(emulator))


@local.command()
def deploy(
    context: typer.Context,
    tag: Annotated[
        str, typer.Argument(metavar="TAG", help="Version of the sample, such as v1.1.0 (good) or v1.2.0 (bad).")
    ],
) -> None:
    """Deploy another version of the sample, which releases itself.

    \b
    Example:
      canary-router local deploy v1.1.0 && canary-router watch transformer
    """
    from canary_router.local import provision

    call: Invocation = context.obj
    deployed = provision.deploy(tag, progress=call.say)
    if deployed["changed"]:
        line = f"Deployed {deployed['stack']}. To follow its release: canary-router watch transformer"
    else:
        line = (
            f"{deployed['stack']} was there already, so nothing was released. To release it again:\n"
            f"canary-router release transformer {deployed['target_arn']}"
        )
    call.answer(deployed, lambda render: render.words(line))


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
    call.answer({"stopped": stopped}, lambda render: render.words("It is gone." if stopped else "There was none."))


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
        call.answer(
            {"running": False}, lambda render: render.words("None is running. To start one: canary-router local up")
        )
        raise typer.Exit(NO)
    call.answer(provision.document(emulator), lambda render: render.emulator_panel(emulator))


def demo(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running, as 'local up' does.")] = False,
    rate: Annotated[
        float, typer.Option(min=0, max=20, help="Jobs sent per second; 0 is 2, or 1 with --spark.", show_default=False)
    ] = 0,
    port: Port = 0,
    spark: Spark = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Serve the dashboard beside it, and open it in your browser.")
    ] = False,
) -> None:
    """Watch a good and a bad release being judged on this machine.

    Deploys a router and three versions of a sample with the real CDK on an emulator, and sends jobs all the while.
    The exit code is 0 only if everything that is told was observed: two canary jobs, the hold while they ran, the
    flip, the abort, and not one failed request.

    \b
    Examples:
      canary-router demo --keep && canary-router status
      canary-router demo --dashboard
    """
    from canary_router.cli.demo_screen import show_demo
    from canary_router.local.demo import Wishes

    clean_up_when_told_to_end()
    wishes = Wishes(rate or (1 if spark else 2), port, keep=keep, spark=spark)
    show_demo(context.obj, wishes, with_dashboard=dashboard)

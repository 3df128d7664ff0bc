"""The verbs and the options that all of them share."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from canary_router import __version__, settings
from canary_router.cli import checkup, ci, dashboard, decisions, looks, machine, orders, past, policies, pruning
from canary_router.cli.invocation import Invocation, Output
from canary_router.cli.trouble import explain

if TYPE_CHECKING:
    from canary_router.cli.desk import Desk

SHARED = ("--environment", "--region", "--profile", "--endpoint-url", "--output")
INTERRUPTED = 130


class _SharedOptionsAnywhere(TyperGroup):
    """Takes the shared options after the verb too, where people type them as naturally as before it."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override] # a typer.Context
        return super().parse_args(ctx, shared_first(args))

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override] # a typer.Context
        """Runs the verb. Ctrl-C ends it with a word and 130, as shells have it: 1 would mean that the answer is no."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print(
                "\ncanary-router: stopped. What was ordered before goes on; see: canary-router status", file=sys.stderr
            )
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_SharedOptionsAnywhere,
    no_args_is_help=True,
    rich_markup_mode=None,  # its formatter alone takes longer than all the rest of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
app.command()(looks.status)
app.command()(looks.watch)
app.command()(orders.release)
app.command()(decisions.promote)
app.command()(decisions.abort)
app.command()(decisions.pause)
app.command()(decisions.resume)
app.command()(decisions.rollback)
app.command()(past.history)
app.command()(past.explain)
app.command()(orders.send)
app.command()(looks.transforms)
app.add_typer(policies.policy)
app.command()(pruning.prune)
app.command()(checkup.doctor)
app.command()(dashboard.dashboard)
app.command()(machine.demo)
app.add_typer(machine.local)
app.add_typer(ci.ci)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def shared_options(
    context: typer.Context,
    environment: Annotated[
        str,
        typer.Option(
            envvar=settings.ENV_ENVIRONMENT,
            help="Environment of the router, such as staging; 'local' while an emulator of ours is up.",
            show_default=False,
        ),
    ] = "",
    region: Annotated[str, typer.Option(help="AWS region, instead of the one configured.", show_default=False)] = "",
    profile: Annotated[str, typer.Option(help="AWS profile, instead of the one configured.", show_default=False)] = "",
    endpoint_url: Annotated[
        str, typer.Option(help="Address of all AWS services, for an emulator.", show_default=False)
    ] = "",
    output: Annotated[
        Output, typer.Option(help="table for people; json prints one document on stdout, all else on stderr.")
    ] = Output.TABLE,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Releases batch jobs by the outcome of the very jobs that were routed to them.

    \b
    On this machine, without an AWS account:
      canary-router demo                          watch two releases being judged
      canary-router local up                      a router to play with, which the other verbs then find
    On AWS:
      canary-router --environment staging status  what serves, what is being tried out
      canary-router --environment staging watch transformer

    Exit codes: 0 done; 1 the answer is no; 2 wrong usage; 3 AWS could not be reached or refused.
    """
    context.obj = Invocation(
        output=output,
        chosen_environment=environment,
        region=region,
        profile=profile,
        endpoint_url=endpoint_url,
        given=context.obj,
    )


def run(arguments: Sequence[str], desk: "Desk | None" = None) -> int:
    """Runs one command line and returns its exit code; a user's mistake is one line on stderr, never a traceback.

    Args:
        arguments: The command line after the program's name.
        desk: A world to work in, instead of AWS.
    """
    try:
        app(args=list(arguments), prog_name="canary-router", obj=desk)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:  # noqa: BLE001 - the outermost boundary; explain() raises what nobody foresaw
        line, code = explain(error)
        print(f"canary-router: {line}", file=sys.stderr)
        return code
    return 0


def shared_first(arguments: Sequence[str]) -> list[str]:
    """The command line with the shared options moved before the verb; after ``--`` nothing is touched."""
    shared: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            others += ["--", *rest]
        elif argument.partition("=")[0] in SHARED:
            shared.append(argument)
            if "=" not in argument:
                shared += [value for value in [next(rest, None)] if value is not None]
        else:
            others.append(argument)
    return [*shared, *others]

"""The reference page of the command line, made from the commands themselves.

    python -m canary_router.cli.reference >docs/reference/cli.md

A test holds the page to the code.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from canary_router.cli.app import app

_BEGINNING = """# The command line

This page is made from the code: `make reference`.

`canary-router [OPTIONS] VERB`. The options below go before the verb or after it.

Exit codes: `0` done; `1` the answer is no (a release was aborted under `watch`, an order was refused, `doctor` found
something); `2` wrong usage; `3` AWS could not be reached or refused; `130` stopped by Ctrl-C.

With `--output json` one JSON document is on stdout, and everything else on stderr. Times in it are milliseconds
since the epoch.

Completion by Tab, for bash, zsh, fish and PowerShell:

```sh
canary-router --install-completion   # for the shell that you are in; then open a new one
canary-router --show-completion      # prints it instead, to be put where you keep yours
```
"""


_NOT_LISTED = ("help", "install_completion", "show_completion")


def page() -> str:
    """The page, in Markdown."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("canary-router", ["status"], resilient_parsing=True)
    parts = [_BEGINNING, "## Options of every verb\n", _table(command, context), ""]
    for name in command.list_commands(context):
        parts += _verbs(name, command.get_command(context, name), context)
    return "\n".join(parts).rstrip() + "\n"


def _verbs(name: str, command: Any, context: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for inner, verb in command.commands.items():
            yield from _verbs(f"{name} {inner}", verb, context)
        return
    arguments = [_argument(it) for it in command.params if it.param_type_name == "argument"]
    yield f"## {name}\n"
    yield f"`canary-router {' '.join([name, *arguments])}`\n"
    yield from _described(command.help)
    if command.params:
        yield _table(command, context)
        yield ""


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required else f"[{name}]"


def _described(text: str) -> Iterator[str]:
    """A help text: its paragraphs, and its examples as code."""
    for block in inspect.cleandoc(text).split("\n\n"):
        if not block.startswith("\b"):
            yield f"{block}\n"
            continue
        title, *lines = block.removeprefix("\b").strip("\n").splitlines()
        yield f"{title}\n"
        yield "\n".join(["```sh", *(line.strip() for line in lines), "```", ""])


def _table(command: Any, context: Any) -> str:
    """What ``--help`` says of arguments and options."""
    listed = [it for it in command.params if it.name not in _NOT_LISTED]
    rows = [[text.replace("|", "\\|") for text in it.get_help_record(context)] for it in listed]
    return "\n".join(["| | |", "|---|---|", *(f"| `{names}` | {meaning} |" for names, meaning in rows)])


if __name__ == "__main__":
    print(page(), end="")

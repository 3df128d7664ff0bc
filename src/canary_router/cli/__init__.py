"""The command ``canary-router``. Nothing heavy is imported before a verb needs it, so that help comes at once."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and exits: 0 done, 1 the answer is no, 2 wrong usage, 3 AWS not reached or refusing.

    Args:
        arguments: The command line after the program's name; by default the process's own.
    """
    try:
        from canary_router.cli.app import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"typer", "rich"}:
            raise
        print("canary-router: the command line is not installed. pip install 'canary-router[cli]'", file=sys.stderr)
        sys.exit(2)
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))

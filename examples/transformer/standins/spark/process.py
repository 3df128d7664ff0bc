"""The process that runs the scripts, one after the other: ``python -m transformer.standins.spark.process [--plain]``.

It reads requests from its standard input and writes answers to its standard output, one JSON document a line: first
that it has begun, then the outcome. What the scripts print goes to standard error. It ends, with all that it has
started, when its input does.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

from transformer.standins.spark import plain

MAX_DETAILS = 256
"""Characters of EMR's state details."""
_TRACEBACK = "Traceback (most recent call last)"


class Engine(Protocol):
    """What scripts run on."""

    def warm(self) -> None:
        """Gets ready for a run."""

    def run(self, script: str, arguments: list[str]) -> None:
        """Runs a script; what it raises, this raises."""

    def tidy(self) -> None:
        """Leaves nothing of a run to the next one; raises when the engine is broken."""


class Plain:
    """No Spark: the script's own functions."""

    def warm(self) -> None:
        """There is nothing to get ready."""

    def run(self, script: str, arguments: list[str]) -> None:
        """See the base class."""
        plain.run(script, arguments)

    def tidy(self) -> None:
        """There is nothing to tidy."""


def main() -> None:
    """Runs scripts until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests = _requests(os.fdopen(os.dup(0), encoding="utf-8"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    engine = _engine()

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    while True:
        request = requests.get()
        say(_answer(engine, request, begun=lambda: say({"begun": True})))
        if request["do"] == "run":
            # After the answer: nobody has to wait for it. A broken engine ends the process, which is started anew.
            engine.tidy()


def failed(error: BaseException) -> dict[str, Any]:
    """The answer for a script that has raised: in one line why, as Python would print it last, and where.

    An error in a function that Spark has called comes as an error of Java's, with the function's traceback amid Java's
    own: what is wanted is the function's.
    """
    _, found, inner = str(error).partition(_TRACEBACK)
    if found:
        inner = inner.partition("\n\tat ")[0].rstrip()
        where, why = f"{found}{inner}", inner.rpartition(_TRACEBACK)[2].lstrip(":")
    else:
        lines = "".join(traceback.format_exception(error)).splitlines()
        where = "\n".join(line for line in lines if not line.startswith("\tat "))
        # Of an error of Java's, what Java said: before it stands only which method was called.
        java = str(error).partition("\n: ")[2] if type(error).__name__ == "Py4JJavaError" else ""
        why = java or "".join(traceback.format_exception_only(error))
    told = (line for line in why.splitlines() if line.strip() and not line[0].isspace())
    # A script's own exceptions are called the same, whatever it was called while it ran.
    details = next(told, type(error).__name__).removeprefix(f"{plain.RUN_NAME}.")
    return {"succeeded": False, "details": details[:MAX_DETAILS], "traceback": where}


@contextmanager
def as_a_program(script: str, arguments: list[str]) -> Iterator[None]:
    """Within it, Python looks as it does to a program that was started; after it, as before."""
    argv, path, environment, folder = sys.argv, sys.path[:], dict(os.environ), os.getcwd()  # noqa: PTH109 - may be gone
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(script))  # noqa: PTH120 - as Python does
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)


def _engine() -> Engine:
    if "--plain" in sys.argv[1:]:
        return Plain()
    # PySpark is an extra, and takes a third of a second to import.
    from transformer.standins.spark.session import Spark  # noqa: PLC0415

    return Spark()


def _answer(engine: Engine, request: dict[str, Any], begun: Callable[[], None]) -> dict[str, Any]:
    try:
        engine.warm()
        begun()
        if request["do"] == "run":
            with as_a_program(request["script"], request["arguments"]):
                engine.run(request["script"], request["arguments"])
    except SystemExit as error:
        if error.code not in {None, 0}:
            details = f"The script has ended with the exit code {error.code}"
            return {"succeeded": False, "details": details[:MAX_DETAILS], "traceback": details}
    except BaseException as error:  # noqa: BLE001 - whatever a script raises is its outcome
        return failed(error)
    return {"succeeded": True, "details": "", "traceback": ""}


def _requests(lines: TextIO) -> "queue.SimpleQueue[dict[str, Any]]":
    found: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            found.put(json.loads(line))
        # Whoever asks is gone, even if a script is running. This process leads its group.
        os.killpg(os.getpid(), signal.SIGKILL)

    threading.Thread(target=read, daemon=True).start()
    return found


if __name__ == "__main__":
    main()

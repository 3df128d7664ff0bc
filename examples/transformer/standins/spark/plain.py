"""Runs a job's script without Spark: its own functions, called one after the other.

A script of the right form has ``arguments(argv)``, which names the folders ``data`` and ``out``; ``group_of(row)``, and
``documents(rows, arguments)``, which turns the rows of a group into documents. What Spark does between them, this does.
"""

import csv
import json
import runpy
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PART = "part-00000.json"
SUCCESS = "_SUCCESS"
RUN_NAME = "__plain__"
"""What ``__name__`` is to a script: not what would make it run by itself."""
FUNCTIONS = ("arguments", "group_of", "documents")
Row = dict[str, str | None]


class NotPlain(Exception):
    """The script cannot be run without Spark; the message says what it lacks."""


def run(script: str, argv: list[str]) -> None:
    """Runs a script.

    Raises:
        NotPlain: It has not the form that is needed.
        Exception: Whatever its functions raise.
    """
    found = runpy.run_path(script, run_name=RUN_NAME)
    if missing := [name for name in FUNCTIONS if not callable(found.get(name))]:
        raise NotPlain(f"A script needs the function {missing[0]} to be run without Spark")
    arguments = found["arguments"](argv)
    groups: dict[object, list[Row]] = defaultdict(list)
    for row in rows(Path(arguments.data)):
        groups[found["group_of"](row)].append(row)
    lines = [
        json.dumps(document) + "\n"
        for group in sorted(groups, key=repr)
        for document in found["documents"](groups[group], arguments)
    ]
    write(Path(arguments.out), lines)


def rows(folder: Path) -> Iterator[Row]:
    """The rows of all CSV files in a folder, as Spark reads them: an empty cell is None, hidden files are not data.

    Raises:
        NotPlain: There is no such folder.
    """
    if not folder.exists():
        raise NotPlain(f"Path does not exist: {folder}")
    files = [folder] if folder.is_file() else sorted(folder.iterdir())
    for file in files:
        if file.is_file() and not file.name.startswith(("_", ".")):
            with file.open(encoding="utf-8", newline="") as lines:
                reader = csv.DictReader(lines)
                names = reader.fieldnames or ()
                for row in reader:
                    yield {name: row[name] or None for name in names}


def write(folder: Path, lines: list[str]) -> None:
    """Writes the documents in place of what is in the folder, and the file that says that all of them are there."""
    shutil.rmtree(folder, ignore_errors=True)
    unfinished = folder / "_temporary" / PART
    unfinished.parent.mkdir(parents=True)
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.rename(folder / PART)
    unfinished.parent.rmdir()
    (folder / SUCCESS).touch()

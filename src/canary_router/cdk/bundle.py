"""Bundles of Lambda functions: the modules that an entry module really imports, with their bytecode, and nothing else.

A bundle is a function of the source alone. The bytecode is compiled by a fresh interpreter (what a compiler writes
depends a little on what its process did before) and is of the kind that Lambda never checks against the source, so
the same commit gives the same bytes, the same asset, and no deployment.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

from canary_router.cdk.imports import ModuleSearch
from canary_router.errors import ConfigurationError

_RUNTIMES = {
    (3, 11): lambda_.Runtime.PYTHON_3_11,
    (3, 12): lambda_.Runtime.PYTHON_3_12,
    (3, 13): lambda_.Runtime.PYTHON_3_13,
    (3, 14): lambda_.Runtime.PYTHON_3_14,
}
_COMPILER = """
import pathlib, py_compile, sys
folder = pathlib.Path(sys.argv[1])
for file in sorted(folder.rglob("*.py")):
    py_compile.compile(
        str(file),
        # Where the file lies in Lambda, so that tracebacks are right and the checkout's place leaves no trace.
        dfile="/var/task/" + file.relative_to(folder).as_posix(),
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
"""


def write_bundle(entry: str, target: Path, sources: Sequence[Path] = ()) -> tuple[str, ...]:
    """Writes a bundle into an empty folder and returns the names of the modules in it.

    Args:
        entry: Module that holds the handler, for example ``canary_router.lambdas.request``.
        target: Folder to write into.
        sources: Folders whose modules belong to the bundle if they are imported, besides ``canary_router``.

    Raises:
        ConfigurationError: The entry is not found, a module imports what Lambda would not have, or does not compile.
    """
    modules = ModuleSearch(sources).closure(entry)
    for name, file in modules.items():
        place = target.joinpath(*name.split("."))
        place = place / "__init__.py" if file.name == "__init__.py" else place.with_name(place.name + ".py")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    # Not -I: that would ignore the fixed hash seed too. -s, -S and -P keep everybody's packages and paths out.
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-P", "-c", _COMPILER, str(target)],
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"The bundle of {entry} does not compile: {done.stderr.strip()}")
    return tuple(modules)


def bundled_code(entry: str, sources: Sequence[Path] = ()) -> lambda_.Code:
    """The bundle of an entry module as the code of a function.

    Args:
        entry: Module that holds the handler.
        sources: Folders whose modules belong to the bundle, besides ``canary_router``.

    Raises:
        ConfigurationError: As ``write_bundle``.
    """
    folder = Path(tempfile.mkdtemp(dir=_workspace().name))
    write_bundle(entry, folder, sources)
    return lambda_.Code.from_asset(str(folder))


def matching_runtime() -> lambda_.Runtime:
    """The Lambda runtime of the Python that is running now, since the bundle's bytecode fits no other.

    Raises:
        ConfigurationError: Lambda has no such runtime.
    """
    version = sys.version_info[:2]
    if version not in _RUNTIMES:
        raise ConfigurationError(
            f"Lambda has no runtime for Python {version[0]}.{version[1]}, which runs this synthesis",
            advice=f"Synthesise with one of {', '.join(f'{a}.{b}' for a, b in _RUNTIMES)}.",
        )
    return _RUNTIMES[version]


@cache
def _workspace() -> "tempfile.TemporaryDirectory[str]":
    # The CDK copies an asset when its function is made; the originals go when the process ends.
    return tempfile.TemporaryDirectory(prefix="canary-router-bundles-")

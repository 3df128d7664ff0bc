"""Bundles of Lambda functions: the modules that an entry module really imports, with their bytecode, and nothing else.

Installed packages come in only for a function that names them (``packages.py``).

A bundle is a function of the source alone. The bytecode is compiled by a fresh interpreter (what a compiler writes
depends a little on what its process did before) and is of the kind that Lambda never checks against the source, so
the same commit gives the same bytes, the same asset, and no deployment.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from aws_cdk import aws_lambda as lambda_

from canary_router.cdk.imports import ModuleSearch
from canary_router.cdk.packages import packages_of, top_modules
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


def write_bundle(
    entry: str, target: Path, sources: Sequence[Path] = (), packages: Sequence[str] = ()
) -> tuple[str, ...]:
    """Writes a bundle into an empty folder and returns the names of the modules in it, those of packages aside.

    Args:
        entry: Module that holds the handler, for example ``canary_router.lambdas.request``.
        target: Folder to write into.
        sources: Folders whose modules belong to the bundle if they are imported, besides ``canary_router``.
        packages: Installed packages that belong to the bundle, with all that they require.

    Raises:
        ConfigurationError: The entry is not found, a module imports what Lambda would not have, or does not compile;
            or a package cannot be bundled.
    """
    packaged = packages_of(packages)
    names = top_modules(packaged)
    modules = ModuleSearch(sources, names).closure(entry)
    if twice := sorted({name.partition(".")[0] for name in modules} & names):
        raise ConfigurationError(
            f"The bundle of {entry} would have {', '.join(twice)} twice: in {_places(sources)} and as a package",
            advice="Rename your own module, or leave the package out.",
        )
    for name, file in modules.items():
        place = target.joinpath(*name.split("."))
        place = place / "__init__.py" if file.name == "__init__.py" else place.with_name(place.name + ".py")
        _copy(file, place)
    _compile(target, entry)
    if packaged:
        shutil.copytree(_compiled_packages(tuple(packaged.items())), target, dirs_exist_ok=True)
    return tuple(modules)


def bundled_code(entry: str, sources: Sequence[Path] = (), packages: Sequence[str] = ()) -> lambda_.Code:
    """The bundle of an entry module as the code of a function.

    Args:
        entry: Module that holds the handler.
        sources: Folders whose modules belong to the bundle, besides ``canary_router``.
        packages: Installed packages that belong to the bundle.

    Raises:
        ConfigurationError: As ``write_bundle``.
    """
    folder = Path(tempfile.mkdtemp(dir=_workspace().name))
    write_bundle(entry, folder, sources, packages)
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
def _compiled_packages(files: tuple[tuple[str, Path], ...]) -> Path:
    # Compiling some hundred modules takes a while, and an app has many functions with the same packages.
    folder = Path(tempfile.mkdtemp(dir=_workspace().name))
    for place, file in files:
        _copy(file, folder / place)
    _compile(folder, "packages")
    return folder


def _copy(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(file.read_bytes())


def _compile(folder: Path, what: str) -> None:
    # Not -I: that would ignore the fixed hash seed too. -s, -S and -P keep everybody's packages and paths out.
    done = subprocess.run(
        [sys.executable, "-s", "-S", "-P", "-c", _COMPILER, str(folder)],
        env={"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"The bundle of {what} does not compile: {done.stderr.strip()}")


def _places(sources: Sequence[Path]) -> str:
    return ", ".join(map(str, sources))


@cache
def _workspace() -> "tempfile.TemporaryDirectory[str]":
    # The CDK copies an asset when its function is made; the originals go when the process ends.
    return tempfile.TemporaryDirectory(prefix="canary-router-bundles-")

"""Installed packages as part of a bundle: what a function imports besides its own modules and what Lambda ships.

Rules:

- a distribution is taken whole, as it is installed beside the synthesis, with all that it requires; what it requires
  is read for Lambda's Linux, not for the machine that synthesises, and extras only where they are asked for;
- what the Lambda runtime ships is left out, unless it is named itself: two versions of botocore in one function, or
  its urllib3 exchanged, are the ways in which bundles break;
- nothing that is compiled is taken, since it fits one processor and one Python. A compiled module whose Python source
  is installed beside it is a faster copy of that source, and left out; without the source it is an error;
- of what describes a distribution, only that is taken which running code can ask for.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from canary_router.cdk.imports import RUNTIME_PACKAGES
from canary_router.errors import ConfigurationError

_LAMBDA_SHIPS = RUNTIME_PACKAGES - {"dateutil"} | {"python-dateutil"}
"""The same by the names of the distributions."""
_ASKED_FOR = ("METADATA", "entry_points.txt")
_COMPILED = frozenset({".so", ".pyd", ".dll", ".dylib"})
_ARCHITECTURES = ("aarch64", "x86_64")


def packages_of(names: Sequence[str]) -> dict[str, Path]:
    """The files of these distributions and of all that they require: where each is, by its path in the bundle.

    Args:
        names: Names of installed distributions, such as ``opensearch-py``.

    Raises:
        ConfigurationError: One of them is not installed, is compiled, or cannot be copied.
    """
    files: dict[str, Path] = {}
    for name, found in sorted(_closure(names).items()):
        files |= dict(_files(name, found))
    return files


def top_modules(files: Iterable[str]) -> frozenset[str]:
    """The names under which code can import what is in these files."""
    return frozenset(file.partition("/")[0].removesuffix(".py") for file in files)


def _closure(names: Sequence[str]) -> dict[str, metadata.Distribution]:
    found: dict[str, metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in map(_plain, names)]
    while waiting:
        wanted, requirer = waiting.pop()
        name = canonicalize_name(wanted.name)
        # What the runtime ships comes with its own, but not beneath something else.
        if name in _LAMBDA_SHIPS and requirer and requirer not in _LAMBDA_SHIPS:
            continue
        found[name] = found.get(name) or _installed(name, requirer)
        for extra in {"", *wanted.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(needed, name) for needed in _requirements(found[name], extra)]
    return found


def _plain(name: str) -> Requirement:
    try:
        wanted = Requirement(name)
    except InvalidRequirement:
        wanted = None
    if wanted is None or wanted.name != name:
        raise ConfigurationError(
            f"{name!r} is not the name of a package",
            advice="Name it as on PyPI, such as 'opensearch-py'; which version is taken is the one that is installed.",
        )
    return wanted


def _installed(name: str, requirer: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError as error:
        because = f", which {requirer} requires in Lambda," if requirer else ""
        raise ConfigurationError(
            f"The package {name}{because} is not installed beside the CDK, from where a bundle takes it",
            advice=f"Install it where you synthesise: pip install {name}.",
        ) from error


def _requirements(distribution: metadata.Distribution, extra: str) -> Iterator[Requirement]:
    for line in distribution.requires or ():
        needed = Requirement(line)
        if needed.marker is None:
            if not extra:
                yield needed
        elif any(needed.marker.evaluate(_lambdas_environment(machine, extra)) for machine in _ARCHITECTURES):
            yield needed


def _lambdas_environment(machine: str, extra: str) -> dict[str, str]:
    """What markers are told. The Python is the one that runs now, since the bundle is for that one."""
    return {
        "extra": extra,
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "python_full_version": f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
        "implementation_version": f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}",
        "sys_platform": "linux",
    }


def _files(name: str, distribution: metadata.Distribution) -> Iterator[tuple[str, Path]]:
    listed = {file.as_posix(): file for file in distribution.files or ()}
    if not listed or any(path.endswith(".pth") for path in listed):
        raise ConfigurationError(
            f"The package {name} is not installed as a copy of its files, so there is nothing to put into a bundle",
            advice="Install it from a wheel; or, if it is your own, name its folder among the sources.",
        )
    for path, file in listed.items():
        parts = file.parts
        if ".." in parts or file.is_absolute() or "__pycache__" in parts:
            continue  # programs beside the interpreter; bytecode, which is compiled anew
        if parts[0].endswith(".dist-info") and file.name not in _ASKED_FOR:
            continue
        if not _COMPILED.isdisjoint(file.suffixes):
            if file.with_name(f"{file.name.partition('.')[0]}.py").as_posix() not in listed:
                raise _compiled(name, distribution.version, path)
            continue
        yield path, Path(str(distribution.locate_file(file)))


def _compiled(name: str, version: str, file: str) -> ConfigurationError:
    return ConfigurationError(
        f"The package {name} {version} is compiled ({file}): it fits the machine that it was installed on, and a "
        "bundle is for any",
        advice=f"Use a version or another package that does without {name}, or put it into a layer of the function.",
    )

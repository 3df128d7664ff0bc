"""A buildspec of CodeBuild's, read from its YAML. What the runner would not do as CodeBuild does is refused by name.

The rules are those of the "Build specification reference for CodeBuild".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
_SHELLS = ("sh", "bash", "/bin/sh")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_EXPORTED = ("AWS_", "CODEBUILD_")


class BadBuildspec(Exception):
    """CodeBuild would refuse it, or this runner does not know how to do what it asks for."""


@dataclass(frozen=True)
class Phase:
    """One phase. ``on_failure`` is ABORT, CONTINUE, or empty: then each phase has its own rule."""

    commands: Sequence[str]
    at_last: Sequence[str] = ()
    on_failure: str = ""


@dataclass(frozen=True)
class Artifacts:
    """Which files of a build are its artifacts."""

    files: Sequence[str]
    base: str = ""
    excluded: Sequence[str] = ()
    flat: bool = False


@dataclass(frozen=True)
class Buildspec:
    """What is to be done."""

    phases: Mapping[str, Phase]
    one_shell: bool = True
    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    exported: Sequence[str] = ()
    artifacts: Artifacts | None = None


def buildspec_from(text: str) -> Buildspec:
    """Reads YAML.

    Raises:
        BadBuildspec: It is not one that can be run here.
    """
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadBuildspec(f"it is no YAML: {error}") from error
    parts = _mapping(document, "the buildspec", "version", "env", "phases", "artifacts")
    if str(parts.get("version")) not in ("0.1", "0.2"):
        raise BadBuildspec(f"version: {parts.get('version')!r} is neither 0.1 nor 0.2")
    if not parts.get("phases"):
        raise BadBuildspec("phases: there are none")
    helper = "git-credential-helper"
    environment = _mapping(parts.get("env", {}), "env", "shell", "variables", "exported-variables", helper)
    # The remotes here ask for no credentials. YAML reads yes and no as true and false.
    if environment.get(helper, "no") not in (True, False, "yes", "no"):
        raise BadBuildspec(f"env.{helper}: {environment[helper]!r} is neither yes nor no")
    shell = environment.get("shell", "sh")
    if shell not in _SHELLS:
        raise BadBuildspec(f"env.shell: {shell!r} is none of {', '.join(_SHELLS)}")
    phases = _mapping(parts["phases"], "phases", *PHASES)
    return Buildspec(
        phases={name: _phase(name, phases[name]) for name in PHASES if name in phases},
        # "CodeBuild runs each build command in a separate instance of the default shell" in version 0.1 only.
        one_shell=str(parts["version"]) == "0.2",
        shell=shell,
        variables=_variables(environment.get("variables", {})),
        exported=_exported(environment.get("exported-variables", [])),
        artifacts=_artifacts(parts["artifacts"]) if "artifacts" in parts else None,
    )


def _phase(name: str, given: object) -> Phase:
    where = f"phases.{name}"
    # Which runtimes there are is the image's affair; CodeBuild takes them in the install phase only.
    runtimes = ["runtime-versions"] if name == "install" else []
    parts = _mapping(given, where, "commands", "finally", "on-failure", *runtimes)
    on_failure = parts.get("on-failure", "")
    if on_failure not in ("", "ABORT", "CONTINUE"):
        raise BadBuildspec(f"{where}.on-failure: {on_failure!r} is not played here")
    commands = _texts(parts.get("commands", []), f"{where}.commands")
    if not commands and "runtime-versions" not in parts:
        raise BadBuildspec(f"{where}: it has no commands")
    return Phase(commands, _texts(parts.get("finally", []), f"{where}.finally"), on_failure)


def _variables(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise BadBuildspec("env.variables: it is no mapping")
    for name, value in given.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadBuildspec(f"env.variables: {name!r} is not the name of a variable")
        # YAML makes something else of what is not quoted: 1.10 would become 1.1.
        if not isinstance(value, str):
            raise BadBuildspec(f"env.variables.{name}: {value!r} is no text; quote it")
    return given


def _exported(given: object) -> list[str]:
    names = _texts(given, "env.exported-variables")
    for name in names:
        if not _NAME.fullmatch(name) or name.startswith(_NOT_EXPORTED):
            raise BadBuildspec(f"env.exported-variables: {name!r} cannot be exported")
    return names


def _artifacts(given: object) -> Artifacts:
    parts = _mapping(given, "artifacts", "files", "base-directory", "exclude-paths", "discard-paths")
    files = _texts(parts.get("files", []), "artifacts.files")
    if not files:
        raise BadBuildspec("artifacts.files: there are none")
    base = parts.get("base-directory", "")
    if not isinstance(base, str) or set(base) & set("*?["):
        raise BadBuildspec(f"artifacts.base-directory: {base!r} is not played here")
    # YAML reads yes and no as true and false.
    flat = {True: True, "yes": True, False: False, "no": False}.get(parts.get("discard-paths", False))
    if flat is None:
        raise BadBuildspec(f"artifacts.discard-paths: {parts['discard-paths']!r} is neither yes nor no")
    return Artifacts(files, base, _texts(parts.get("exclude-paths", []), "artifacts.exclude-paths"), flat)


def _mapping(given: object, where: str, *known: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadBuildspec(f"{where}: it is no mapping")
    if strange := [key for key in given if key not in known]:
        raise BadBuildspec(f"{where}: {strange[0]!r} is unknown here")
    return given


def _texts(given: object, where: str) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(item, str) and item.strip() for item in given):
        # "- echo a: b" is a mapping for YAML.
        raise BadBuildspec(f"{where}: it is no list of texts: {given!r}")
    return given

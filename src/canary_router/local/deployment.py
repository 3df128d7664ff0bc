"""Puts router and sample onto an emulator with the real CDK: one synthesis, deployed piece by piece."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from canary_router.local.commands import run
from canary_router.local.home import tools_home
from canary_router.local.record import Emulator
from canary_router.local.toolchain import Progress, Toolchain, node_environment, silent

ENVIRONMENT = "local"
SECONDS = 300.0
"""Time limit of one synthesis or deployment, many times of what they take."""
_NOTHING_TO_DO = "(no changes)"


@dataclass(frozen=True)
class Deployment:
    """The CDK's work on one emulator.

    Attributes:
        emulator: Where to deploy to.
        progress: Is told, in one line, before a step that takes long.
    """

    emulator: Emulator
    progress: Progress = silent

    @property
    def assembly(self) -> Path:
        """Where the assembly with the router and the sample's versions is; it goes with the emulator."""
        return Path(self.emulator.state_dir) / "assembly"

    def synthesise(self, assembly: Path, tags: Sequence[str], *options: str) -> None:
        """Writes an assembly with these versions of the sample.

        Args:
            assembly: Folder to write it to.
            tags: The versions.
            *options: Further options of ``canary_router.local.app``, such as ``--router``.

        Raises:
            Unavailable: It failed; the message has the reason.
            ConfigurationError: The package was installed without its ``local`` extra.
        """
        command = [sys.executable, "-m", "canary_router.local.app", str(assembly), *options]
        command += ["--environment", ENVIRONMENT, "--endpoint-url", self.emulator.endpoint_url]
        command += ["--spark-endpoint", self.emulator.spark_endpoint]
        command += ["--search-endpoint", self.emulator.search_endpoint]
        command += [part for tag in tags for part in ("--tag", tag)]
        self._run(command, f"Synthesising {', '.join(tags)}", _home_of_its_own())

    def bootstrap(self) -> None:
        """Prepares the emulated account for the CDK, as any account has to be, once.

        Raises:
            Unavailable: It failed; the message has the reason.
            ConfigurationError: The package was installed without its ``local`` extra.
        """
        self._cdk(["bootstrap", f"aws://{self.emulator.account}/{self.emulator.region}"], "Bootstrapping the account")

    def deploy(self, assembly: Path, *stacks: str) -> bool:
        """Deploys these stacks, those side by side that do not depend on each other. False when nothing changed.

        Raises:
            Unavailable: It failed; the message has the reason.
            ConfigurationError: The package was installed without its ``local`` extra.
        """
        command = ["deploy", "--app", str(assembly), "--exclusively", "--require-approval=never", "--concurrency=2"]
        output = self._cdk([*command, *stacks], f"Deploying {', '.join(stacks)}")
        return output.count(_NOTHING_TO_DO) < len(stacks)

    def _cdk(self, arguments: Sequence[str], what: str) -> str:
        cdk = Toolchain(tools_home(), self.progress).cdk()
        return self._run([*cdk, *arguments, "--no-color", "--no-notices"], what)

    def _run(self, command: Sequence[str], what: str, more: Mapping[str, str] = MappingProxyType({})) -> str:
        self.progress(what)
        env = self.emulator.environment_over(os.environ)
        folder = Path(self.emulator.state_dir)  # a cdk.json in the caller's directory is no business of ours
        return run(command, what=what, folder=folder, env={**env, **node_environment(env), **more}, seconds=SECONDS)


def _home_of_its_own() -> dict[str, str]:
    """Variables that keep the CDK's library from writing fingerprints to ``~/.cdk``, for which it has no setting.

    What jsii unpacks goes to the user's cache all the same, where every project shares it.
    """
    own = tools_home() / "cdk-home"
    own.mkdir(parents=True, exist_ok=True)
    cache = Path("~/.cache/aws/jsii/package-cache").expanduser()
    return {"HOME": str(own), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache)}

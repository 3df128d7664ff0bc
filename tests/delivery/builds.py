"""CodeBuild in an account: its projects as they were deployed, with their roles, variables and buildspecs.

A webhook of GitHub's is answered by the filters of the synthesised template, since the emulator keeps none.
"""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.delivery import codebuild
from tests.delivery.accounts import Account
from tests.delivery.buildspec import buildspec_from
from tests.delivery.codebuild import Build
from tests.delivery.image import Image
from tests.delivery.keys import SharedKeys

SECONDS = 300.0


@dataclass(frozen=True)
class Webhook:
    """What GitHub tells: an event, of whom, and what it is about, by the names of CodeBuild's filters."""

    event: str
    actor: str
    head: str
    trigger: str
    source_version: str
    commit: str
    base: str = ""

    def matches(self, groups: Sequence[Sequence[Mapping[str, Any]]]) -> bool:
        """Whether one of the groups of filters has it; all filters of a group must match."""
        return any(all(self._matches(one) for one in group) for group in groups)

    def _matches(self, one: Mapping[str, Any]) -> bool:
        known = {"ACTOR_ACCOUNT_ID": self.actor, "HEAD_REF": self.head, "BASE_REF": self.base}
        if one["Type"] == "EVENT":
            found = self.event in re.split(r"[,\s]+", one["Pattern"])
        else:
            found = re.search(one["Pattern"], known[one["Type"]]) is not None
        return found is not bool(one.get("ExcludeMatchedPattern"))

    def variables(self) -> dict[str, str]:
        return {
            "CODEBUILD_INITIATOR": "GitHub-Hookshot/played",
            "CODEBUILD_RESOLVED_SOURCE_VERSION": self.commit,
            "CODEBUILD_SOURCE_VERSION": self.source_version,
            "CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID": self.actor,
            "CODEBUILD_WEBHOOK_EVENT": self.event,
            "CODEBUILD_WEBHOOK_HEAD_REF": self.head,
            "CODEBUILD_WEBHOOK_TRIGGER": self.trigger,
            **({"CODEBUILD_WEBHOOK_BASE_REF": self.base} if self.base else {}),
        }


def projects_told(template: Mapping[str, Any], webhook: Webhook) -> list[str]:
    """Names of the projects whose triggers have this event."""
    projects = [it["Properties"] for it in template["Resources"].values() if it["Type"] == "AWS::CodeBuild::Project"]
    told = [it for it in projects if it["Triggers"]["Webhook"] and webhook.matches(it["Triggers"]["FilterGroups"])]
    # Checkouts are whole here, as they are there when nothing is said.
    assert not any(it["Source"].get("GitCloneDepth") for it in told)
    return [it["Name"] for it in told]


@dataclass
class CodeBuild:
    """Runs builds. ``keys`` learns of every role that a build takes on."""

    account: Account
    image: Image
    keys: SharedKeys
    folder: Path
    endpoints: Mapping[str, str]
    runs: list[tuple[str, Build]] = field(default_factory=list)

    def run(self, name: str, checkout: Path, variables: Mapping[str, str]) -> Build:
        """One build of a project, of a source that was fetched already."""
        (project,) = self.account.client("codebuild").batch_get_projects(names=[name])["projects"]
        number = len(self.runs) + 1
        work = self.folder / f"{name}-{number}"
        credentials = self.account.taken_on(project["serviceRole"], "codebuild", project["arn"])
        self.keys.know(credentials.access_key, self.account, credentials.role)
        environment = {
            **self.image.variables(self.account.emulator, work),
            **_given(project["environment"].get("environmentVariables", [])),
            "CODEBUILD_BUILD_ARN": project["arn"].replace(":project/", ":build/") + f":{number}",
            "CODEBUILD_BUILD_ID": f"{name}:{number}",
            "CODEBUILD_BUILD_NUMBER": str(number),
            "CODEBUILD_START_TIME": str(int(time.time() * 1000)),
            **variables,
            **credentials.environment(),
            **self.endpoints,
        }
        buildspec = buildspec_from(project["source"]["buildspec"])
        build = codebuild.run(buildspec, checkout, work / "run", environment, SECONDS)
        self.runs.append((name, build))
        return build

    def source(self, name: str) -> str:
        """Where a project's source comes from."""
        (project,) = self.account.client("codebuild").batch_get_projects(names=[name])["projects"]
        return str(project["source"]["type"])

    def role(self, name: str) -> str:
        (project,) = self.account.client("codebuild").batch_get_projects(names=[name])["projects"]
        return str(project["serviceRole"])


def _given(variables: Iterable[Mapping[str, str]]) -> dict[str, str]:
    assert all(it.get("type", "PLAINTEXT") == "PLAINTEXT" for it in variables), "secrets are not played"
    return {it["name"]: it["value"] for it in variables}

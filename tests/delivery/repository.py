"""The team's repository, on real git: branches, merges and tags, each of which GitHub tells CodeBuild of."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.delivery.builds import Webhook
from tests.delivery.places import ACTOR
from tests.functional.clones import Team, git

SOURCE = Path(__file__).with_name("service")


@dataclass(frozen=True)
class Repository:
    """What the team does, and what GitHub then tells."""

    team: Team

    @classmethod
    def founded(cls, folder: Path) -> "Repository":
        folder.mkdir()
        return cls(Team.founded(folder))

    def branch(self, name: str, start: str, files: Mapping[str, str] | None = None) -> str:
        """A new branch with one commit: the service as it stands in the tests, or these files; returns the commit."""
        desk = self.team.desk
        git(desk, "checkout", "--quiet", "-b", name, start)
        if files is None:
            shutil.copytree(SOURCE, desk, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        for place, text in (files or {}).items():
            (desk / place).write_text(text)
        git(desk, "add", "--all")
        git(desk, "commit", "--quiet", "--message", name)
        git(desk, "push", "--quiet", "origin", name)
        return git(desk, "rev-parse", "HEAD")

    def merge(self, name: str, into: str) -> str:
        """Merges a branch, with a commit of its own as GitHub does."""
        desk = self.team.desk
        git(desk, "checkout", "--quiet", into)
        git(desk, "merge", "--quiet", "--no-ff", "--message", f"Merge {name}", name)
        git(desk, "push", "--quiet", "origin", into)
        return git(desk, "rev-parse", "HEAD")

    def tag(self, name: str, commit: str, *options: str, told: str = "") -> Webhook:
        """Pushes a tag; GitHub tells of ``told``, the commit that it was at when the tag was pushed."""
        self.team.tag(name, commit, *options)
        return Webhook("PUSH", ACTOR, f"refs/tags/{name}", f"tag/{name}", f"refs/tags/{name}", told or commit)

    def pull_request(self, branch: str, number: int) -> Webhook:
        commit = git(self.team.desk, "rev-parse", branch)
        trigger = f"pr/{number}"
        head, base = f"refs/heads/{branch}", "refs/heads/main"
        return Webhook("PULL_REQUEST_CREATED", ACTOR, head, trigger, trigger, commit, base)

    def checkout(self, webhook: Webhook) -> Path:
        """What CodeBuild clones for an event: everything, at the commit that it was told of."""
        return self.team.clone(webhook.commit)

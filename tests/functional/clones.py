"""Real git repositories in folders of their own: a remote, the team's clone, and the clone that CI makes."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

GIT = ("git", "-c", "init.defaultBranch=main", "-c", "advice.detachedHead=false")
_NOBODYS_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*GIT, *arguments],
        cwd=folder,
        env=os.environ | _NOBODYS_SETTINGS,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Team:
    """A remote, and a clone of it in which the team works. ``main`` and ``staging`` are there, one commit each."""

    remote: Path
    desk: Path

    @classmethod
    def founded(cls, folder: Path) -> "Team":
        team = cls(folder / "remote.git", folder / "desk")
        git(folder, "init", "--quiet", "--bare", str(team.remote))
        git(folder, "clone", "--quiet", str(team.remote), str(team.desk))
        team.commit("main", "uv.lock", "locked = 1\n")
        git(team.desk, "branch", "staging")
        git(team.desk, "push", "--quiet", "origin", "main", "staging")
        return team

    def commit(self, branch: str, name: str = "work.txt", text: str | None = None) -> str:
        """Commits one file on a branch, which is made when it is new, and pushes it."""
        known = git(self.desk, "branch", "--list", branch)
        git(self.desk, "checkout", "--quiet", *([] if known else ["-b"]), branch)
        file = self.desk / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{file.read_text() if file.exists() else ''}{branch}\n" if text is None else text)
        git(self.desk, "add", "--all")
        git(self.desk, "commit", "--quiet", "--message", f"{branch}: {name}")
        git(self.desk, "push", "--quiet", "origin", branch)
        return git(self.desk, "rev-parse", "HEAD")

    def tag(self, name: str, commit: str, *options: str) -> None:
        git(self.desk, "tag", *options, name, commit)
        git(self.desk, "push", "--quiet", *(["--force"] if "--force" in options else []), "origin", f"refs/tags/{name}")

    def clone(self, tag: str, *options: str) -> Path:
        """A clone as CI makes it: everything, with the tag checked out."""
        folder = self.desk.parent / f"ci-{len(list(self.desk.parent.iterdir()))}"
        git(self.desk.parent, "clone", "--quiet", *options, f"file://{self.remote}", str(folder))
        git(folder, "checkout", "--quiet", "--detach", tag)
        return folder

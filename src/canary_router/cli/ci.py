"""Verbs for continuous integration: ``ci classify``."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from canary_router import settings
from canary_router.cli.invocation import Invocation
from canary_router.cli.trouble import NO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_router.core.tags import Decision, Refusal

ci = typer.Typer(name="ci", help="From a tag to a version that may be deployed; for any CI.", no_args_is_help=True)

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def _commit_id(text: str | None) -> str | None:
    if text is not None and not _COMMIT.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not the full id of a commit: 40 hexadecimal digits.")
    return text


def _versions(tags: list[str] | None) -> list[str]:
    from canary_router.core.tags import tag_version

    for tag in tags or ():
        if tag_version(tag) is None:
            raise typer.BadParameter(f"{tag!r} cannot be compared: give tags such as v1.2.0 or v1.3.0-rc.1.")
    return tags or []


def _service_name(text: str) -> str:
    if text and not settings.NAME_PATTERN.fullmatch(text):
        raise typer.BadParameter(f"{text!r} is not the name of a service: lower-case letters, digits and dashes.")
    return text


Tag = Annotated[str, typer.Argument(help="The tag. Write -- before it: then no tag is taken for an option.")]
Repository = Annotated[Path, typer.Option(help="A clone with the tag checked out.", show_default=".")]
Remote = Annotated[str, typer.Option(help="The remote that has the last word about tags and branches.")]
ProductionBranch = Annotated[str, typer.Option(help="The branch whose vX.Y.Z go to production.")]
StagingBranch = Annotated[str, typer.Option(help="The branch whose vX.Y.Z-rc.N go to staging.")]
Commit = Annotated[
    str | None,
    typer.Option(help="The commit that the build was started for.", callback=_commit_id, show_default=False),
]
DeployedTags = Annotated[
    list[str] | None,
    typer.Option(
        "--deployed", help="A version deployed before; any number of times.", callback=_versions, show_default=False
    ),
]
Service = Annotated[
    str,
    typer.Option(
        help="The service whose versions are read, when --environment is given.",
        callback=_service_name,
        show_default=False,
    ),
]


@ci.callback()
def _verbs() -> None:
    """Keeps ``ci`` a group of verbs while it has only one."""


@ci.command()
def classify(
    context: typer.Context,
    tag: Tag,
    repository: Repository = Path(),
    remote: Remote = "origin",
    production_branch: ProductionBranch = "main",
    staging_branch: StagingBranch = "staging",
    commit: Commit = None,
    deployed: DeployedTags = None,
    service: Service = "",
) -> None:
    """Say whether a tag may be built, and for which stage.

    The branch is verified from the commit's ancestry, at the remote. The version must be above those deployed: name
    them, or give --environment and --service. The exit code is 1 when the tag is refused.

    \b
    Example:
      canary-router --output json ci classify --deployed v1.1.0 -- v1.2.0
    """
    from canary_router.core.tags import Asked

    call: Invocation = context.obj
    before = [*(deployed or ()), *_deployed_in_environment(call, service)]
    branches = (production_branch, staging_branch)
    decision, facts = _decide(tag, repository, remote, branches, Asked(commit or "", before))
    answer_decision(call, tag, decision, facts | {"compared_with": sorted(before)})


def _deployed_in_environment(call: Invocation, service: str) -> "Sequence[str]":
    if not call.chosen_environment:
        if service:
            raise typer.BadParameter("--service is for the versions of an environment: give --environment too.")
        return ()
    if not service:
        raise typer.BadParameter("An environment is named, so --service must say whose versions to read there.")
    from canary_router.flows.deployed import deployed_tags

    _, ports = call.ports()
    return deployed_tags(ports, service)


def _decide(tag: str, folder: Path, remote: str, branches: tuple[str, str], asked: Any) -> "tuple[Decision, Any]":
    from canary_router.adapters.git import GitRepository
    from canary_router.core.tags import Refused, Stage, classify, malformed, tag_version

    version = tag_version(tag)
    if version is None:  # git is never given a name that could be anything but a version
        return Refused((malformed(tag),)), {}
    named = dict(zip((Stage.PRODUCTION, Stage.STAGING), branches, strict=True))
    facts = GitRepository(folder, remote).facts(version, named)
    return classify(tag, facts, asked), {"commit": facts.commit, "annotated": facts.is_annotated}


def answer_decision(call: Invocation, tag: str, decision: "Decision", known: dict[str, Any]) -> None:
    """Prints a decision about a tag; a refusal ends the command with the exit code for "no"."""
    from canary_router.core.tags import Accepted

    if isinstance(decision, Accepted):
        words = f"{tag} goes to {decision.stage}: {decision.commit} of the branch {decision.branch}"
        if not known["compared_with"]:
            words += "\nIt was compared with no deployed version: name them with --deployed, or give --environment."
        document = {"accepted": True, "tag": tag, "stage": decision.stage.value, "branch": decision.branch}
        call.answer({**document, **known, "refusals": []}, lambda render: render.words(words))
        return
    answer_refusals(call, {"accepted": False, "tag": tag, **known}, decision.refusals)


def answer_refusals(call: Invocation, document: dict[str, Any], refusals: "Sequence[Refusal]") -> None:
    """Prints what was refused, and ends the command with the exit code for "no"."""
    reasons = [{"rule": it.rule, "problem": it.problem, "remedy": it.remedy} for it in refusals]
    lines = [f"{it.problem}. {it.remedy}" for it in refusals]
    call.answer({**document, "refusals": reasons}, lambda render: render.words("\n".join(["Refused.", *lines])))
    raise typer.Exit(NO)

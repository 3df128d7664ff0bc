"""Verbs for continuous integration: ``ci classify|pack|verify``."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from canary_router import settings
from canary_router.cli.invocation import Invocation
from canary_router.cli.trouble import NO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_router.core.manifest import Manifest
    from canary_router.core.tags import Asked, Decision, Refusal
    from canary_router.ports.delivery import Signer

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


def _not_empty(text: str | None) -> str | None:
    if text == "":  # an unset variable of a script's must not switch a check off
        raise typer.BadParameter("it is empty.")
    return text


def _stage_name(text: str | None) -> str | None:
    if text not in (None, "staging", "production"):
        raise typer.BadParameter(f"{text!r} is not a stage: give staging or production.")
    return text


def _service_name(text: str | None) -> str | None:
    if text is not None and not settings.NAME_PATTERN.fullmatch(text):
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
    str | None,
    typer.Option(
        help="The service; with --environment its versions there are read.", callback=_service_name, show_default=False
    ),
]
BuiltStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        help="The stage that is built for; a tag of the other one is refused.",
        callback=_stage_name,
        show_default=False,
    ),
]
NeededService = Annotated[str, typer.Option("--service", help="Name of the service.", callback=_service_name)]
Key = Annotated[str, typer.Option(help="KMS key that signs, an ARN or an alias: RSA, for signing and verifying.")]


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
    service: Service = None,
    stage: BuiltStage = None,
) -> None:
    """Say whether a tag may be built, and for which stage.

    The branch is verified from the commit's ancestry, at the remote. The version must be above those deployed: name
    them, or give --environment and --service. The exit code is 1 when the tag is refused.

    \b
    Example:
      canary-router --output json ci classify --deployed v1.1.0 -- v1.2.0
    """
    call: Invocation = context.obj
    if service and not call.chosen_environment:
        raise typer.BadParameter("--service is for the versions of an environment: give --environment too.")
    branches = (production_branch, staging_branch)
    asked = _asked(call, commit, deployed, service, stage)
    decision, facts = _decide(tag, repository, remote, branches, asked)
    _answer_decision(call, tag, decision, facts | {"compared_with": sorted(asked.deployed)})


@ci.command()
def pack(
    context: typer.Context,
    tag: Tag,
    service: NeededService,
    key: Key,
    out: Annotated[Path, typer.Option(help="The artifact, a ZIP file that is written.")],
    assembly: Annotated[
        Path | None, typer.Option(help="A built cloud assembly (cdk.out) that goes with it.", show_default=False)
    ] = None,
    lock: Annotated[
        list[str] | None, typer.Option(help="Path of a dependency lock in the commit.", show_default="uv.lock")
    ] = None,
    repository: Repository = Path(),
    remote: Remote = "origin",
    production_branch: ProductionBranch = "main",
    staging_branch: StagingBranch = "staging",
    commit: Commit = None,
    deployed: DeployedTags = None,
    stage: BuiltStage = None,
) -> None:
    """Make the signed artifact of a tag, once it is accepted as ci classify does.

    The same commit gives the same bytes. The answer has the key in the bucket at which the artifact belongs. The exit
    code is 1 when the tag is refused, or its commit cannot be packed.

    \b
    Example:
      canary-router ci pack --service transformer --key alias/releases --out a.zip -- v1.2.0
    """
    from canary_router.adapters.git import GitRepository
    from canary_router.artifacts import Packing
    from canary_router.artifacts import pack as packed_by
    from canary_router.core.tags import Refused

    call: Invocation = context.obj
    asked = _asked(call, commit, deployed, service, stage)
    decision, _ = _decide(tag, repository, remote, (production_branch, staging_branch), asked)
    if isinstance(decision, Refused):
        _answer_refusals(call, {"accepted": False, "tag": tag}, decision.refusals)
    packing = Packing(service, lock or ["uv.lock"], assembly)
    packed = packed_by(GitRepository(repository, remote), decision, packing, _signer(call, key), out)
    if isinstance(packed, Refused):
        _answer_refusals(call, {"accepted": False, "tag": tag}, packed.refusals)
    document = {"accepted": True, **_described(packed.manifest), "artifact": str(out), "artifact_sha256": packed.sha256}
    place = packed.manifest.object_key
    call.answer(document, lambda render: render.words(f"{out} is {service} {tag}; its place in the bucket is {place}"))


@ci.command()
def verify(
    context: typer.Context,
    artifact: Annotated[Path, typer.Argument(help="The artifact, or the folder that it was unpacked into.")],
    service: NeededService,
    stage: Annotated[
        str, typer.Option(help="The stage that is deployed: staging or production.", callback=_stage_name)
    ],
    key: Key,
    tag: Annotated[
        str | None, typer.Option(help="The tag that it must have.", callback=_not_empty, show_default=False)
    ] = None,
    commit: Annotated[
        str | None, typer.Option(help="The commit that it must be.", callback=_commit_id, show_default=False)
    ] = None,
    object_key: Annotated[
        str | None,
        typer.Option(
            help="Its key in the bucket, which must suit what it is.", callback=_not_empty, show_default=False
        ),
    ] = None,
    deployed: DeployedTags = None,
    into: Annotated[
        Path | None, typer.Option(help="Unpack it there, into a folder that is made.", show_default=False)
    ] = None,
) -> None:
    """Check an artifact before anything of it is used, and unpack it if it is good.

    Signature, checksums, service, stage, tag and place must be right, and with --environment or --deployed its version
    not below those deployed. The exit code is 1 when it is refused.

    \b
    Example:
      canary-router ci verify a.zip --service transformer --stage staging --key alias/releases --into work
    """
    from canary_router.artifacts import verify as verified_by
    from canary_router.core.manifest import Expected
    from canary_router.core.tags import Refused

    call: Invocation = context.obj
    before = {**dict.fromkeys(deployed or (), ""), **_deployed_in_environment(call, service)}
    expected = Expected(service, stage, before, tag=tag or "", commit=commit or "", object_key=object_key or "")
    verified = verified_by(artifact, _signer(call, key), expected, into)
    if isinstance(verified, Refused):
        _answer_refusals(call, {"accepted": False, "artifact": str(artifact)}, verified.refusals)
    manifest = verified.manifest
    document = {"accepted": True, **_described(manifest), "compared_with": sorted(before), "into": into and str(into)}
    line = f"{artifact} is {service} {manifest.tag} for {stage}, of the commit {manifest.commit}"
    call.answer(document, lambda render: render.words(line))


def _described(manifest: "Manifest") -> dict[str, Any]:
    return {
        "service": manifest.service,
        "tag": str(manifest.tag),
        "stage": manifest.tag.stage.value,
        "commit": manifest.commit,
        "object_key": manifest.object_key,
        "files": len(manifest.files),
        "locks": dict(manifest.locks),
        "refusals": [],
    }


def _signer(call: Invocation, key: str) -> "Signer":
    from botocore.config import Config

    from canary_router.adapters.aws.kms import KmsSigner

    # The adapter repeats calls, the client does not: docs/adr/0011-adapters-repeat-calls.md.
    once = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})
    return KmsSigner(call.session().client("kms", config=once), key)


def _asked(
    call: Invocation, commit: str | None, deployed: list[str] | None, service: str | None, stage: str | None
) -> "Asked":
    from canary_router.core.tags import Asked

    return Asked(commit or "", [*(deployed or ()), *_deployed_in_environment(call, service)], stage or "")


def _deployed_in_environment(call: Invocation, service: str | None) -> dict[str, str]:
    """Commits of the versions there, by tag; none unless an environment was named."""
    if not call.chosen_environment:
        return {}
    if not service:
        raise typer.BadParameter("An environment is named, so --service must say whose versions to read there.")
    from canary_router.flows.deployed import deployed_versions

    _, ports = call.ports()
    return deployed_versions(ports, service)


def _decide(tag: str, folder: Path, remote: str, branches: tuple[str, str], asked: "Asked") -> "tuple[Decision, Any]":
    from canary_router.adapters.git import GitRepository
    from canary_router.core.tags import Refused, Stage, classify, malformed, tag_version

    version = tag_version(tag)
    if version is None:  # git is never given a name that could be anything but a version
        return Refused((malformed(tag),)), {}
    named = dict(zip((Stage.PRODUCTION, Stage.STAGING), branches, strict=True))
    facts = GitRepository(folder, remote).facts(version, named)
    return classify(tag, facts, asked), {"commit": facts.commit, "annotated": facts.is_annotated}


def _answer_decision(call: Invocation, tag: str, decision: "Decision", known: dict[str, Any]) -> None:
    """Prints a decision about a tag; a refusal ends the command with the exit code for "no"."""
    from canary_router.core.tags import Accepted

    if isinstance(decision, Accepted):
        words = f"{tag} goes to {decision.stage}: {decision.commit} of the branch {decision.branch}"
        if not known["compared_with"]:
            words += "\nIt was compared with no deployed version: name them with --deployed, or give --environment."
        document = {"accepted": True, "tag": tag, "stage": decision.stage.value, "branch": decision.branch}
        call.answer({**document, **known, "refusals": []}, lambda render: render.words(words))
        return
    _answer_refusals(call, {"accepted": False, "tag": tag, **known}, decision.refusals)


def _answer_refusals(call: Invocation, document: dict[str, Any], refusals: "Sequence[Refusal]") -> NoReturn:
    """Prints what was refused, and ends the command with the exit code for "no"."""
    reasons = [{"rule": it.rule, "problem": it.problem, "remedy": it.remedy} for it in refusals]
    lines = [f"{it.problem}. {it.remedy}" for it in refusals]
    call.answer({**document, "refusals": reasons}, lambda render: render.words("\n".join(["Refused.", *lines])))
    raise typer.Exit(NO)

"""Everybody who could ask, and everything that they could ask for: three accounts, their services, and strangers."""

from collections.abc import Iterable
from typing import Any

from tests.infra import stacks
from tests.infra.iam.access import Place, Principal, World
from tests.infra.iam.deployed import REGION, Deployed
from tests.infra.iam.simulator import ANONYMOUS, Documents
from tests.infra.templates import Template

from canary_router import settings

DEV = "111111111111"
STRANGER = "444444444444"
OWN = ("staging/transformer", "production/transformer")
LOOKALIKES = (
    "staging/transformer-evil", "staging/x", "production/transformer2", "production/x", "other/transformer",
    "Staging/transformer", "x/staging/transformer", "transformer",
)  # fmt: skip
ABOUT_A_BUCKET = "s3:GetBucketVersioning, s3:GetBucketAcl, s3:GetBucketLocation"
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup", "cfn-exec")
STAGE_HAS = (
    *("store key", "project", "log", "verdict log", "pipeline", "question", "approval", "bus", "bus itself", "table"),
    *("other key", "other project", "other pipeline", "other bus", "table of another router"),
    *("own data key", "own other data key"),
    *(f"own {other}{stage} signing key" for other in ("", "other ") for stage in stacks.READERS),
    *(f"{leaf} of {service}" for service in ("transformer", "x") for leaf in ("latest", "current", "policy")),
)
"""What an administrator of the account may do anything with."""
NOT_WRITTEN = ("policy of another key", "trust of cdk bootstrap", "policy of a key")
"""Policies that are none of ours: what an account's key and the roles of ``cdk bootstrap`` have."""


def development(template: Template) -> Deployed:
    """The development account, with the names that the stages' options give to what is in it."""
    keys = {"Data": stacks.DATA_KEY, **{f"{it.capitalize()}Signing": arn for it, arn in stacks.SIGNING_KEYS.items()}}
    names = {f"Delivery{name}Key": arn.rpartition("/")[2] for name, arn in keys.items()}
    return Deployed(template, DEV, {**names, "DeliveryArtifacts": stacks.STAGING_OPTIONS.bucket})


def world(dev: Deployed, stages: dict[str, Deployed]) -> World:
    """All three accounts."""
    documents: Documents = {**dev.policies, **of_another_key()}
    principals, places = [*_builders(dev), *_strangers()], list(_of_development(dev))
    for stage, deployed in stages.items():
        documents |= deployed.policies
        documents[f"{NOT_WRITTEN[1]} {stage}"] = _account_may("sts:AssumeRole", deployed.account)
        documents[f"{NOT_WRITTEN[2]} {stage}"] = _account_may("kms:*", deployed.account, Resource="*")
        principals += _of_stage(stage, deployed)
        places += [*_in_stage(stage, deployed), *_others_of_stage(stage, deployed), *_as_its_own(stage, deployed, dev)]
    return World(principals, places, documents)


def _account_may(action: str, account: str, **more: Any) -> dict[str, Any]:
    allow = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": action, **more}
    return {"Version": "2012-10-17", "Statement": [allow]}


def _builders(dev: Deployed) -> Iterable[Principal]:
    projects = {
        kind: f"arn:aws:codebuild:{REGION}:{DEV}:project/transformer-{kind}"
        for kind in ("staging-tag", "production-tag", "pull-request")
    }
    yield _own("pull-request build", dev, "DeliveryPullRequestRole")
    for stage in stacks.READERS:
        yield _own(f"{stage} build", dev, f"Delivery{stage.capitalize()}TagRole")
        yield Principal.role(f"{stage} build with all rights", dev.made(f"Delivery{stage.capitalize()}TagRole"))
        yield _own(f"{stage} forwarding", dev, f"Delivery{stage.capitalize()}ForwardingRole")
    yield Principal.role("administrator", f"arn:aws:iam::{DEV}:role/admin")
    codebuild = "codebuild.amazonaws.com"
    for stage in stacks.READERS:
        yield Principal.service(f"CodeBuild for tags of {stage}", codebuild, projects[f"{stage}-tag"])
    yield Principal.service("CodeBuild for pull requests", codebuild, projects["pull-request"])
    yield Principal.service("CodeBuild for another project", codebuild, projects["production-tag"] + "-2")
    elsewhere = projects["production-tag"].replace(DEV, STRANGER)
    yield Principal.service("CodeBuild for another account", codebuild, elsewhere)
    for stage in stacks.READERS:
        rule = dev.made(f"Delivery{stage.capitalize()}Artifacts")
        yield Principal.service(f"EventBridge that forwards for {stage}", "events.amazonaws.com", rule)
        elsewhere = rule.replace(DEV, STRANGER)
        yield Principal.service(f"EventBridge of a stranger for {stage}", "events.amazonaws.com", elsewhere)
    yield Principal.service("EventBridge", "events.amazonaws.com", f"arn:aws:events:{REGION}:{DEV}:rule/x")
    yield Principal.service("Lambda", "lambda.amazonaws.com", f"arn:aws:lambda:{REGION}:{DEV}:function:x")
    yield Principal.service("S3's access logs", "logging.s3.amazonaws.com", f"arn:aws:s3:::{DEV}")
    yield Principal.service("CodePipeline", "codepipeline.amazonaws.com", f"arn:aws:codepipeline:{REGION}:{STRANGER}:x")


def _strangers() -> Iterable[Principal]:
    staging = stacks.READERS["staging"]
    yield Principal("anonymous", ANONYMOUS)
    yield Principal.role("a stranger", f"arn:aws:iam::{STRANGER}:role/admin")
    yield Principal.role("a similar name", staging + "-2")
    yield Principal.role("the name below a path", staging.replace("role/", "role/x/"))
    yield Principal.role("the name in another account", staging.replace("222222222222", STRANGER))


def of_another_key() -> Documents:
    """The policy of a key of the development account that is none of the delivery's."""
    return {NOT_WRITTEN[0]: _account_may("kms:*", DEV, Resource="*")}


def of_store(dev: Deployed) -> Iterable[Place]:
    """Bucket, objects and keys of the development account."""
    bucket = dev.made("DeliveryArtifacts")
    yield Place("artifacts", "bucket", bucket, DEV, f"policy {bucket}")
    for prefix in (*OWN, *LOOKALIKES):
        kind = "object" if prefix in OWN else "object elsewhere"
        yield Place(prefix, kind, f"{bucket}/{prefix}/v1/a", DEV, f"policy {bucket}")
    for name, kind, key in _keys(dev):
        yield Place(name, kind, key, DEV, f"policy {key}")
        yield Place(f"another {name}", kind, key + "2", DEV, NOT_WRITTEN[0])


def _keys(dev: Deployed) -> Iterable[tuple[str, str, str]]:
    """Name, kind and ARN of each key of the development account."""
    yield "data key", "data key", dev.made("DeliveryDataKey")
    for stage in stacks.READERS:
        yield f"{stage} signing key", "signing key", dev.made(f"Delivery{stage.capitalize()}SigningKey")


def _of_development(dev: Deployed) -> Iterable[Place]:
    yield from of_store(dev)
    kinds = {"staging-tag": "StagingTag", "production-tag": "ProductionTag", "pull-request": "PullRequest"}
    for kind, name in kinds.items():
        yield _role(f"{kind} role", dev.made(f"Delivery{name}Role"))
        yield Place(f"{kind} project", "project", dev.made(f"Delivery{name}Builds"), DEV)
        yield _log(f"{kind} log", dev.made(f"Delivery{name}Log"))
    for stage in stacks.READERS:
        yield _role(f"{stage} forwarding role", dev.made(f"Delivery{stage.capitalize()}ForwardingRole"))


STAGE_ROLES = {
    "source": "StageRolesSource", "deploy": "StageRolesDeploy", "pipeline": "StageRolesPipeline",
    "event": "StageRolesEvent", "verdict": "StageVerdictAnswersRole",
}  # fmt: skip


def _of_stage(stage: str, deployed: Deployed) -> Iterable[Principal]:
    for name, logical in STAGE_ROLES.items():
        yield _own(f"{stage} {name}", deployed, logical)
    yield Principal.role(f"{stage} source with all rights", deployed.made("StageRolesSource"))
    yield Principal.role(f"{stage} deploy with all rights", deployed.made("StageRolesDeploy"))
    yield Principal.role(f"{stage} administrator", f"arn:aws:iam::{deployed.account}:role/admin")
    project, rule = deployed.made("StageDeploy"), deployed.made("StageArtifacts")
    yield Principal.service(f"CodeBuild for {stage}", "codebuild.amazonaws.com", project)
    yield Principal.service(f"CodeBuild for another of {stage}", "codebuild.amazonaws.com", project + "-2")
    yield Principal.service(f"EventBridge for {stage}", "events.amazonaws.com", rule)
    yield Principal.service(f"EventBridge for another of {stage}", "events.amazonaws.com", rule + "-2")


def _in_stage(stage: str, deployed: Deployed) -> Iterable[Place]:
    place, options = f"{REGION}:{deployed.account}", stacks.STAGE_OPTIONS[stage]
    store, key = deployed.made("StageStore"), deployed.made("StageStoreKey")
    yield Place(f"{stage} store", "bucket", store, deployed.account, f"policy {store}")
    yield Place(
        f"{stage} copy", "object", f"{store}/transformer-{stage}/Artifact/a", deployed.account, f"policy {store}"
    )
    yield Place(f"{stage} store key", "data key", key, deployed.account, f"policy {key}")
    for name, logical in STAGE_ROLES.items():
        yield _role(f"{stage} {name} role", deployed.made(logical))
    for name in BOOTSTRAP_ROLES:
        role = f"cdk-{options.bootstrap_qualifier}-{name}-role-{deployed.account}-{REGION}"
        arn = f"arn:aws:iam::{deployed.account}:role/{role}"
        yield Place(f"{stage} bootstrap {name}", "role", arn, deployed.account, f"{NOT_WRITTEN[1]} {stage}")
    yield Place(f"{stage} project", "project", deployed.made("StageDeploy"), deployed.account)
    yield _log(f"{stage} log", deployed.made("StageLog"))
    yield _log(f"{stage} verdict log", deployed.made("StageVerdictAnswersLog"))
    pipeline = deployed.made("StagePipeline")
    yield Place(f"{stage} pipeline", "pipeline", pipeline, deployed.account)
    yield Place(f"{stage} question", "question", f"{pipeline}/Verdict/Verdict", deployed.account)
    yield Place(f"{stage} approval", "question", f"{pipeline}/Approval/Approval", deployed.account)
    for service in ("transformer", "x"):
        for leaf in ("latest", "current", "policy"):
            name = settings.parameter_name(options.router_environment, service, leaf)
            yield Place(
                f"{stage} {leaf} of {service}", "parameter", f"arn:aws:ssm:{place}:parameter{name}", deployed.account
            )
    for name in (options.router_environment, "other"):
        arn = f"arn:aws:dynamodb:{place}:table/{settings.table_name(name)}"
        yield Place(f"{stage} table" + " of another router" * (name == "other"), "table", arn, deployed.account)
    bus = f"arn:aws:events:{place}:event-bus/default"
    yield Place(f"{stage} bus", "bus", bus, deployed.account, f"policy {bus}")
    yield Place(f"{stage} bus itself", "bus itself", bus, deployed.account, f"policy {bus}")


def _others_of_stage(stage: str, deployed: Deployed) -> Iterable[Place]:
    """What is of the same kind as something that its roles may use."""
    bucket, bus = deployed.made("StageStore") + "2", f"arn:aws:events:{REGION}:{deployed.account}:event-bus/other"
    yield Place(f"{stage} other bucket", "bucket", bucket, deployed.account)
    yield Place(f"{stage} other object", "object elsewhere", f"{bucket}/a", deployed.account)
    key = deployed.made("StageStoreKey") + "2"
    yield Place(f"{stage} other key", "data key", key, deployed.account, f"{NOT_WRITTEN[2]} {stage}")
    yield Place(f"{stage} other project", "project", deployed.made("StageDeploy") + "2", deployed.account)
    yield Place(f"{stage} other pipeline", "pipeline", deployed.made("StagePipeline") + "2", deployed.account)
    yield Place(f"{stage} other bus", "bus", bus, deployed.account)


def _as_its_own(stage: str, deployed: Deployed, dev: Deployed) -> Iterable[Place]:
    """What is the development account's, as if it was the stage's own: then its roles' own policies alone decide."""
    bucket = dev.made("DeliveryArtifacts")
    for prefix in (*OWN, f"{stage}/transformer-evil", f"{stage}/x"):
        yield Place(f"{stage} own {prefix}", "own object", f"{bucket}/{prefix}/v1/a", deployed.account)
    yield Place(f"{stage} own artifacts", "bucket", bucket, deployed.account)
    for key_name, kind, key in _keys(dev):
        for name, arn in ((f"{stage} own {key_name}", key), (f"{stage} own other {key_name}", key + "2")):
            yield Place(name, kind, arn, deployed.account, f"{NOT_WRITTEN[2]} {stage}")


def _own(name: str, deployed: Deployed, logical: str) -> Principal:
    arn = deployed.made(logical)
    return Principal.role(name, arn, f"identity {arn}")


def _role(name: str, arn: str) -> Place:
    return Place(name, "role", arn, arn.split(":")[4], f"trust {arn}")


def _log(name: str, arn: str) -> Place:
    return Place(name, "log", arn.removesuffix("*") + "log-stream:build", arn.split(":")[4])

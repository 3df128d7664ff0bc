"""The policies of three accounts, asked by an evaluator of IAM: what the table allows is allowed, and nothing else."""

import re

import pytest
from tests.infra import stacks
from tests.infra.iam import cast, mutants
from tests.infra.iam.access import KINDS, Fact, World, read
from tests.infra.iam.deployed import Deployed
from tests.infra.templates import Template, as_list

DEVELOPMENT = r"""
pull-request build | logs:CreateLogStream, logs:PutLogEvents | pull-request log | all

CodeBuild for pull requests | sts:AssumeRole | pull-request role | all

{all_rights} | all but s3:PutObject, s3:ReplicateObject, s3:DeleteObject, s3:DeleteObjectVersion, \
               s3:ReplicateDelete | {objects} | TLS
{all_rights} | all              | artifacts   | TLS
{all_rights} | all              | data key, another data key, another staging signing key, \
               another production signing key | all
{all_rights} | all but kms:Sign | staging signing key, production signing key | all
{all_rights} | all but sts:AssumeRole, sts:AssumeRoleWithWebIdentity | staging-tag role, production-tag role, \
               pull-request role, staging forwarding role, production forwarding role | all
{all_rights} | all              | staging-tag project, production-tag project, pull-request project, \
               staging-tag log, production-tag log, pull-request log | all
"""

BUILDS = r"""
{stage} build | s3:PutObject                     | {stage}/transformer | TLS
{stage} build | kms:GenerateDataKey, kms:Decrypt | data key            | through S3
{stage} build | kms:Sign                         | {stage} signing key | all
{stage} build | logs:CreateLogStream, logs:PutLogEvents | {stage}-tag log | all
{stage} build with all rights | s3:PutObject, s3:ReplicateObject | {not_the_others} | TLS
{stage} build with all rights | kms:Sign         | {stage} signing key | all

CodeBuild for tags of {stage} | sts:AssumeRole   | {stage}-tag role    | all
"""
"""Of the one stage's build, whatever its role would let it do, nothing gets to the other stage."""
ALL_RIGHTS = "administrator, staging build with all rights, production build with all rights"

STAGE = r"""
{stage} source, {stage} source with all rights | s3:GetObject, s3:GetObjectVersion | {stage}/transformer | TLS
{stage} source, {stage} source with all rights | {about}     | artifacts   | TLS
{stage} source, {stage} source with all rights | kms:Decrypt | data key    | through S3
{stage} deploy, {stage} deploy with all rights | kms:Verify  | {stage} signing key | all

{stage} source   | s3:PutObject                                     | {stage} copy      | TLS
{stage} source   | kms:Encrypt, kms:GenerateDataKey, kms:Decrypt    | {stage} store key | all
{stage} deploy   | s3:GetObject, s3:GetObjectVersion                | {stage} copy      | TLS
{stage} deploy   | kms:Decrypt                                      | {stage} store key | all
{stage} deploy   | ssm:GetParameters                                | {parameters}      | all
{stage} deploy   | ssm:GetParameterHistory                          | {stage} latest of transformer | all
{stage} deploy   | dynamodb:GetItem, dynamodb:Query                 | {stage} table     | all
{stage} deploy   | logs:CreateLogStream, logs:PutLogEvents          | {stage} log       | all
{stage} deploy   | sts:AssumeRole                                   | {bootstrap}       | all
{stage} pipeline | sts:AssumeRole                                   | {stage} source role | all
{stage} pipeline | codebuild:StartBuild, codebuild:BatchGetBuilds   | {stage} project   | all
{stage} pipeline | {about}                                          | {stage} store     | TLS
{stage} pipeline | s3:GetObject, s3:GetObjectVersion, s3:PutObject  | {stage} copy      | TLS
{stage} pipeline | kms:Decrypt, kms:GenerateDataKey                 | {stage} store key | all
{stage} event    | codepipeline:StartPipelineExecution              | {stage} pipeline  | all
{stage} verdict  | codepipeline:GetPipelineState, codepipeline:ListActionExecutions | {stage} pipeline | all
{stage} verdict  | codepipeline:PutApprovalResult                   | {stage} question  | all
{stage} verdict  | ssm:GetParameters                                | {parameters}      | all
{stage} verdict  | dynamodb:Query                                   | {stage} table     | all
{stage} verdict  | logs:CreateLogStream, logs:PutLogEvents          | {stage} verdict log | all

{stage} source   | s3:GetObject, s3:GetObjectVersion                | {stage} own {stage}/transformer | all
{stage} source   | {about}                                          | {stage} own artifacts   | all
{stage} source   | kms:Decrypt                                      | {stage} own data key    | through S3
{stage} deploy   | kms:Verify                                       | {stage} own {stage} signing key | all

{rights} | all                                              | {stage} copy, {stage} store | TLS
{rights} | all                                              | {own_objects} | all
{rights} | all                                              | {stage_has}                 | all
{rights} | all                     | {stage} own artifacts, {stage} other bucket, {stage} other object | all
{rights} | all but sts:AssumeRole, sts:AssumeRoleWithWebIdentity | {stage_roles}          | all
{rights} | all but sts:AssumeRoleWithWebIdentity            | {all_bootstrap}             | all

{stage} forwarding, {all_rights} | events:PutEvents | {stage} bus | of new objects

EventBridge that forwards for {stage} | sts:AssumeRole | {stage} forwarding role | all
EventBridge for {stage} | sts:AssumeRole | {stage} event role    | all
CodeBuild for {stage}   | sts:AssumeRole | {stage} deploy role   | all
CodePipeline            | sts:AssumeRole | {stage} pipeline role | all
Lambda                  | sts:AssumeRole | {stage} verdict role  | all
"""

BOOTSTRAP = {
    "staging": ("deploy", "file-publishing"),
    "production": ("deploy", "file-publishing", "image-publishing", "lookup"),
}
RIGHTS = {
    "staging": ["a similar name", "the name below a path"],
    "production": [],
}
"""Who else has the rights of an administrator in a stage's account."""

Evaluated = tuple[set[Fact], dict[str, Fact | None]]
EQUIVALENT = {
    r"without the condition on aws:SourceAccount": "the ARN of the source has the account in it",
    r"^policy arn:aws:(s3|events).*: \* for [^*]*$": "a resource's policy is asked about that resource only",
    r"StageRolesPipeline: 0 sts:AssumeRole": "the source's trust names this role, which is enough in one account",
    r"-deploy: 6 sts:AssumeRole: with sts:\*": "the trust of the roles of cdk bootstrap allows nothing else",
    r"ForwardingRole: 0 events:PutEvents: with events:\*": "the bus in the other account allows nothing else",
    r"event-bus/default: 0 events:PutEvents: with events:\*": "no other request carries an event's source",
    r"codepipeline:PutApprovalResult: with codepipeline:\*": "nothing else can be done with an action of a pipeline",
}
"""Mutants that allow and refuse the same, with the reason."""


def table() -> str:
    objects = (*cast.OWN, *cast.LOOKALIKES)
    rows = [DEVELOPMENT.format(objects=", ".join(objects), all_rights=ALL_RIGHTS)]
    for stage, other in zip(stacks.READERS, reversed(stacks.READERS), strict=True):
        mine = [it for it in objects if not it.startswith(f"{other}/")]
        rows.append(BUILDS.format(stage=stage, not_the_others=", ".join(mine)))
        names = {
            "about": cast.ABOUT_A_BUCKET,
            "parameters": [f"{leaf} of transformer" for leaf in ("latest", "current", "policy")],
            "bootstrap": [f"bootstrap {name}" for name in BOOTSTRAP[stage]],
            "all_bootstrap": [f"bootstrap {name}" for name in cast.BOOTSTRAP_ROLES],
            "stage_roles": [f"{name} role" for name in cast.STAGE_ROLES],
            "stage_has": cast.STAGE_HAS,
            "own_objects": [f"own {prefix}" for prefix in (*cast.OWN, f"{stage}/transformer-evil", f"{stage}/x")],
            "rights": ["administrator", "source with all rights", "deploy with all rights"],
        }
        full = {
            name: it if isinstance(it, str) else ", ".join(f"{stage} {part}" for part in it)
            for name, it in names.items()
        }
        full["rights"] = ", ".join([full["rights"], *RIGHTS[stage]])
        rows.append(STAGE.format(stage=stage, all_rights=ALL_RIGHTS, **full))
    return "\n".join(rows)


@pytest.fixture(scope="module")
def world(delivery: Template, stages: dict[str, Template]) -> World:
    accounts = {stage: role.split(":")[4] for stage, role in stacks.READERS.items()}
    deployed = {stage: Deployed(template, accounts[stage]) for stage, template in stages.items()}
    return cast.world(cast.development(delivery), deployed)


@pytest.fixture(scope="module")
def evaluated(world: World) -> Evaluated:
    """What is allowed, and a fact that each mutant of a policy would change."""
    written = {name: policy for name, policy in world.documents.items() if not name.startswith(cast.NOT_WRITTEN)}
    changed = {f"{name}: {what}": (name, it) for name, policy in written.items() for what, it in mutants.of(policy)}
    allowed, noticed = world.evaluated(list(changed.values()))
    return allowed, dict(zip(changed, noticed, strict=True))


def test_everybody_may_do_what_the_table_says_and_nothing_else(world: World, evaluated: Evaluated) -> None:
    allowed, expected = evaluated[0], read(table(), world)
    assert (sorted(allowed - expected), sorted(expected - allowed)) == ([], [])


def test_each_weaker_or_stricter_policy_is_noticed(evaluated: Evaluated) -> None:
    assert len(evaluated[1]) > 200
    survivors = [mutant for mutant, fact in evaluated[1].items() if fact is None]
    explained = {mutant: [pattern for pattern in EQUIVALENT if re.search(pattern, mutant)] for mutant in survivors}
    assert [mutant for mutant, patterns in explained.items() if not patterns] == []
    assert {pattern for patterns in explained.values() for pattern in patterns} == set(EQUIVALENT)


def test_every_action_that_a_policy_names_is_asked_about(world: World) -> None:
    asked = {action for kind in KINDS.values() for action in kind.actions.split()}
    statements = [statement for policy in world.documents.values() for statement in policy["Statement"]]
    named = {action for statement in statements for action in as_list(statement["Action"])}
    assert {it for it in named if "*" not in it} - asked == set()

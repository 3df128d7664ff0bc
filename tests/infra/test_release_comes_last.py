"""A version's stack: its tags, and a release as the last act of its deployment and the first of its removal."""

from tests.infra.templates import Template, shown

from canary_router.cdk.release import RESOURCE_TYPE


def test_the_release_waits_for_everything_else_in_the_stack_whatever_the_order_in_the_source(
    version: Template,
) -> None:
    (release,) = version.named(RESOURCE_TYPE)
    others = set(version.document["Resources"]) - {release}
    resource = version.resource(release)
    assert "AWS::SNS::Topic" in {version.resource(name)["Type"] for name in others}
    # What the stack's metadata says is no part of the version.
    assert others - {"CDKMetadata"} <= set(resource["DependsOn"])


def test_nothing_waits_for_the_release(version: Template) -> None:
    (release,) = version.named(RESOURCE_TYPE)
    others = {name: resource for name, resource in version.document["Resources"].items() if name != release}
    assert release not in str(others)


def test_the_release_says_which_version_of_which_service_it_is(version: Template) -> None:
    release = version.one(RESOURCE_TYPE)
    assert {name: shown(release[name]) for name in ("Service", "Version", "Environment", "PipelineArn")} == {
        "Service": "transformer",
        "Version": "v1.3.0-rc.1",
        "Environment": "staging",
        "PipelineArn": "<PipelineFunction.Arn>",
    }


def test_the_release_is_served_by_the_routers_function_which_is_known_by_its_name_alone(version: Template) -> None:
    release = version.one(RESOURCE_TYPE)
    assert shown(release["ServiceToken"]) == (
        "arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function:canary-router-staging-release"
    )
    assert "Fn::ImportValue" not in version.text


def test_the_release_is_waited_for_until_lambda_has_called_the_function_for_the_third_time_and_not_for_an_hour(
    version: Template, router: Template
) -> None:
    (function,) = (it for it in router.all("AWS::Lambda::Function") if shown(it["FunctionName"]).endswith("-release"))
    between_calls = 60 + 120
    until_the_last_answer = 3 * int(function["Timeout"]) + between_calls
    assert until_the_last_answer < int(version.one(RESOURCE_TYPE)["ServiceTimeout"]) <= 600


def test_the_release_can_be_removed(version: Template) -> None:
    (release,) = version.named(RESOURCE_TYPE)
    assert version.resource(release)["DeletionPolicy"] == "Delete"


def test_what_belongs_to_a_version_is_tagged_with_it(version: Template) -> None:
    expected = {
        "canary-router:environment": "staging",
        "canary-router:service": "transformer",
        "canary-router:version": "v1.3.0-rc.1",
    }
    for kind in ("AWS::Lambda::Function", "AWS::IAM::Role", "AWS::StepFunctions::StateMachine", "AWS::SNS::Topic"):
        tagged = version.all(kind)
        assert tagged
        for properties in tagged:
            assert {tag["Key"]: tag["Value"] for tag in properties["Tags"]} == expected

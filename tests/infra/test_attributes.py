"""What stacks publish and read: in templates, with names that are told when they are wrong."""

import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs
from tests.infra import published
from tests.infra.templates import Template, shown

from canary_router import settings
from canary_router.cdk import Discover, Publish
from canary_router.errors import ConfigurationError

PARAMETER, SERVICE = "AWS::SSM::Parameter", "AWS::ServiceDiscovery::Service"
NAMESPACE, INSTANCE = "AWS::ServiceDiscovery::HttpNamespace", "AWS::ServiceDiscovery::Instance"
VALUE = "AWS::SSM::Parameter::Value<String>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    app = cdk.App(outdir=str(folder))
    for environment in ("staging", "production"):
        published.build(app, environment)
    app.synth()
    return folder


@pytest.fixture(scope="module")
def publisher(folder: Path) -> Template:
    return Template.read(folder, "publisher-staging")


@pytest.fixture(scope="module")
def reader(folder: Path) -> Template:
    return Template.read(folder, "reader-staging")


def read(template: Template) -> dict[str, str]:
    """Logical ids of what a template reads from SSM, by the parameter's name."""
    parameters = template.document.get("Parameters", {}).items()
    return {it["Default"]: name for name, it in parameters if it["Type"] == VALUE}


def test_each_attribute_is_a_parameter_of_its_own_and_one_of_an_instance_in_cloud_map(publisher: Template) -> None:
    values = {name: shown(it["Value"]) for name, it in publisher.by(PARAMETER, "Name").items()}
    root = "/canary-router/staging/attributes"
    assert values.pop(f"{root}/namespace/id") == "<PublishedNamespace.Id>"
    published_values = {name.removeprefix(f"{root}/shared/"): value for name, value in values.items()}
    assert published_values == {
        "queue_arn": "<Queue.Arn>",
        "colour": "blue",
        "place": "the queue <Queue.QueueName>",
    }
    instance = publisher.one(INSTANCE)
    assert {name: shown(value) for name, value in instance["InstanceAttributes"].items()} == published_values
    assert (instance["InstanceId"], shown(instance["ServiceId"])) == ("shared", "<PublishedService.Id>")
    service = publisher.one(SERVICE)
    assert (service["Name"], shown(service["NamespaceId"])) == ("shared", "<PublishedNamespace.Id>")
    assert publisher.one(NAMESPACE)["Name"] == "canary-router-staging"


def test_who_comes_later_finds_the_namespace_as_it_finds_everything_else(reader: Template) -> None:
    assert reader.all(NAMESPACE) == []
    namespace = read(reader)["/canary-router/staging/attributes/namespace/id"]
    assert reader.one(SERVICE)["NamespaceId"] == {"Ref": namespace}


def test_an_attribute_that_is_read_twice_is_one_parameter_that_says_whose_it_is(reader: Template) -> None:
    found = read(reader)
    colour = found["/canary-router/staging/attributes/shared/colour"]
    attributes = reader.one(INSTANCE)["InstanceAttributes"]
    assert (attributes["colour"], attributes["again"]) == ({"Ref": colour}, {"Ref": colour})
    description = reader.document["Parameters"][colour]["Description"]
    assert description == "'colour' of the stack 'shared' in 'staging', which publishes it"


def test_the_stacks_neither_export_nor_import_nor_depend_on_each_other(folder: Path) -> None:
    for stack in ("publisher-staging", "reader-staging"):
        text = (folder / f"{stack}.template.json").read_text()
        assert "Fn::ImportValue" not in text
        assert '"Export"' not in text
    manifest = json.loads((folder / "manifest.json").read_text())["artifacts"]
    assert not {it for it in manifest["reader-staging"]["dependencies"] if it.startswith("publisher")}


def test_two_environments_in_one_account_read_and_publish_under_names_of_their_own(folder: Path) -> None:
    names: dict[str, set[str]] = {}
    for environment in ("staging", "production"):
        both = [Template.read(folder, f"{stack}-{environment}") for stack in ("publisher", "reader")]
        names[environment] = {
            *(name for template in both for name in template.by(PARAMETER, "Name")),
            *(name for template in both for name in read(template)),
            *(space["Name"] for template in both for space in template.all(NAMESPACE)),
        }
    assert {len(found) for found in names.values()} == {9}
    assert names["staging"] & names["production"] == set()


def test_a_router_is_found_by_other_stacks_as_it_is_by_applications(router: Template) -> None:
    values = {name: shown(it["Value"]) for name, it in router.by(PARAMETER, "Name").items()}
    instance = router.one(INSTANCE)["InstanceAttributes"]
    for attribute in ("endpoint", "api_key_secret"):
        assert values[f"/canary-router/staging/attributes/router/{attribute}"] == shown(instance[attribute])


def publish(**changed: object) -> None:
    names: dict[str, object] = {"environment": "staging", "stack": "shared", "attributes": {"a": "b"}} | changed
    Publish(cdk.Stack(cdk.App(), "Stack"), "Published", **names)  # type: ignore[arg-type] # wrong ones are the point


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"environment": "Staging"}, "'Staging' is not the name of an environment"),
        ({"stack": "s"}, "'s' is not a name under which a stack can publish"),
        ({"stack": "my_stack"}, "'my_stack' is not a name under which"),
        ({"stack": "x" * 64}, "is not a name under which"),
        ({"stack": "router"}, "'router' is taken"),
        ({"stack": "namespace"}, "'namespace' is taken"),
        ({"attributes": {}}, "publishes 0 attributes; Cloud Map takes 1 to 30"),
        ({"attributes": {f"a{n}": "b" for n in range(31)}}, "publishes 31 attributes; Cloud Map takes 1 to 30"),
        ({"attributes": {"Bucket": "b"}}, "'Bucket' is not the name of an attribute"),
        ({"attributes": {"a/b": "b"}}, "'a/b' is not the name of an attribute"),
        ({"attributes": {"x" * 101: "b"}}, "is not the name of an attribute"),
        ({"attributes": {"latest": "b"}}, "'latest' is not a name for an attribute: the router watches"),
        ({"attributes": {"bucket": ""}}, "The attribute 'bucket' of the stack 'shared' is ''"),
        ({"attributes": {"count": 3}}, "The attribute 'count' of the stack 'shared' is 3"),
        ({"attributes": {"long": "x" * 1025}}, "'long' of the stack 'shared' has 1025 characters; Cloud Map takes"),
        ({"attributes": {f"a{n}": "x" * 1000 for n in range(5)}}, "publishes 5010 characters, names included"),
        ({"attributes": {"key": "{{resolve:ssm:/a}}"}}, "'key' of the stack 'shared' holds a dynamic reference"),
    ],
)
def test_what_ssm_or_cloud_map_would_refuse_is_refused_at_synthesis_by_name(
    changed: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as refusal:
        publish(**changed)
    assert refusal.value.advice


def test_a_secrets_value_is_not_published_though_it_stands_behind_a_token() -> None:
    key = cdk.SecretValue.secrets_manager("the-key").unsafe_unwrap()
    with pytest.raises(ConfigurationError, match="'key' of the stack 'shared' holds a dynamic reference"):
        publish(attributes={"key": f"key={key}"})


def test_the_longest_names_and_values_that_are_taken() -> None:
    publish(
        environment="e" * 40,
        stack="S" * 63,
        attributes={"x" * 100: "y" * 1024, **{f"a{n:02}": "z" * 132 for n in range(28)}, "last": "z" * 92},
    )


def test_a_value_that_is_known_at_deployment_only_is_not_measured_by_its_token() -> None:
    stack = cdk.Stack(cdk.App(), "Stack")
    names = "".join(sqs.Queue(stack, f"Queue{n}").queue_name for n in range(60))
    assert len(names) > 1024
    attributes = {f"queues_{n}": names for n in range(5)}
    assert 5 * len(names) > 5000
    Publish(stack, "Published", environment="staging", stack="shared", attributes=attributes)


@pytest.mark.parametrize(
    ("environment", "stack", "attribute", "message"),
    [
        ("Staging", "shared", "bucket", "'Staging' is not the name of an environment"),
        ("staging", "a/b", "bucket", "'a/b' is not a name under which a stack can publish"),
        ("staging", "shared", "Bucket", "'Bucket' is not the name of an attribute"),
    ],
)
def test_what_nobody_can_have_published_is_not_looked_for(
    environment: str, stack: str, attribute: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Discover(cdk.Stack(cdk.App(), "Stack"), "Found", environment=environment, stack=stack)[attribute]


def test_a_parameters_name_says_whose_attribute_it_is_and_no_services_parameter_does() -> None:
    name = settings.attribute_parameter_name("staging", "shared", "bucket")
    assert settings.published_attribute(name) == ("staging", "shared", "bucket")
    for leaf in ("current", "latest", "policy"):
        assert settings.published_attribute(settings.parameter_name("staging", "attributes", leaf)) is None

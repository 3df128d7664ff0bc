"""Publish and Discover on an emulator: in any sensible order, with an error that names what is missing in another."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from canary_router import preflight, settings
from canary_router.client.attributes import published
from canary_router.errors import AccessRefused, ConfigurationError, InvalidInput, NotPublished, Unavailable
from canary_router.local.record import Emulator
from canary_router.local.toolchain import node_environment

ROOT = Path(__file__).parents[2]
ENVIRONMENT = "loosely-coupled"
PUBLISHER, READER = f"publisher-{ENVIRONMENT}", f"reader-{ENVIRONMENT}"
SECONDS = 30


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    command = [sys.executable, "-m", "tests.infra.published", str(folder), ENVIRONMENT]
    environment = os.environ | node_environment()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def session(emulator: Emulator) -> Iterator[boto3.Session]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.client_environment().items():
            patch.setenv(name, value)
        yield boto3.Session()


def template(templates: Path, stack: str) -> Path:
    return templates / f"{stack}.template.json"


def deploy(session: boto3.Session, templates: Path, stack: str) -> None:
    formation = session.client("cloudformation")
    formation.create_stack(StackName=stack, TemplateBody=template(templates, stack).read_text())
    assert end_of(formation, stack) == "CREATE_COMPLETE"


def delete(session: boto3.Session, stack: str) -> None:
    formation = session.client("cloudformation")
    arn = formation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    formation.delete_stack(StackName=stack)
    assert end_of(formation, arn) == "DELETE_COMPLETE"


def end_of(formation: Any, stack: str) -> str:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        status = str(formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.1)
    pytest.fail(f"{stack} was not done after {SECONDS} s")


@pytest.fixture
def nothing(session: boto3.Session) -> Iterator[None]:
    """None of the stacks, before and after."""
    formation = session.client("cloudformation")
    yield
    for stack in (READER, PUBLISHER):
        try:
            formation.describe_stacks(StackName=stack)
        except ClientError:
            continue
        delete(session, stack)


@pytest.mark.usefixtures("nothing")
def test_what_a_stack_has_published_another_one_is_deployed_with_and_running_code_finds(
    session: boto3.Session, templates: Path
) -> None:
    deploy(session, templates, PUBLISHER)
    assert preflight.missing(template(templates, READER), session) == []
    deploy(session, templates, READER)

    queue = f"shared-queue-{ENVIRONMENT}"
    arn = f"arn:aws:sqs:{session.region_name}:000000000000:{queue}"
    assert published(ENVIRONMENT, "shared", session) == {
        "queue_arn": arn,
        "colour": "blue",
        "place": f"the queue {queue}",
    }
    seen = {"seen": f"the queue {queue}", "colour": "blue", "arn": arn, "again": "blue"}
    assert published(ENVIRONMENT, "reader", session) == seen
    for name, value in seen.items():
        parameter = settings.attribute_parameter_name(ENVIRONMENT, "reader", name)
        found = session.client("ssm").get_parameter(Name=parameter)["Parameter"]
        assert (found["Type"], found["Value"]) == ("String", value)


@pytest.mark.usefixtures("nothing")
def test_a_stack_that_comes_too_early_is_refused_by_the_name_of_what_is_missing_and_leaves_nothing(
    session: boto3.Session, templates: Path
) -> None:
    with pytest.raises(ClientError, match=f"/canary-router/{ENVIRONMENT}/attributes/") as refusal:
        deploy(session, templates, READER)
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="does not exist"):
        session.client("cloudformation").describe_stacks(StackName=READER)
    deploy(session, templates, PUBLISHER)
    deploy(session, templates, READER)


@pytest.mark.usefixtures("nothing")
def test_a_look_before_the_deployment_names_each_missing_attribute_its_stack_and_the_remedy(
    session: boto3.Session, templates: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = f"/canary-router/{ENVIRONMENT}/attributes"
    found = preflight.missing(template(templates, READER), session)
    wanted = [("namespace", "id"), ("shared", "colour"), ("shared", "place"), ("shared", "queue_arn")]
    assert [(it.environment, it.stack, it.attribute) for it in found] == [(ENVIRONMENT, *it) for it in wanted]
    assert str(found[1]) == (
        f"The stack 'shared' has not published 'colour' in the environment '{ENVIRONMENT}': "
        f"it is not in SSM, as {root}/shared/colour"
    )
    assert found[1].advice.startswith(f"Deploy the stack 'shared' of '{ENVIRONMENT}' first")
    assert preflight.main([str(template(templates, READER))]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.endswith("are the ones you mean.") for line in lines] == [True] * 4
    assert preflight.main([str(template(templates, PUBLISHER))]) == 0


@pytest.mark.usefixtures("nothing")
def test_running_code_is_told_which_attribute_or_stack_is_missing_and_where(
    session: boto3.Session, templates: Path
) -> None:
    with pytest.raises(NotPublished, match=f"'shared' has not published anything in the environment '{ENVIRONMENT}'"):
        published(ENVIRONMENT, "shared", session)
    deploy(session, templates, PUBLISHER)
    with pytest.raises(
        NotPublished, match=rf"'shared' has not published 'size'.*namespace 'canary-router-{ENVIRONMENT}'"
    ):
        published(ENVIRONMENT, "shared", session)["size"]
    with pytest.raises(NotPublished, match="'search' has not published anything"):
        published(ENVIRONMENT, "search", session)
    with pytest.raises(NotPublished, match="'shared' has not published anything in the environment 'another'"):
        published("another", "shared", session)


def test_more_attributes_than_ssm_takes_at_once_are_all_looked_for(tmp_path: Path) -> None:
    names = [settings.attribute_parameter_name("staging", "shared", f"a{n:02}") for n in range(21)]
    kind = "AWS::SSM::Parameter::Value<String>"
    file = tmp_path / "it.template.json"
    others = {"Bootstrap": {"Type": kind, "Default": "/cdk-bootstrap/version"}, "Plain": {"Type": "String"}}
    wanted = {f"P{n}": {"Type": kind, "Default": name} for n, name in enumerate(names)}
    file.write_text(json.dumps({"Parameters": others | wanted}))
    # Unlike the emulator, moto refuses more than AWS takes.
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="s", region_name="eu-west-1")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
            ssm = session.client("ssm")
            with pytest.raises(ClientError, match="less than or equal to 10"):
                ssm.get_parameters(Names=names)
            ssm.put_parameter(Name=names[15], Value="there", Type="String")
            found = preflight.missing(file, session)
    finally:
        server.stop()
    assert [it.attribute for it in found] == [f"a{n:02}" for n in range(21) if n != 15]


@pytest.mark.parametrize("text", ["", "[]", '{"Parameters": {"A": {}}}', '{"Parameters": {"A": {"Type": 1}}}'])
def test_a_file_that_is_no_template_is_named(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "it.template.json"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=str(file)):
        preflight.missing(file, boto3.Session(region_name="eu-west-1"))
    assert preflight.main([str(file)]) == 2
    assert preflight.main([str(tmp_path / "absent")]) == 2
    assert preflight.main([]) == 2
    assert "python -m canary_router.preflight TEMPLATE..." in capsys.readouterr().err


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> boto3.Session:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return boto3.Session(aws_access_key_id="a", aws_secret_access_key="s", region_name="eu-west-1")


@pytest.fixture
def no_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)


def test_ssm_that_does_not_answer_is_no_answer_that_all_is_well(templates: Path, nobody_there: boto3.Session) -> None:
    with pytest.raises(Unavailable, match="/shared/colour") as trouble:
        preflight.missing(template(templates, READER), nobody_there)
    assert "ssm:GetParameters" in trouble.value.advice


@pytest.mark.usefixtures("no_region")
def test_a_look_without_a_region_says_what_to_set(templates: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main([str(template(templates, READER))]) == 3
    assert "AWS_DEFAULT_REGION" in capsys.readouterr().err


def test_running_code_is_told_when_cloud_map_does_not_answer(nobody_there: boto3.Session) -> None:
    with pytest.raises(Unavailable, match="'shared' of 'staging' has published cannot be looked up"):
        published("staging", "shared", nobody_there)


@pytest.mark.usefixtures("no_region")
def test_running_code_without_a_region_is_told_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="'shared' of 'staging'") as trouble:
        published("staging", "shared", boto3.Session(aws_access_key_id="a", aws_secret_access_key="s"))
    assert "AWS_DEFAULT_REGION" in trouble.value.advice


def test_running_code_that_may_not_ask_is_told_which_permission_it_needs(
    session: boto3.Session, emulator: Emulator
) -> None:
    user = session.client("iam")
    user.create_user(UserName="asks-nothing")
    key = user.create_access_key(UserName="asks-nothing")["AccessKey"]
    stranger = boto3.Session(
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        region_name=emulator.region,
    )
    with pytest.raises(AccessRefused, match="'shared' of 'staging'") as trouble:
        published("staging", "shared", stranger)
    assert "servicediscovery:DiscoverInstances" in trouble.value.advice

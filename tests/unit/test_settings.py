import pytest

from canary_router import settings
from canary_router.core.model import Version
from canary_router.core.pointers import version_of
from canary_router.errors import ConfigurationError
from canary_router.settings import Settings


def test_names_are_the_contracts() -> None:
    assert settings.parameter_name("staging", "transformer", "latest") == "/canary-router/staging/transformer/latest"
    assert settings.table_name("staging") == "canary-router-staging"
    assert settings.stack_name("transformer", "v1.3.0-rc.1") == "transformer-v1-3-0-rc-1"
    assert settings.pipeline_function_name("transformer", "v1.2.0") == "transformer-v1-2-0-pipeline"


@pytest.mark.parametrize("service", ["etl-v1-0-0", "etl-v1-0-0-x", "a-b-v10-2-30-c"])
def test_a_service_whose_stacks_could_be_taken_for_another_services_versions_is_told(service: str) -> None:
    other, _, _ = service.partition("-v")
    function = f"arn:aws:lambda:eu-west-1:123456789012:function:{settings.pipeline_function_name(service, 'v2.0.0')}"
    taken_for = version_of(other, function)
    assert taken_for is not None
    assert taken_for.tag.startswith("v1")
    assert settings.has_slug(service)


@pytest.mark.parametrize("service", ["etl", "etl-v1", "etl-v1-0", "etl-v1-0-x", "etl-v1-0-0x", "etl-x1-0-0", "v1-0-0"])
def test_a_service_whose_stacks_nobody_takes_for_another_services_is_a_fine_one(service: str) -> None:
    assert not settings.has_slug(service)
    function = settings.pipeline_function_name(service, "v2.0.0")
    arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{function}"
    others = [service[:place] for place in range(1, len(service)) if service[place] == "-"]
    # Known by the function's name: it is no version by the contract's names.
    assert {version_of(other, arn) for other in others} <= {Version(arn, function)}


def test_the_lease_outlives_the_function_that_holds_it_and_the_grace_time_every_pipeline() -> None:
    assert settings.LEASE_SECONDS > settings.OUTCOME_TIMEOUT
    assert settings.GRACE_SECONDS > 900


def test_a_function_reads_its_settings_from_its_environment() -> None:
    env = {settings.ENV_ENVIRONMENT: "staging", settings.ENV_SERVICES: "a1,b2", settings.ENV_POINTER_TTL: "0"}
    assert Settings.from_env(env) == Settings("staging", ("a1", "b2"), pointer_ttl=0, grace=settings.GRACE_SECONDS)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, settings.ENV_ENVIRONMENT),
        ({settings.ENV_ENVIRONMENT: "Staging!"}, settings.ENV_ENVIRONMENT),
        ({settings.ENV_ENVIRONMENT: "staging", settings.ENV_GRACE: "soon"}, settings.ENV_GRACE),
        ({settings.ENV_ENVIRONMENT: "staging", settings.ENV_POINTER_TTL: "-1"}, settings.ENV_POINTER_TTL),
        ({settings.ENV_ENVIRONMENT: "staging", settings.ENV_POINTER_TTL: "nan"}, settings.ENV_POINTER_TTL),
    ],
)
def test_a_setting_that_is_wrong_is_named(env: dict[str, str], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_env(env)

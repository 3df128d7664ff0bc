"""The function that retires old versions, with its own role: it may do what its flow does."""

import json

from tests.e2e.deployed import ENVIRONMENT, SERVICE, Deployed, wait_until

from canary_router import settings
from canary_router.adapters.aws.stacks import CloudFormationStacks, StepFunctionsActivities
from canary_router.core.retirement import Rules
from canary_router.flows.retired import retirements
from canary_router.flows.retiring import Place, planned

NAME = settings.function_name(ENVIRONMENT, "prune")


def test_versions_that_drain_stay_and_old_ones_are_deleted_by_the_scheduled_function(router: Deployed) -> None:
    assert invoked(router) == {}, "all were deployed a moment ago, and drain for 14 days"
    stacks = CloudFormationStacks(router.client("cloudformation"))
    activities = StepFunctionsActivities(router.client("stepfunctions"))
    place = Place(router.ports, stacks, activities, ENVIRONMENT, SERVICE, Rules(keep=0, drain=0))
    wait_until(lambda: not any(it.reason == "a job of it runs" for it in planned(place)))  # of the tests before
    plan = planned(place)
    going = {it.stack.name for it in plan if it.goes}
    assert going
    assert "batch-v1-0-0" not in going

    functions = router.client("lambda")
    variables = functions.get_function_configuration(FunctionName=NAME)["Environment"]["Variables"]
    changed = {**variables, settings.ENV_DRAIN: "0"}  # the construct would refuse it; nobody waits for 14 days here
    functions.update_function_configuration(FunctionName=NAME, Environment={"Variables": changed})
    done = {name: state for name, state in invoked(router).items() if name.startswith(f"{SERVICE}-v")}
    assert done == dict.fromkeys(going, "RETIRED"), "beside those of other services"
    assert {it.stack.name for it in planned(place)} == {it.stack.name for it in plan} - going
    assert {(it.stack, it.who) for it in retirements(router.ports.ledger, SERVICE)} == {(name, NAME) for name in going}
    assert router.submit().document["version"] == "v1.0.0"


def invoked(router: Deployed) -> dict[str, str]:
    answer = router.client("lambda").invoke(FunctionName=NAME, Payload=b"{}")
    result: dict[str, str] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, result
    return result

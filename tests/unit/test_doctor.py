"""A check-up: each thing that can be wrong is found by its check, told with its remedy, and by no other check."""

import pytest
from tests.unit.cli_desk import Person
from tests.unit.world import SERVICE, World, arn

from canary_router.adapters.memory import MemoryCaller, MemoryDoor, MemoryRights
from canary_router.core.model import ReleaseState
from canary_router.core.orders import Order, OrderKind
from canary_router.errors import AccessRefused, ConfigurationError, NotFound, Unavailable
from canary_router.flows.orders import give_order
from canary_router.ports.operation import Function, MissingRight, Throttle

Capsys = pytest.CaptureFixture[str]
ROUTER = "canary-router-test-request"
RIGHT = MissingRight("ssm:PutParameter", "/canary-router/test/transformer/latest", "release")


def serving() -> World:
    """A router with v1.0.0 current and v1.1.0 turned away: both parameters are there."""
    world = World()
    world.reconcile()
    world.pointers.put(SERVICE, "latest", "none", "")
    return world


def person(world: World, capsys: Capsys) -> Person:
    made = Person(world, capsys)
    made.functions.known[ROUTER] = Function(ROUTER, variables={"CANARY_ROUTER_SERVICES": SERVICE})
    return made


def found(patient: Person) -> dict[str, list[str]]:
    """What was found, by check: findings and remedies."""
    seen = patient.gets("doctor", code=1)
    assert seen["healthy"] is False
    return {
        it["check"]: [f"{one['service'] or 'router'}: {one['text']} -> {one['remedy']}" for one in it["findings"]]
        for it in seen["checks"]
        if it["state"] == "trouble"
    }


def only(patient: Person, check: str) -> str:
    """The one finding there is, which is that check's."""
    (finding,) = found(patient).pop(check)
    assert list(found(patient)) == [check]
    return finding


def test_a_healthy_router_has_every_check_in_order_and_the_exit_code_0(capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    seen = patient.types("doctor")
    assert (seen.code, seen.err) == (0, "")
    assert "Nothing is wrong." in seen.out
    document = patient.gets("doctor")
    assert document["healthy"] is True
    assert [it["check"] for it in document["checks"]] == [
        "clock", "router", "table", "parameters", "pipelines", "releases", "key", "limits", "rights",
    ]  # fmt: skip
    assert {it["state"] for it in document["checks"]} == {"ok"}
    assert patient.door.asked == [SERVICE, SERVICE]


def test_a_finding_is_shown_with_its_remedy(capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    patient.functions.gone.add(arn("v1.0.0"))
    seen = patient.types("doctor")
    text = " ".join(seen.out.split())
    assert seen.code == 1
    assert "!! pipelines" in text
    assert "-> Go back: canary-router rollback transformer; or deploy its stack again." in text
    assert "1 to be mended." in text


@pytest.mark.parametrize(("ahead", "way"), [(31.0, "31 s ahead of"), (-400.0, "400 s behind")])
def test_a_clock_that_is_off(ahead: float, way: str, capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    patient.caller = MemoryCaller(ahead=ahead)
    assert way in only(patient, "clock")
    patient.caller = MemoryCaller(ahead=29.0)
    assert patient.types("doctor").code == 0


@pytest.mark.parametrize("role", ["outcome", "release"])
def test_a_function_of_the_router_that_is_gone_or_does_not_run(role: str, capsys: Capsys) -> None:
    name = f"canary-router-test-{role}"
    patient = person(serving(), capsys)
    patient.functions.gone.add(name)
    assert f"{name} is not there" in only(patient, "router")
    patient.functions.gone.clear()
    patient.functions.known[name] = Function(name, state="Inactive")
    assert f"{name} is Inactive" in only(patient, "router")


def test_a_table_that_does_not_answer_hides_nothing_else(capsys: Capsys) -> None:
    world = serving()
    world.ledger.down = True
    patient = person(world, capsys)
    patient.limits.of_api = None
    seen = found(patient)
    assert seen["table"][0].startswith("router: The table canary-router-test cannot be read: the table is down")
    assert "There is no API canary-router-test" in seen["limits"][0]


@pytest.mark.parametrize(
    ("current", "said"),
    [(None, "current is missing: its requests are answered with 503"), ("none", "current is blank: its requests")],
)
def test_a_current_that_is_missing_or_blank(current: str | None, said: str, capsys: Capsys) -> None:
    world = World(current="")
    world.pointers.put(SERVICE, "latest", "none", "")
    if current is not None:
        world.pointers.put(SERVICE, "current", current, "")
    assert said in only(person(world, capsys), "parameters")


def test_a_served_service_that_was_never_released(capsys: Capsys) -> None:
    finding = only(person(World(current=""), capsys), "parameters")
    assert "/canary-router/test/transformer/current is missing" in finding
    assert "-> Release a first version" in finding


def test_a_latest_that_is_missing(capsys: Capsys) -> None:
    world = World()
    world.reconcile()
    assert "/canary-router/test/transformer/latest is missing" in only(person(world, capsys), "parameters")


def test_a_service_that_the_router_does_not_serve(capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    patient.functions.known[ROUTER] = Function(ROUTER, variables={"CANARY_ROUTER_SERVICES": SERVICE})
    patient.world.pointers.put("other", "current", arn("v1.0.0", "other"), "")
    assert "other: It has parameters, but the router serves transformer" in only(patient, "parameters")


def test_an_invalid_pointer_and_a_refused_policy(capsys: Capsys) -> None:
    world = serving()
    world.pointers.put(SERVICE, "latest", "v1.1.0", "")
    world.pointers.put(SERVICE, "policy", '{"requests": 9}', "")
    one, two = found(person(world, capsys))["parameters"]
    assert "'latest' of transformer holds 'v1.1.0'" in one
    assert "'requests'" in two
    assert "aws ssm put-parameter" in one


@pytest.mark.parametrize(
    ("tag", "pointer", "remedy"),
    [
        ("v1.0.0", "previous", "Nothing can be rolled back to it"),
        ("v1.1.0", "current", "Go back: canary-router rollback"),
        ("v1.2.0", "latest", "Turn it away: canary-router abort"),
    ],
)
def test_a_pointer_at_a_function_that_is_gone_or_does_not_run(
    tag: str, pointer: str, remedy: str, capsys: Capsys
) -> None:
    world = serving()
    world.write_latest("v1.1.0")
    for _ in range(2):
        world.end(world.submit())
    world.write_latest("v1.2.0")
    world.reconcile()
    patient = person(world, capsys)
    patient.functions.gone.add(arn(tag))
    finding = only(patient, "pipelines")
    assert finding.startswith(f"transformer: {pointer} is {tag}, whose function {arn(tag)} is gone")
    assert remedy in finding
    patient.functions.gone.clear()
    patient.functions.known[arn(tag)] = Function(arn(tag), state="Failed")
    assert f"{pointer} is {tag}, whose function is Failed" in only(patient, "pipelines")


def on_trial() -> World:
    world = serving()
    world.write_latest("v1.1.0")
    world.reconcile()
    return world


def give(world: World, kind: OrderKind) -> None:
    give_order(world.ports, Order(kind.value, kind, SERVICE, "ann", "", world.clock.now()))


@pytest.mark.parametrize("kind", [OrderKind.PROMOTE, OrderKind.ABORT])
def test_a_decided_release_that_nobody_carries_on(kind: OrderKind, capsys: Capsys) -> None:
    world = on_trial()
    give(world, kind)
    patient = person(world, capsys)
    world.clock.advance(180)
    assert patient.types("doctor").code == 0
    world.clock.advance(1)
    finding = only(patient, "releases")
    state = ReleaseState.PROMOTING if kind is OrderKind.PROMOTE else ReleaseState.ABORTING
    assert f"v1.1.0 has been {state} for 3 min 1 s" in finding
    assert "canary-router-test-minute is enabled" in finding


def test_a_release_past_its_deadline_that_nobody_ends(capsys: Capsys) -> None:
    world = on_trial()
    world.submit()
    world.submit()
    patient = person(world, capsys)
    world.clock.advance(86_400 + 100)
    assert patient.types("doctor").code == 0
    world.clock.advance(100)
    assert "v1.1.0 is OPEN, 3 min 20 s after its deadline" in only(patient, "releases")


def test_a_write_of_latest_that_nobody_opens(capsys: Capsys) -> None:
    world = serving()
    world.write_latest("v1.1.0")
    patient = person(world, capsys)
    world.clock.advance(170)
    assert patient.types("doctor").code == 0
    world.clock.advance(20)
    assert "v1.1.0 was written to latest 3 min 10 s ago, and is no release yet" in only(patient, "releases")


def test_a_pause_that_may_have_been_forgotten(capsys: Capsys) -> None:
    world = on_trial()
    give(world, OrderKind.PAUSE)
    patient = person(world, capsys)
    world.clock.advance(3_600)
    assert patient.types("doctor").code == 0
    world.clock.advance(60)
    assert "v1.1.0 was paused 1 h 1 min ago by ann" in only(patient, "releases")


def test_a_release_that_is_not_sent_its_jobs(capsys: Capsys) -> None:
    world = on_trial()
    world.submit()
    patient = person(world, capsys)
    world.clock.advance(43_200)
    assert patient.types("doctor").code == 0
    world.clock.advance(60)
    finding = only(patient, "releases")
    assert "v1.1.0 was sent 1 of 2 jobs, and has 11 h 59 min left" in finding
    assert "canary-router send transformer" in finding
    world.submit()
    assert patient.types("doctor").code == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            AccessRefused("Forbidden (HTTP 403)", advice="Rotate it."),
            "asked as a front-end asks it, and: Forbidden (HTTP 403)",
        ),
        (AccessRefused("no"), "must hold the key of the API's usage plan"),
        (NotFound("No router is registered", advice="Deploy one."), "No router is registered -> Deploy one."),
        (ConfigurationError("no HTTPS address", advice="Correct it."), "no HTTPS address -> Correct it."),
        (Unavailable("cannot be reached"), "cannot be reached -> Look into the cause"),
    ],
    ids=str,
)
def test_a_door_that_does_not_open(error: Exception, said: str, capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    patient.door = MemoryDoor(error)  # type: ignore[arg-type] # each is one of the project's
    assert said in only(patient, "key")


@pytest.mark.parametrize(
    ("api", "account", "at_once", "said"),
    [
        (Throttle(0, 100), Throttle(10_000, 5_000), 1_000, "lets no request through"),
        (Throttle(50, 0), Throttle(10_000, 5_000), 1_000, "lets no request through"),
        (Throttle(50, 100), Throttle(40, 5_000), 1_000, "lets 50 requests a second through, but all APIs"),
        (Throttle(50, 100), Throttle(10_000, 99), 1_000, "lets 100 requests at once through, but all APIs"),
        (Throttle(50, 100), Throttle(10_000, 5_000), 199, "199 functions may run at once, but 100 requests"),
    ],
)
def test_limits_that_are_too_low(api: Throttle, account: Throttle, at_once: int, said: str, capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    patient.limits.of_api, patient.limits.of_account, patient.limits.at_once = api, account, at_once
    assert said in only(patient, "limits")


@pytest.mark.parametrize(
    ("api", "account", "at_once"),
    [
        (Throttle(50, 100), Throttle(50, 100), 200),
        (Throttle(None, None), Throttle(1, 1), 1),
        (Throttle(50, 100), Throttle(None, None), 200),
    ],
)
def test_limits_that_are_high_enough(api: Throttle, account: Throttle, at_once: int, capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    patient.limits.of_api, patient.limits.of_account, patient.limits.at_once = api, account, at_once
    assert patient.types("doctor").code == 0


def test_rights_that_are_missing_are_told_once_with_what_they_are_for(capsys: Capsys) -> None:
    world = serving()
    world.pointers.put("other", "current", arn("v1.0.0", "other"), "")
    world.pointers.put("other", "latest", "none", "")
    patient = person(world, capsys)
    patient.functions.known[ROUTER] = Function(ROUTER, variables={"CANARY_ROUTER_SERVICES": f"{SERVICE},other"})
    patient.rights = MemoryRights({SERVICE: (RIGHT,), "other": (RIGHT,)})
    assert "other: You (arn:aws:iam::123456789012:user/ann) may not ssm:PutParameter" in only(patient, "rights")


def test_what_the_caller_may_not_look_at_is_said_and_is_no_finding(capsys: Capsys) -> None:
    patient = person(serving(), capsys)
    patient.limits.hidden = True
    patient.functions.hidden = True
    seen = patient.types("doctor")
    assert seen.code == 0
    assert "??  limits" in seen.out
    assert "Nothing is wrong. 3 of 9 checks could not be made." in " ".join(seen.out.split())
    states = {it["check"]: it["state"] for it in patient.gets("doctor")["checks"]}
    assert [name for name, state in states.items() if state == "unchecked"] == ["router", "pipelines", "limits"]


def test_without_credentials_there_is_one_error_and_no_check(capsys: Capsys) -> None:
    class Nobody(MemoryCaller):
        def who(self) -> str:
            raise Unavailable("Unable to locate credentials", advice="Log in.")

    patient = person(serving(), capsys)
    patient.caller = Nobody()
    seen = patient.types("doctor")
    assert (seen.code, seen.out, seen.err) == (3, "", "canary-router: Unable to locate credentials. Log in.\n")

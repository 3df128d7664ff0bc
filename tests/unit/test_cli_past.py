"""What has been: the history of a service, and why a job ran where it ran."""

from dataclasses import replace

import pytest
from tests.unit.cli_desk import Person
from tests.unit.world import SERVICE, World, arn

from canary_router.core.explanation import explain
from canary_router.core.model import Route, Status, Transform
from canary_router.core.orders import Order, OrderKind
from canary_router.core.pointers import Reading
from canary_router.errors import NotFound, Unavailable
from canary_router.flows.explaining import gather
from canary_router.flows.orders import give_order
from canary_router.ports import Execution, Refused

Capsys = pytest.CaptureFixture[str]


class Silent:
    """Step Functions does not answer."""

    def describe(self, execution_arn: str) -> Execution | None:
        raise Unavailable(f"looking up {execution_arn}")


def refused(service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
    raise Unavailable(f"reading the history of {leaf}: denied")


def on_trial(*, draw: float = 0.0, policy: str = "") -> World:
    world = World(draw=draw)
    world.reconcile()
    if policy:
        world.pointers.put(SERVICE, "policy", policy, "")
    world.write_latest("v1.1.0")
    world.reconcile()
    return world


def facts(world: World, transform_id: str) -> dict[str, str]:
    """What is said, by topic; what is not on record begins with a question mark."""
    found: dict[str, str] = {}
    for fact in explain(gather(world.ports, transform_id)):
        text = fact.text if fact.is_known else f"? {fact.text}"
        found[fact.topic] = f"{found[fact.topic]} {text}" if fact.topic in found else text
    return found


def test_the_history_tells_releases_with_reasons_and_the_orders_that_they_took(capsys: Capsys) -> None:
    world = on_trial()
    person = Person(world, capsys, answer=True)
    person.types("pause", SERVICE, "--reason", "a moment")
    person.types("resume", SERVICE)
    world.end(world.submit(), Status.FAILED)
    world.write_latest("v1.2.0")
    world.reconcile()
    person.types("abort", SERVICE, "--reason", "not that one")

    seen = person.types("history", SERVICE)
    text = " ".join(seen.out.split())
    assert seen.code == 0
    assert text.index("v1.2.0 ABORTED") < text.index("v1.1.0 ABORTED") < text.index("v1.0.0 PROMOTED")
    assert "not that one (0 succeeded" in text
    assert text.count("not that one") == 1
    assert "pause by arn:aws:iam::123456789012:user/ann: a moment (0 succeeded, 0 failed, 0 running)" in text
    assert "resume by" in text
    assert "1 job failed, 0 allowed" in text

    assert "abort by" not in text
    assert all(line == line.rstrip() for line in seen.out.splitlines())

    document = person.gets("history", SERVICE)
    assert [it["version"] for it in document["releases"]] == ["v1.2.0", "v1.1.0", "v1.0.0"]
    assert [it["kind"] for it in document["orders"]] == ["abort", "resume", "pause"]
    assert document["orders"][2]["counts"] == "0 succeeded, 0 failed, 0 running"
    assert document["orders"][0]["release_id"] == document["releases"][0]["release_id"]
    assert document["releases"][0]["ordered_by"] == "arn:aws:iam::123456789012:user/ann"

    short = person.gets("history", SERVICE, "--limit", "1")
    assert [it["version"] for it in short["releases"]] == ["v1.2.0"]
    assert [it["kind"] for it in short["orders"]] == ["abort"]


def test_a_service_without_releases_has_an_empty_history_and_one_that_is_not_there_has_none(capsys: Capsys) -> None:
    person = Person(World(), capsys)
    assert "No release of transformer is on record" in person.types("history", SERVICE).out
    assert person.types("history", "nobody").code == 2


def test_a_canarys_job_is_explained_from_the_pointers_to_the_verdict(capsys: Capsys) -> None:
    world = on_trial()
    job, other = world.submit(), world.submit()
    told = facts(world, other.transform_id)
    assert told["job"] == "A job of transformer. It went to v1.1.0 (latest)."
    assert told["pointers"] == "By SSM's history current was v1.0.0 and latest was v1.1.0 when it came in."
    assert "tried v1.1.0 out" in told["release"]
    assert "probability 0.5" in told["draw"]
    assert told["budget"] == "It was job 2 of 2."
    assert told["start"].startswith("It started after 1 attempt, as arn:aws:states:")
    assert told["outcome"] == "It is RUNNING on v1.1.0; its end is not on record yet."
    assert told["verdict"] == "The release is OPEN (0 succeeded, 0 failed, 2 running)"

    world.clock.advance(90)
    world.end(job)
    world.end(other)
    told = facts(world, other.transform_id)
    assert told["outcome"] == "It ended SUCCEEDED on v1.1.0, after 1 min 30 s."
    assert told["verdict"].startswith("The release is PROMOTED: 2 of 2 required jobs succeeded")
    # The pointers have moved on; those of its time are told.
    assert "latest was v1.1.0" in told["pointers"]

    seen = Person(world, capsys).types("explain", other.transform_id)
    assert seen.code == 0
    assert seen.out.startswith(f"{other.transform_id}  SUCCEEDED  20")
    document = Person(world, capsys).gets("explain", other.transform_id)
    assert document["transform"]["version"] == "v1.1.0"
    assert document["release"]["state"] == "PROMOTED"
    assert {it["topic"] for it in document["facts"]} >= {"job", "pointers", "draw", "budget", "verdict"}


def test_a_job_that_ends_while_its_event_is_lost_is_shown_as_it_is() -> None:
    world = on_trial()
    job = world.submit()
    world.end(job, Status.FAILED, tell=False)
    assert facts(world, job.transform_id)["outcome"] == "It is FAILED on v1.1.0; its end is not on record yet."


def keyed(world: World) -> Transform:
    return world.submit({"a": 1}, key="k1")


def test_a_recorded_job_of_current_is_explained_by_the_absence_of_a_release() -> None:
    world = World()
    world.reconcile()
    told = facts(world, keyed(world).transform_id)
    assert told["job"] == "A job of transformer with an Idempotency-Key. It went to v1.0.0 (current)."
    assert told["release"] == "No release was on trial when it came in: every request went to current."
    assert "verdict" not in told


def test_a_job_of_current_beside_a_full_budget_is_explained_by_it() -> None:
    world = on_trial()
    world.submit()
    world.submit()
    world.clock.advance(2)
    told = facts(world, keyed(world).transform_id)
    assert "(v1.1.0) had been on trial for" in told["release"]
    assert told["budget"] == "All 2 places were taken, so this job went to current."
    assert "draw" not in told


def test_a_job_of_current_beside_room_says_that_the_draw_is_not_on_record() -> None:
    world = on_trial(draw=0.9)
    told = facts(world, keyed(world).transform_id)
    assert told["budget"] == "0 of 2 places were taken: there was room."
    assert told["draw"].startswith("? A request is offered to a release with probability 0.5.")


def test_a_job_of_current_beside_a_paused_release_is_explained_by_the_order() -> None:
    world = on_trial()
    give_order(world.ports, Order("o1", OrderKind.PAUSE, SERVICE, "ann", "", world.clock.now()))
    world.clock.advance(2)
    told = facts(world, keyed(world).transform_id)
    assert told["budget"] == "It was paused by order of ann: nothing was sent to it."
    world.clock.advance(2)
    give_order(world.ports, Order("o2", OrderKind.RESUME, SERVICE, "ann", "", world.clock.now()))
    assert "paused by order of ann" in facts(world, world.submit({"a": 1}, key="k1").transform_id)["budget"]
    world.clock.advance(2)
    world.draw = 0.9
    later = world.submit({"a": 2}, key="k2")
    assert "there was room" in facts(world, later.transform_id)["budget"]


def test_a_job_that_latest_did_not_start_is_explained_with_both_its_halves() -> None:
    world = on_trial()
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    job = world.submit()
    told = facts(world, job.transform_id)
    assert told["job"].endswith("It went to v1.0.0 (current), after v1.1.0 (latest) had not started it.")
    assert "v1.1.0 certainly did not start it, after 1 attempt." in told["start"]
    assert "on v1.0.0" in told["outcome"]
    assert told["verdict"] == "The release is OPEN (0 succeeded, 1 failed, 0 running)"
    world.reconcile()
    assert facts(world, job.transform_id)["verdict"].startswith("The release is ABORTED: 1 job failed")


def test_a_failed_job_and_its_rescue_are_explained_by_each_other() -> None:
    world = on_trial(policy='{"rescue": true}')
    job = world.submit()
    assert "Its input is kept" in facts(world, job.transform_id)["rescue"]
    world.end(job, Status.FAILED)
    world.reconcile()
    rescue = f"{job.transform_id}-rescue"
    assert facts(world, job.transform_id)["rescue"] == (
        f"Its input was run once more on v1.0.0, as {rescue}, which is RUNNING."
    )
    assert f"the input of {job.transform_id} once more" in facts(world, rescue)["rescue"]


def test_a_job_without_a_record_is_found_by_its_execution_and_what_is_not_known_is_said() -> None:
    world = World()
    world.reconcile()
    job = world.submit()
    assert job.route is Route.CURRENT
    told = facts(world, job.transform_id)
    assert told["job"] == "It runs, or ran, on v1.0.0: its execution is there. It is RUNNING."
    assert told["draw"].startswith("? There is no record of it.")


def test_why_a_job_failed_is_told_as_step_functions_has_it_whether_the_job_is_on_record_or_not() -> None:
    world = on_trial()
    canary = world.submit()
    unrecorded = World()
    unrecorded.reconcile()
    for where, job in ((world, canary), (unrecorded, unrecorded.submit())):
        assert job.execution_arn is not None
        where.pipelines.end(job.execution_arn, Status.FAILED, "States.TaskFailed", "x" * 40_000)
        told = facts(where, job.transform_id)["outcome"]
        assert "Step Functions says of its end: States.TaskFailed: xxx" in told
        assert len(told) < 1200


def test_what_is_on_record_of_a_failed_job_is_told_though_step_functions_does_not_answer() -> None:
    world = on_trial()
    job = world.submit()
    world.end(job, Status.FAILED)
    silent = replace(world.ports, executions=Silent())
    told = {fact.topic: fact.text for fact in explain(gather(silent, job.transform_id))}
    assert told["outcome"].startswith("It ended FAILED on v1.1.0")


def test_a_job_that_nobody_knows_is_wrong_usage(capsys: Capsys) -> None:
    world = World()
    world.reconcile()
    with pytest.raises(NotFound):
        gather(world.ports, "nobody")
    seen = Person(world, capsys).types("explain", "nobody")
    assert (seen.code, seen.out) == (2, "")
    assert "Nothing is known of a job 'nobody'. Is it the id" in seen.err


def test_pointers_whose_history_may_not_be_read_are_said_not_to_be_known() -> None:
    world = on_trial()
    job = world.submit()

    class Closed:
        def __init__(self, pointers: object) -> None:
            self._pointers = pointers

        def __getattr__(self, name: str) -> object:
            return getattr(self._pointers, name)

        def history(self, service: str, leaf: str, after_version: int) -> tuple[object, ...]:
            raise Unavailable("not allowed")

    world.replace_ports(pointers=Closed(world.pointers))
    assert facts(world, job.transform_id)["pointers"] == "? What they held is not known: not allowed"


def test_what_came_after_a_job_explains_nothing_about_it() -> None:
    world = on_trial(draw=0.9)
    early = keyed(world)
    world.clock.advance(2)
    world.draw = 0.0
    for job in (world.submit(), world.submit()):
        world.end(job)
    assert facts(world, early.transform_id)["budget"] == "0 of 2 places were taken: there was room."
    late = world.submit({"a": 2}, key="k2")
    assert facts(world, late.transform_id)["release"].startswith("No release was on trial")


def test_an_order_for_another_release_explains_nothing() -> None:
    world = on_trial()
    give_order(world.ports, Order("o1", OrderKind.PAUSE, SERVICE, "ann", "", world.clock.now()))
    world.write_latest("v1.2.0")
    world.reconcile()
    world.draw = 0.9
    job = keyed(world)
    world.clock.advance(2)
    give_order(world.ports, Order("o2", OrderKind.PAUSE, SERVICE, "ann", "", world.clock.now()))
    assert "there was room" in facts(world, job.transform_id)["budget"]


def test_the_history_tells_who_has_released_each_version(capsys: Capsys) -> None:
    world = World()
    world.pointers.who = "arn:aws:iam::123456789012:user/bo"
    world.pointers.put(SERVICE, "current", arn("v1.0.1"), "")  # by hand
    world.reconcile()
    world.pointers.who = "arn:aws:sts::123456789012:assumed-role/deploys/ci"
    world.write_latest("v1.1.0")
    world.reconcile()
    person = Person(world, capsys)
    told = {it["version"]: it["released_by"] for it in person.gets("history", SERVICE)["releases"]}
    assert told["v1.1.0"] == "arn:aws:sts::123456789012:assumed-role/deploys/ci"
    assert told["v1.0.1"] == "arn:aws:iam::123456789012:user/bo"
    assert "released by arn:aws:sts::123456789012:assumed-role/deploys/ci" in person.types("history", SERVICE).out


def test_the_history_is_told_though_nobody_can_say_who_has_released(capsys: Capsys) -> None:
    world = on_trial()
    seen = Person(world, capsys)
    world.pointers.history = refused  # type: ignore[method-assign] # SSM denies it
    document = seen.gets("history", SERVICE)
    assert [it["released_by"] for it in document["releases"]] == [None] * len(document["releases"])


def test_jobs_of_a_release_that_there_is_not_are_wrong_usage(capsys: Capsys) -> None:
    world = on_trial()
    seen = Person(world, capsys).types("transforms", SERVICE, "--release", "r9-9")
    assert (seen.code, seen.out) == (2, "")
    assert "There is no release 'r9-9'" in seen.err
    assert Person(world, capsys).gets("transforms", SERVICE, "--release", world.release.release_id)["transforms"] == []

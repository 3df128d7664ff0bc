"""What a release does, on the deployed router."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from tests.contracts.backends import Backend
from tests.contracts.queues import queue
from tests.e2e.deployed import (
    BAD,
    ENVIRONMENT,
    JOB,
    SERVICE,
    SLOW,
    Answer,
    Deployed,
    wait_until,
)

from canary_router.core.model import ReleaseState
from canary_router.flows import inspect


def routes(answers: list[Answer]) -> Counter[str]:
    assert [answer.document for answer in answers if answer.status != 202] == []
    return Counter(answer.document["route"] for answer in answers)


def ended(router: Deployed, answer: Answer) -> str:
    """The job's final status, as its status URL shows it."""
    found: list[str] = []

    def is_over() -> bool:
        found.append(router.ask("GET", answer.document["status_url"]).document["status"])
        return found[-1] not in ("ADMITTED", "RUNNING")

    wait_until(is_over, lambda: str(found))
    return found[-1]


def test_the_first_version_became_current_by_its_own_deployment(deployment: Deployed) -> None:
    first = inspect.releases(deployment.ports.ledger, SERVICE)[-1]
    assert (first.target.tag, first.basis, first.state) == ("v1.0.0", "first", ReleaseState.PROMOTED)


def test_asleep_everything_goes_to_current(router: Deployed) -> None:
    answers = router.submit_many(10)
    assert routes(answers) == {"current": 10}
    assert {answer.document["version"] for answer in answers} == {"v1.0.0"}
    assert ended(router, answers[0]) == "SUCCEEDED"


def test_fifty_requests_at_once_put_exactly_two_on_latest(router: Deployed) -> None:
    router.write("policy", '{"share": 1.0}')
    router.submit_many(50, at_once=25)  # the functions are warm: fifty cold starts at once are the emulator's limit
    router.release("v1.1.0")
    answers = router.submit_persistently(50, SLOW)
    assert routes(answers) == {"latest": 2, "current": 48}
    assert router.newest.admitted == 2


def test_nothing_more_goes_to_latest_until_both_jobs_have_succeeded_and_then_everything_does(router: Deployed) -> None:
    router.release("v1.1.0")
    canaries = router.submit_until_full(SLOW)
    assert routes(router.submit_many(20)) == {"current": 20}
    assert router.pointer("current") == router.arn("v1.0.0")
    assert [ended(router, canary) for canary in canaries] == ["SUCCEEDED"] * 2
    promoted = router.decided("v1.1.0", ReleaseState.PROMOTED)
    assert (promoted.admitted, promoted.succeeded) == (2, 2)
    assert (router.pointer("current"), router.pointer("latest")) == (router.arn("v1.1.0"), "none")
    wait_until(lambda: router.submit().document["version"] == "v1.1.0")


def test_a_failing_job_turns_the_release_away(router: Deployed) -> None:
    router.release("v1.2.0")
    router.submit_until_full(BAD, places=1)
    aborted = router.decided("v1.2.0", ReleaseState.ABORTED)
    assert aborted.failed >= 1
    assert (router.pointer("current"), router.pointer("latest")) == (router.arn("v1.0.0"), "none")
    assert routes(router.submit_many(10)) == {"current": 10}


def test_a_newer_release_supersedes_an_open_one(router: Deployed) -> None:
    router.release("v1.2.0")
    router.submit_until_full(SLOW, places=1)
    router.release("v1.1.0")
    router.submit_until_full(JOB)
    router.decided("v1.1.0", ReleaseState.PROMOTED)
    newest, older = inspect.releases(router.ports.ledger, SERVICE)[:2]
    assert (older.target.tag, older.state) == ("v1.2.0", ReleaseState.SUPERSEDED)
    assert newest.release_id in older.reason


def test_with_every_event_lost_reconciliation_alone_finishes(router: Deployed) -> None:
    rule = f"canary-router-{ENVIRONMENT}-ended"
    events = router.client("events")
    events.disable_rule(Name=rule)
    try:
        router.release("v1.1.0")
        for canary in router.submit_until_full(JOB):
            assert ended(router, canary) == "SUCCEEDED"
        time.sleep(1)
        assert router.newest.state is ReleaseState.OPEN
        router.reconcile()
        router.decided("v1.1.0", ReleaseState.PROMOTED)
    finally:
        events.enable_rule(Name=rule)


def test_a_failed_canary_is_run_again_on_current_where_the_policy_says_so(router: Deployed) -> None:
    router.write("policy", json.dumps({"rescue": True, "share": 1.0}))
    router.release("v1.2.0")
    canary = router.submit_until_full(BAD, places=1)[0]
    assert ended(router, canary) == "FAILED"
    path = canary.document["status_url"]
    wait_until(lambda: "rescued_by" in router.ask("GET", path).document)
    second = router.ask("GET", path).document["rescued_by"]
    rescued = f"/services/{SERVICE}/transforms/{second}"
    wait_until(lambda: router.ask("GET", rescued).document.get("status") == "FAILED")
    assert router.ask("GET", rescued).document["version"] == "v1.0.0"


def test_the_version_is_released_by_its_deployment_and_withdrawn_with_it(router: Deployed) -> None:
    router.deploy("batch-v2-0-0")
    wait_until(lambda: router.newest.target.tag == "v2.0.0")
    assert router.newest.state is ReleaseState.OPEN
    assert router.pointer("latest") == router.arn("v2.0.0")
    router.cdk("destroy", "--force", "batch-v2-0-0")
    withdrawn = router.decided("v2.0.0", ReleaseState.ABORTED)
    assert "withdrawn" in withdrawn.reason
    assert (router.pointer("current"), router.pointer("latest")) == (router.arn("v1.0.0"), "none")


def test_five_hundred_requests_over_two_releases_and_not_one_fails(router: Deployed) -> None:
    over = Event()
    answers: list[Answer] = []

    def front_end(_: int) -> None:
        for _ in range(1000):
            if over.is_set() and len(answers) >= 500:
                return
            answers.append(router.submit({"seconds": 1, "fail": router.pointer("latest") == router.arn("v1.2.0")}))

    with ThreadPoolExecutor(4) as pool:
        front_ends = [pool.submit(front_end, number) for number in range(4)]
        try:
            router.release("v1.1.0")
            router.decided("v1.1.0", ReleaseState.PROMOTED)
            router.release("v1.2.0")
            router.decided("v1.2.0", ReleaseState.ABORTED)
        finally:
            over.set()
        for one in front_ends:
            one.result()
    assert len(answers) >= 500
    assert Counter(answer.status for answer in answers) == {202: len(answers)}
    assert router.pointer("current") == router.arn("v1.1.0")
    promoted, aborted = [
        next(release for release in inspect.releases(router.ports.ledger, SERVICE) if release.target.tag == tag)
        for tag in ("v1.1.0", "v1.2.0")
    ]
    assert (promoted.admitted, aborted.admitted <= 2) == (2, True)


@pytest.mark.parametrize(
    ("leaf", "value"),
    [("latest", "v1.1.0"), ("latest", "arn:aws:s3:::bucket"), ("policy", '{"requests": 99}'), ("policy", "{")],
)
def test_rubbish_wakes_nothing_and_is_left_where_it_is(router: Deployed, leaf: str, value: str) -> None:
    before = router.newest
    router.write(leaf, value)
    if leaf == "policy":
        router.release("v1.1.0")
    time.sleep(1.1)
    assert routes(router.submit_many(5)) == {"current": 5}
    router.reconcile()
    assert router.newest == before
    assert router.pointer(leaf) == value


def test_a_retry_with_its_key_gives_the_one_job(router: Deployed) -> None:
    headers: dict[str, Any] = {"Idempotency_Key": f"order-{time.time_ns()}"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: router.submit(JOB, **headers), range(8)))
    assert {answer.status for answer in answers} <= {202, 504}
    again = router.submit(JOB, **headers)
    assert again.status == 202
    assert len({a.document["execution_arn"] for a in [*answers, again] if a.status == 202}) == 1
    assert router.submit(BAD, **headers).status == 409


def test_people_are_told_of_a_releases_opening_and_of_its_end(router: Deployed) -> None:
    backend = Backend.ministack(router.emulator)
    topics = backend.client("sns")
    (topic,) = (it["TopicArn"] for it in topics.list_topics()["Topics"] if it["TopicArn"].endswith(":e2e-releases"))
    with queue(backend, "e2e-mailbox") as mailbox:
        mailbox.admit("sns", topic)
        subscription = topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mailbox.arn)["SubscriptionArn"]
        router.release("v1.2.0")
        router.submit_until_full(BAD, places=1)
        router.decided("v1.2.0", ReleaseState.ABORTED)
        mails = {mail["Subject"]: mail["Message"] for mail in mailbox.take(2)}
        topics.unsubscribe(SubscriptionArn=subscription)
    aborted = f"{SERVICE} v1.2.0 was aborted in {ENVIRONMENT}"
    assert mails.keys() == {f"{SERVICE} v1.2.0 is on trial in {ENVIRONMENT}", aborted}
    assert f"Why: {router.newest.reason}" in mails[aborted]
    assert mails[aborted].endswith(f"canary-router --environment {ENVIRONMENT} transforms {SERVICE}")


def test_with_the_table_gone_current_still_serves(router: Deployed) -> None:
    router.release("v1.1.0")
    dynamodb = router.client("dynamodb")
    name = f"canary-router-{ENVIRONMENT}"
    table = dynamodb.describe_table(TableName=name)["Table"]
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=name)
    try:
        assert routes(router.submit_many(10)) == {"current": 10}
        refused = router.submit(JOB, Idempotency_Key="k")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    finally:
        indexes = [
            {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
            for index in table["GlobalSecondaryIndexes"]
        ]
        dynamodb.create_table(
            TableName=name,
            KeySchema=table["KeySchema"],
            AttributeDefinitions=table["AttributeDefinitions"],
            GlobalSecondaryIndexes=indexes,
            BillingMode="PAY_PER_REQUEST",
        )

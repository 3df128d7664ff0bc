"""The steps that start Spark, fill the index and validate: what they ask for, what a second time does, what is told."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError
from opensearchpy import OpenSearch
from tests.unit.test_transformer_days import written
from tests.unit.test_transformer_job import as_athena_answers
from tests.unit.transformer_world import Bucket, Spark, opensearch, refusal

from transformer.job import days, index, spark, validate
from transformer.job.order import Order
from transformer.job.report import report
from transformer.job.search import SearchRefused, SearchUnavailable
from transformer.standins.web import Reply, Request

PLACE = {
    "APPLICATION_ID": "app-1",
    "SPARK_ENDPOINT": "http://127.0.0.1:9/spark",
    "JOB_ROLE_ARN": "arn:aws:iam::123456789012:role/job",
    "SCRIPT": "s3://assets/days.py",
    "DATA": "s3://data/daily-weather/",
    "DAYS": "s3://data/days/transformer-v1-0-0/",
}
START = {"do": "start", "execution": "t-1", "order": {"year": 2014, "metric": "wind"}}
DELIVERY = {"BUCKET": "data", "PREFIX": "days/transformer-v1-0-0/", "INDEX": "transformer-v1-0-0"}
RESULTS = {"BUCKET": "data", "PREFIX": "results/transformer-v1-0-0/"}


def work(event: dict[str, Any], emr: Spark, **places: str) -> dict[str, Any]:
    return spark.work(event, cast("Any", emr), PLACE | places)


def test_a_spark_job_is_started_with_the_order_and_where_its_version_reads_and_writes() -> None:
    emr = Spark()
    assert work(START, emr) == {"run": "run-1"}
    (asked,) = emr.asked
    submit = asked["jobDriver"]["sparkSubmit"]
    options = days.arguments(submit["entryPointArguments"])
    assert vars(options) == {
        "data": "s3://data/daily-weather/",
        "out": "s3://data/days/transformer-v1-0-0/t-1/",
        "transform_id": "t-1",
        "year": 2014,
        "metric": "wind",
    }
    assert (submit["entryPoint"], asked["executionRoleArn"]) == (PLACE["SCRIPT"], PLACE["JOB_ROLE_ARN"])
    assert (asked["applicationId"], asked["executionTimeoutMinutes"]) == ("app-1", 15)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", asked["clientToken"])


def test_a_second_start_of_an_execution_gives_the_run_of_the_first_and_another_version_its_own() -> None:
    emr = Spark()
    other_version = {"DAYS": "s3://data/days/transformer-v1-1-0/"}
    assert [work(START, emr)["run"], work(START, emr)["run"]] == ["run-1", "run-1"]
    assert work(START | {"execution": "t-2"}, emr)["run"] == "run-2"
    assert work(START, emr, **other_version)["run"] == "run-3"


def test_a_look_says_the_state_and_why() -> None:
    emr = Spark()
    run = work(START, emr)["run"]
    assert work({"do": "look", "run": run}, emr) == {"run": run, "state": "SUBMITTED", "details": ""}
    next(iter(emr.runs.values())).update(state="FAILED", stateDetails="ValueError: day is out of range for month")
    found = work({"do": "look", "run": run}, emr)
    assert (found["state"], found["details"]) == ("FAILED", "ValueError: day is out of range for month")


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", "ServiceQuotaExceededException"])
def test_what_may_work_later_is_told_apart_from_what_will_not(code: str) -> None:
    emr = Spark()
    emr.trouble = refusal(code)
    with pytest.raises(spark.SparkUnavailable, match=r"app-1 at http.*/spark did not start the Spark job of t-1"):
        work(START, emr)
    emr.trouble = EndpointConnectionError(endpoint_url="http://127.0.0.1:9")
    with pytest.raises(spark.SparkUnavailable, match="did not look at the Spark job run-1"):
        work({"do": "look", "run": "run-1"}, emr)
    emr.trouble = refusal("ValidationException")
    with pytest.raises(spark.SparkRefused, match=r"start the Spark job of t-1.*as the service says"):
        work(START, emr)


@pytest.fixture
def bucket() -> Bucket:
    """What Spark has left of a job, as it leaves it: several files, and some that are no data."""
    lines = [json.dumps(document) for document in written(days, 2014, "wind")]
    place = f"{DELIVERY['PREFIX']}t-1/"
    found = Bucket()
    for part in range(5):
        found.objects[f"{place}part-0000{part}-x.txt"] = "\n".join([*lines[part::5], ""]).encode()
    found.objects |= {f"{place}_SUCCESS": b"", f"{place}.part-00000-x.txt.crc": b"\x00", f"{place[:-1]}0/part-0": b"{"}
    return found


@pytest.fixture
def search() -> Iterator[tuple[OpenSearch, list[str]]]:
    with opensearch() as found:
        yield found


def fill(bucket: Bucket, client: OpenSearch) -> dict[str, Any]:
    return index.fill("t-1", cast("Any", bucket), client, DELIVERY)


def test_every_day_that_spark_has_written_is_indexed_and_a_second_time_changes_nothing(
    bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    client, _ = search
    for _ in range(2):
        assert fill(bucket, client) == {"index": "transformer-v1-0-0", "documents": 365}
        found = validate.indexed(client, "transformer-v1-0-0", "t-1")
        by_day = {document["date"]: document for document in found}
        assert len(found) == 365
        assert by_day == {
            document["date"]: document | {"transform_id": "t-1"} for document in written(days, 2014, "wind")
        }


def test_the_calls_to_opensearch_are_those_that_the_roles_allow(
    bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    client, calls = search
    fill(bucket, client)
    assert calls == ["PUT /transformer-v1-0-0", "POST /transformer-v1-0-0/_bulk"]
    calls.clear()
    validate.indexed(client, "transformer-v1-0-0", "t-1")
    assert calls == ["POST /transformer-v1-0-0/_refresh", "POST /transformer-v1-0-0/_search"]


def test_a_job_that_found_nothing_indexes_nothing(search: tuple[OpenSearch, list[str]]) -> None:
    client, _ = search
    assert fill(Bucket(), client)["documents"] == 0
    assert validate.indexed(client, "transformer-v1-0-0", "t-1") == []


def test_a_document_that_is_not_as_the_index_wants_it_is_named(
    bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    odd = {"transform_id": "t-1", "date": "2014-12-32", "colour": "blue"}
    bucket.objects[f"{DELIVERY['PREFIX']}t-1/part-00009"] = json.dumps(odd).encode()
    with pytest.raises(
        index.DocumentsRefused, match=r"1 of 366 documents of t-1 .* transformer-v1-0-0.*t-1-2014-12-32"
    ):
        fill(bucket, search[0])


@pytest.mark.parametrize("status", [429, 503])
def test_an_index_that_cannot_take_anything_now_is_worth_another_try(status: int, bucket: Bucket) -> None:
    with (
        opensearch(lambda _: Reply({"error": "busy"}, status)) as (client, _),
        pytest.raises(SearchUnavailable, match="OpenSearch did not make the index transformer-v1-0-0"),
    ):
        fill(bucket, client)


def test_nobody_there_is_worth_another_try(bucket: Bucket) -> None:
    client = OpenSearch(["http://127.0.0.1:9/search"], max_retries=0)
    with pytest.raises(SearchUnavailable, match="did not make the index transformer-v1-0-0"):
        fill(bucket, client)
    with pytest.raises(SearchUnavailable, match="did not find the documents of t-1 in the index it"):
        validate.indexed(client, "it", "t-1")
    client.close()


def test_a_refusal_is_final(bucket: Bucket) -> None:
    def refuses_bulk(request: Request) -> Reply:
        return Reply({"error": "no permissions"}, 403) if request.segments[-1] == "_bulk" else Reply({})

    with (
        opensearch(refuses_bulk) as (client, _),
        pytest.raises(SearchRefused, match="did not take 365 documents of t-1 into the index transformer-v1-0-0"),
    ):
        fill(bucket, client)
    reason = {"error": {"type": "invalid_index_name_exception", "reason": "must be lowercase", "root_cause": []}}
    with (
        opensearch(lambda _: Reply(reason, 400)) as (client, _),
        pytest.raises(SearchRefused, match="did not make the index transformer-v1-0-0: invalid_index_name_exception"),
    ):
        fill(bucket, client)


def as_athena_sends(rows: list[Any]) -> list[dict[str, Any]]:
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    return [{"Data": [{"VarCharValue": text} for text in row]} for row in cells]


@pytest.fixture
def delivered(bucket: Bucket, search: tuple[OpenSearch, list[str]]) -> dict[str, Any]:
    """The event for a job of which everything was delivered."""
    monthly, weather = as_athena_answers(2014, "wind")
    result = report(Order(2014, "wind"), monthly, weather)
    bucket.objects[f"{RESULTS['PREFIX']}t-1.json"] = json.dumps({"transform_id": "t-1", **result}).encode()
    indexed = fill(bucket, search[0])
    published = {"result": f"s3://data/{RESULTS['PREFIX']}t-1.json", "days": 365, "months": 12}
    order = {"year": 2014, "metric": "wind"}
    return {
        "execution": "t-1",
        "order": order,
        "monthly": as_athena_sends(monthly),
        "published": published,
        "indexed": indexed,
    }


def compare(event: dict[str, Any], bucket: Bucket, client: OpenSearch) -> dict[str, Any]:
    return validate.compare(event, cast("Any", bucket), client, RESULTS)


def test_what_was_delivered_as_it_was_found_is_the_output_of_the_job(
    delivered: dict[str, Any], bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    assert compare(delivered, bucket, search[0]) == {
        "result": "s3://data/results/transformer-v1-0-0/t-1.json", "days": 365, "months": 12,
        "index": "transformer-v1-0-0", "documents": 365,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "named"),
    [({"value": None}, r"days=27.*\) in the index"), ({"value": 99.0}, "highest=99.0"), ({"month": 3}, "days=27")],
)
def test_an_index_that_says_something_else_is_told_with_month_and_numbers(
    change: dict[str, Any], named: str, delivered: dict[str, Any], bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    client, _ = search
    (day,) = [it for it in written(days, 2014, "wind") if it["date"] == "2014-02-14"]
    client.index(index="transformer-v1-0-0", id="t-1-2014-02-14", body=day | change)
    with pytest.raises(validate.NotDelivered, match=rf"Month 2 is .*{named}") as told:
        compare(delivered, bucket, client)
    assert "the index transformer-v1-0-0; Athena found Month(days=28" in str(told.value)


def test_a_month_that_is_not_in_the_index_at_all_is_told(
    delivered: dict[str, Any], bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    with pytest.raises(validate.NotDelivered, match="Month 1 is None in the index transformer-v1-0-0"):
        compare(delivered | {"execution": "t-2"}, renamed(bucket), search[0])


def renamed(bucket: Bucket) -> Bucket:
    """The same result under the name of another execution, whose days nobody has indexed."""
    result = json.loads(bucket.objects[f"{RESULTS['PREFIX']}t-1.json"]) | {"transform_id": "t-2"}
    bucket.objects[f"{RESULTS['PREFIX']}t-2.json"] = json.dumps(result).encode()
    return bucket


def test_a_result_that_says_something_else_is_told_with_its_address(
    delivered: dict[str, Any], bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    key = f"{RESULTS['PREFIX']}t-1.json"
    for change in ({"days": 30}, {"lowest": 0.0}, {"mean": 0.0}, {"highest": 99.9}):
        result = json.loads(bucket.objects[key])
        result["months"][6] |= change
        changed = Bucket()
        changed.objects = bucket.objects | {key: json.dumps(result).encode()}
        with pytest.raises(validate.NotDelivered, match=rf"Month 7 is .* in s3://data/{key}; Athena found"):
            compare(delivered, changed, search[0])


@pytest.mark.parametrize(
    "change",
    [{"departure": 0.0}, {"normal": 999.0}, {"date": "2013-02-14"}, {"date": "2014-02-15"}, {"metric": "temp_max"}],
    ids=str,
)
def test_a_day_that_contradicts_itself_or_the_order_is_told(
    change: dict[str, Any], delivered: dict[str, Any], bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    client, _ = search
    (day,) = [it for it in written(days, 2014, "wind") if it["date"] == "2014-02-14"]
    assert abs(day["departure"]) > 0.1
    client.index(index="transformer-v1-0-0", id="t-1-2014-02-14", body=day | change)
    with pytest.raises(validate.NotDelivered, match=r"in the index transformer-v1-0-0, which is (wrong|there twice)"):
        compare(delivered, bucket, client)


@pytest.mark.parametrize(
    "change",
    [{"transform_id": "t-3"}, {"year": 2013}, {"metric": "temp_max"}, {"days": 364}, {"weather": {"sun": 364}}],
    ids=str,
)
def test_a_result_that_answers_something_else_is_told(
    change: dict[str, Any], delivered: dict[str, Any], bucket: Bucket, search: tuple[OpenSearch, list[str]]
) -> None:
    key = f"{RESULTS['PREFIX']}t-1.json"
    changed = Bucket()
    changed.objects = bucket.objects | {key: json.dumps(json.loads(bucket.objects[key]) | change).encode()}
    with pytest.raises(validate.NotDelivered, match=f"in s3://data/{key}, and should be"):
        compare(delivered, changed, search[0])

"""opensearch-py against the stand-in for OpenSearch: the same tests hold for a real server.

    OPENSEARCH_URL=http://localhost:9200 make test ARGS=tests/functional/test_search_stand_in.py

It must be reached at this machine, since no test connects beyond it; a tunnel will do.
"""

import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import NotFoundError, OpenSearch, RequestError, TransportError, helpers
from tests.functional.search_documents import DAYS, MAPPING
from tests.functional.stand_ins_world import served

from transformer.standins.search.api import Search


@pytest.fixture(scope="module")
def client() -> Iterator[OpenSearch]:
    if url := os.environ.get("OPENSEARCH_URL"):
        yield OpenSearch(hosts=[url])
        return
    with served(search=Search()) as url:
        yield OpenSearch(hosts=[f"{url}/search"])


@pytest.fixture
def index(client: OpenSearch) -> Iterator[str]:
    name = f"canary-router-test-{uuid.uuid4()}"
    client.indices.create(index=name, body={"mappings": MAPPING})
    yield name
    client.indices.delete(index=name)


@pytest.fixture
def days(client: OpenSearch, index: str) -> str:
    """An index with four documents."""
    lines = [line for key, day in DAYS.items() for line in ({"index": {"_id": key}}, day)]
    answer = client.bulk(index=index, body=lines, params={"refresh": "true"})
    assert not answer["errors"], answer
    return index


def search(client: OpenSearch, index: str, **body: Any) -> Any:
    return client.search(index=index, body=body)


def found(client: OpenSearch, index: str, query: dict[str, Any]) -> str:
    """The ids of what a query finds, in the order of the alphabet."""
    return "".join(sorted(hit["_id"] for hit in search(client, index, query=query)["hits"]["hits"]))


def test_the_server_says_that_it_speaks_opensearchs_protocol(client: OpenSearch) -> None:
    assert client.ping()
    version = client.info()["version"]
    assert version["distribution"] == "opensearch"
    assert int(version["number"].split(".")[0]) >= 2


def test_an_index_is_there_from_its_creation_to_its_deletion(client: OpenSearch) -> None:
    name = f"canary-router-test-{uuid.uuid4()}"
    assert not client.indices.exists(index=name)
    assert client.indices.create(index=name, body={"mappings": MAPPING})["index"] == name
    assert client.indices.exists(index=name)
    with pytest.raises(RequestError) as refusal:
        client.indices.create(index=name, body={"mappings": MAPPING})
    assert refusal.value.error == "resource_already_exists_exception"
    assert client.indices.delete(index=name) == {"acknowledged": True}
    assert not client.indices.exists(index=name)
    with pytest.raises(NotFoundError) as missing:
        client.indices.delete(index=name)
    assert missing.value.error == "index_not_found_exception"


def test_a_mapping_is_given_back_as_it_was_given(client: OpenSearch, index: str) -> None:
    assert client.indices.get_mapping(index=index) == {index: {"mappings": MAPPING}}


@pytest.mark.parametrize("name", ["Upper", "with space", "-dash", "_under", "comma,", "a" * 256])
def test_an_index_cannot_be_called_anything(client: OpenSearch, name: str) -> None:
    with pytest.raises(RequestError):
        client.indices.create(index=name)


def test_indices_are_listed_with_the_number_of_their_documents(client: OpenSearch, days: str) -> None:
    [line] = client.cat.indices(index=days, params={"format": "json"})
    assert (line["index"], line["docs.count"], line["status"]) == (days, "4", "open")


def test_each_item_of_a_bulk_request_has_an_outcome_of_its_own(client: OpenSearch, index: str) -> None:
    lines = [
        {"create": {"_id": "1"}}, {"month": 1},
        {"create": {"_id": "1"}}, {"month": 2},
        {"index": {"_id": "1"}}, {"month": 3},
        {"delete": {"_id": "2"}},
        {"index": {"_id": "3"}}, {"month": "many"},
        {"index": {"_id": "4"}}, {"unheard": 1},
        {"delete": {"_id": "1"}},
    ]  # fmt: skip
    answer = client.bulk(index=index, body=lines)
    outcomes = [next(iter(item.items())) for item in answer["items"]]
    assert answer["errors"]
    assert [(action, told["_id"], told["status"]) for action, told in outcomes] == [
        ("create", "1", 201), ("create", "1", 409), ("index", "1", 200), ("delete", "2", 404),
        ("index", "3", 400), ("index", "4", 400), ("delete", "1", 200),
    ]  # fmt: skip
    assert [told.get("result") for _, told in outcomes] == [
        "created", None, "updated", "not_found", None, None, "deleted",
    ]  # fmt: skip
    assert outcomes[1][1]["error"]["type"] == "version_conflict_engine_exception"
    unfit = outcomes[4][1]["error"]
    assert unfit["type"] == "mapper_parsing_exception"
    assert "failed to parse field [month] of type [integer] in document with id '3'" in unfit["reason"]
    assert outcomes[5][1]["error"]["type"] == "strict_dynamic_mapping_exception"
    assert "[unheard]" in outcomes[5][1]["error"]["reason"]


@pytest.mark.parametrize(
    "document",
    [
        {"date": "2013-02-29"}, {"date": "2014/01/31"}, {"date": True}, {"at": "31 January"}, {"month": 2**31},
        {"month": True}, {"month": {"is": 1}}, {"total": 2**63}, {"total": "1e"}, {"value": 1e39}, {"value": "inf"},
        {"exact": "1_000"}, {"final": "yes"}, {"final": 1}, {"metric": {"name": "wind"}}, {"_id": "x"},
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_its_field_refuses_the_document(
    client: OpenSearch, index: str, document: dict[str, Any]
) -> None:
    with pytest.raises(RequestError) as refusal:
        client.index(index=index, id="1", body=document)
    assert refusal.value.error == "mapper_parsing_exception"
    assert not client.exists(index=index, id="1")


@pytest.mark.parametrize(
    ("document", "query"),
    [
        ({"month": "5"}, {"term": {"month": 5}}),
        ({"month": 5.7}, {"term": {"month": "5"}}),
        ({"month": [4, 5]}, {"term": {"month": 5}}),
        ({"total": "9007199254740993"}, {"term": {"total": 9007199254740993}}),
        ({"value": 12.8}, {"term": {"value": 12.8}}),
        ({"metric": 5}, {"term": {"metric": "5"}}),
        ({"metric": True}, {"term": {"metric": "true"}}),
        ({"final": ""}, {"term": {"final": False}}),
        ({"at": "2014-01-31T23:30:00-01:00"}, {"term": {"at": "2014-02-01"}}),
        ({"at": 1391212800000}, {"range": {"at": {"gte": "2014-02", "lt": "2014-02-01T00:00:00.001Z"}}}),
        ({"at": 2014}, {"term": {"at": "2014-01-01"}}),
        # The end of a range that goes on after a day is the day's end, that of one that begins with it its beginning.
        ({"at": "2014-01-31T12:00:00Z"}, {"range": {"at": {"gte": "2014-01-31", "lte": "2014-01-31"}}}),
        ({"at": "2014-01-31T12:00:00Z"}, {"bool": {"must_not": {"range": {"at": {"gt": "2014-01-31"}}}}}),
    ],
)
def test_what_fits_is_kept_as_it_was_written_and_found_as_it_was_meant(
    client: OpenSearch, index: str, document: dict[str, Any], query: dict[str, Any]
) -> None:
    client.index(index=index, id="1", body=document, params={"refresh": "true"})
    assert client.get(index=index, id="1")["_source"] == document
    assert found(client, index, query) == "1"


def test_an_empty_string_in_a_number_and_null_are_no_values(client: OpenSearch, index: str) -> None:
    client.index(index=index, id="1", body={"month": "", "value": None}, params={"refresh": "true"})
    answer = search(client, index, aggs={name: {"value_count": {"field": name}} for name in ("month", "value")})
    assert answer["aggregations"] == {"month": {"value": 0}, "value": {"value": 0}}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"match_all": {}}, "abcd"),
        ({"term": {"metric": "wind"}}, "ab"),
        ({"term": {"metric": {"value": "wind"}}}, "ab"),
        ({"term": {"metric": "Wind"}}, ""),
        ({"term": {"month": 2}}, "c"),
        ({"term": {"month": 2.5}}, ""),
        ({"term": {"final": "false"}}, "bc"),
        ({"term": {"unheard": 1}}, ""),
        ({"terms": {"month": [1, "3"]}}, "abd"),
        ({"terms": {"month": []}}, ""),
        ({"terms": {"date": ["2014-01-31", "2014-03-01"]}}, "bd"),
        ({"range": {"month": {"gt": 1.5}}}, "cd"),
        ({"range": {"value": {"lte": 12.8}}}, "abc"),
        ({"range": {"exact": {"gte": -1, "lt": 12.8}}}, "bc"),
        ({"range": {"total": {"gt": 9007199254740992}}}, "d"),
        ({"range": {"date": {"gte": "2014-01-31", "lte": "2014-02-01"}}}, "bc"),
        ({"range": {"date": {"gt": "2014-01-31"}}}, "cd"),
        ({"range": {"metric": {"lt": "u"}}}, "cd"),
        ({"bool": {}}, "abcd"),
        ({"bool": {"must": [{"term": {"metric": "wind"}}], "must_not": {"term": {"final": True}}}}, "b"),
        ({"bool": {"filter": [{"term": {"month": 1}}, {"term": {"final": True}}]}}, "a"),
        ({"bool": {"should": [{"term": {"metric": "wind"}}]}}, "ab"),
        ({"bool": {"must_not": [{"bool": {"must": {"match_all": {}}}}]}}, ""),
    ],
)
def test_a_query_finds(client: OpenSearch, days: str, query: dict[str, Any], ids: str) -> None:
    assert found(client, days, query) == ids
    assert client.count(index=days, body={"query": query})["count"] == len(ids)


@pytest.mark.parametrize(
    ("should", "needed", "ids"),
    [
        ([{"term": {"month": 1}}, {"term": {"final": True}}], None, "ab"),
        ([{"term": {"month": 1}}, {"term": {"final": True}}], 2, "a"),
        ([{"term": {"month": 1}}, {"term": {"month": 2}}], 3, ""),
    ],
)
def test_alternatives_are_found_when_enough_of_them_hold(
    client: OpenSearch, days: str, should: list[Any], needed: int | None, ids: str
) -> None:
    query = {"bool": {"should": should} | ({} if needed is None else {"minimum_should_match": needed})}
    answer = search(client, days, query=query, sort=["date"])
    assert "".join(hit["_id"] for hit in answer["hits"]["hits"]) == ids


def test_alternatives_beside_what_must_hold_need_not(client: OpenSearch, days: str) -> None:
    query = {"bool": {"filter": {"term": {"month": 1}}, "should": {"term": {"final": True}}}}
    assert client.count(index=days, body={"query": query})["count"] == 2


def test_hits_are_ordered_and_paged_and_show_what_was_asked_for(client: OpenSearch, days: str) -> None:
    sort = [{"metric": "desc"}, {"value": {"order": "asc"}}]
    answer = search(
        client, days, sort=sort, size=2, **{"from": 1, "_source": {"includes": ["m*"], "excludes": "month"}}
    )
    assert answer["hits"]["total"] == {"value": 4, "relation": "eq"}
    assert answer["hits"]["hits"] == [
        {"_index": days, "_id": "a", "_score": None, "_source": {"metric": "wind"}, "sort": ["wind", 12.8]},
        {"_index": days, "_id": "c", "_score": None, "_source": {"metric": "temp_max"}, "sort": ["temp_max", -1.0]},
    ]
    last = search(client, days, sort=sort, size=1, _source=False, **{"from": 3})["hits"]["hits"]
    assert [(hit["_id"], hit["sort"], "_source" in hit) for hit in last] == [("d", ["temp_max", "Infinity"], False)]
    by_date = client.search(index=days, body={"sort": "date"}, params={"size": 1, "_source": "month"})["hits"]["hits"]
    assert [(hit["sort"], hit["_source"]) for hit in by_date] == [([1391040000000], {"month": 1})]


def test_figures_and_buckets_cover_what_was_found_and_not_only_what_is_shown(client: OpenSearch, days: str) -> None:
    below = {"exact": {"stats": {"field": "exact"}}, "last": {"max": {"field": "date"}}}
    aggs: dict[str, Any] = {
        "by_metric": {"terms": {"field": "metric", "order": {"_key": "asc"}}, "aggs": below},
        "by_month": {"terms": {"field": "month", "size": 2}},
        "by_final": {"terms": {"field": "final"}},
        "by_unheard": {"terms": {"field": "unheard"}},
        "by_exact": {
            "terms": {"field": "metric", "order": {"most": "desc"}},
            "aggs": {"most": {"max": {"field": "exact"}}},
        },
        "value": {"stats": {"field": "value"}},
        "least": {"min": {"field": "exact"}},
        "total": {"sum": {"field": "unheard"}},
        "mean": {"avg": {"field": "exact"}},
        "count": {"value_count": {"field": "metric"}},
    }
    answer = search(client, days, size=0, aggs=aggs)
    assert answer["hits"]["hits"] == []
    got = answer["aggregations"]
    assert got["by_metric"]["buckets"] == [
        {
            "key": "temp_max", "doc_count": 2,
            "exact": {"count": 1, "min": -1.0, "max": -1.0, "avg": -1.0, "sum": -1.0},
            "last": {"value": 1393632000000.0, "value_as_string": "2014-03-01"},
        },
        {
            "key": "wind", "doc_count": 2,
            "exact": {"count": 2, "min": 2.5, "max": 12.8, "avg": 7.65, "sum": 15.3},
            "last": {"value": 1391126400000.0, "value_as_string": "2014-01-31"},
        },
    ]  # fmt: skip
    assert got["by_month"]["buckets"] == [{"key": 1, "doc_count": 2}, {"key": 2, "doc_count": 1}]
    assert got["by_month"]["sum_other_doc_count"] == 1
    assert got["by_final"]["buckets"] == [
        {"key": 0, "key_as_string": "false", "doc_count": 2}, {"key": 1, "key_as_string": "true", "doc_count": 1},
    ]  # fmt: skip
    assert got["by_unheard"]["buckets"] == []
    assert [bucket["key"] for bucket in got["by_exact"]["buckets"]] == ["wind", "temp_max"]
    # A float has 32 bits, and its figures are told with 64.
    assert (got["value"]["count"], got["value"]["min"], got["value"]["max"]) == (3, -1.0, 12.800000190734863)
    assert (got["least"], got["count"], got["total"]) == ({"value": -1.0}, {"value": 4}, {"value": 0.0})
    assert got["mean"]["value"] == pytest.approx(14.3 / 3)


def test_figures_of_nothing_are_null(client: OpenSearch, days: str) -> None:
    aggs = {"value": {"stats": {"field": "value"}}, "most": {"max": {"field": "value"}}}
    answer = search(client, days, query={"term": {"month": 9}}, aggs=aggs)
    nothing = {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}
    assert answer["aggregations"] == {"value": nothing, "most": {"value": None}}


def test_a_search_sees_what_was_refreshed_and_a_get_what_was_written(client: OpenSearch) -> None:
    name = f"canary-router-test-{uuid.uuid4()}"
    settings = {"index": {"refresh_interval": "-1", "number_of_shards": 2}, "number_of_replicas": "0"}
    client.indices.create(index=name, body={"mappings": MAPPING, "settings": settings})
    try:
        client.index(index=name, id="a", body={"month": 9})
        assert client.get(index=name, id="a")["_source"] == {"month": 9}
        assert client.count(index=name)["count"] == 0
        assert client.indices.refresh(index=name)["_shards"] == {"total": 2, "successful": 2, "failed": 0}
        assert client.count(index=name)["count"] == 1
        client.delete(index=name, id="a", params={"refresh": "true"})
        assert client.count(index=name)["count"] == 0
    finally:
        client.indices.delete(index=name)


def test_a_document_that_is_written_again_is_another_version_of_it(client: OpenSearch, index: str) -> None:
    first = client.index(index=index, id="a/b c", body={"month": 1}, params={"refresh": "wait_for"})
    second = client.index(index=index, id="a/b c", body={"total": 2}, params={"refresh": ""})
    assert [(told["result"], told["_version"]) for told in (first, second)] == [("created", 1), ("updated", 2)]
    assert client.get(index=index, id="a/b c")["_source"] == {"total": 2}
    assert client.count(index=index)["count"] == 1
    with pytest.raises(TransportError) as conflict:
        client.create(index=index, id="a/b c", body={})
    assert conflict.value.status_code == 409
    assert client.delete(index=index, id="a/b c")["result"] == "deleted"
    with pytest.raises(NotFoundError):
        client.get(index=index, id="a/b c")
    with pytest.raises(NotFoundError):
        client.delete(index=index, id="a/b c")


def test_documents_without_an_id_get_different_ones(client: OpenSearch, index: str) -> None:
    ids = {client.index(index=index, body={"month": 1})["_id"] for _ in range(3)}
    assert len(ids) == 3


def test_the_clients_own_bulk_functions_work_unchanged(client: OpenSearch, index: str) -> None:
    actions = [{"_index": index, "_id": str(number), "_source": {"month": number % 12 + 1}} for number in range(1200)]
    assert helpers.bulk(client, actions, refresh=True) == (1200, [])
    assert client.count(index=index)["count"] == 1200
    with pytest.raises(helpers.BulkIndexError) as failure:
        helpers.bulk(client, [{"_index": index, "_id": "x", "month": "May"}])
    assert failure.value.errors[0]["index"]["status"] == 400


def test_names_with_stars_and_commas_stand_for_several_indices(client: OpenSearch, days: str, index: str) -> None:
    other = f"{index}-other"
    client.indices.create(index=other, body={"mappings": MAPPING})
    try:
        client.index(index=other, id="e", body={"date": "2014-01-01"}, params={"refresh": "true"})
        assert client.count(index=f"{index}*")["count"] == 5
        assert search(client, f"{other},{days}", sort=["date"])["hits"]["hits"][0]["_index"] == other
        assert client.count(index=f"{index}-no*")["count"] == 0
        assert client.count(index=f"{days},nowhere", params={"ignore_unavailable": "true"})["count"] == 4
        with pytest.raises(NotFoundError):
            client.count(index=f"{days},nowhere")
    finally:
        client.indices.delete(index=other)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"sort": ["unheard"]}, "search_phase_execution_exception"),
        ({"query": {"term": {"month": "May"}}}, "search_phase_execution_exception"),
        ({"query": {"range": {"date": {"gte": "May"}}}}, "search_phase_execution_exception"),
        ({"aggs": {"a": {"avg": {"field": "metric"}}}}, "search_phase_execution_exception"),
        ({"from": 9991, "size": 10}, "search_phase_execution_exception"),
        ({"query": {"unheard": {}}}, "parsing_exception"),
        ({"query": {"match_all": {}, "term": {"month": 1}}}, "parsing_exception"),
        ({"unheard": 1}, "parsing_exception"),
        ({"size": -1}, "illegal_argument_exception"),
    ],
)
def test_a_search_that_cannot_be_done_is_refused(
    client: OpenSearch, days: str, body: dict[str, Any], kind: str
) -> None:
    with pytest.raises(RequestError) as refusal:
        client.search(index=days, body=body)
    assert (refusal.value.status_code, refusal.value.error) == (400, kind)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("_bulk", '{"index": {"_id": "1"}}\n{"month": 1}'),
        ("_bulk", ""),
        ("_bulk", '{"unheard": {"_id": "1"}}\n{"month": 1}\n'),
        ("_bulk", '{"index": {"unheard": "1"}}\n{"month": 1}\n'),
        ("_bulk?unheard=1", '{"index": {"_id": "1"}}\n{"month": 1}\n'),
        ("_search", '{"size": 1'),
        ("_search", '{"size": 1, "size": 2}'),
        ("_doc/" + "x" * 513, '{"month": 1}'),
        ("_doc/1", '{"value": NaN}'),
        ("_doc/1?refresh=soon", "{}"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_whole(client: OpenSearch, index: str, path: str, body: str) -> None:
    with pytest.raises(RequestError) as refusal:
        client.transport.perform_request("POST", f"/{index}/{path}", body=body)
    assert refusal.value.status_code == 400
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 0

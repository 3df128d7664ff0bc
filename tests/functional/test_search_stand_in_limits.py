"""What the stand-in for OpenSearch does not do it refuses by name, and what it serves it serves to many at once."""

import gzip
import json
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from opensearchpy import NotFoundError, OpenSearch, RequestError, TransportError
from tests.functional.stand_ins_world import served

from transformer.standins.search.api import Search
from transformer.standins.web import MAX_BODY, Reply

MAPPING = {"properties": {"month": {"type": "integer"}, "metric": {"type": "keyword"}, "final": {"type": "boolean"}}}


class Clock:
    """Seconds, which pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def url(clock: Clock) -> Iterator[str]:
    with served(search=Search(clock)) as url:
        yield url


@pytest.fixture
def client(url: str) -> OpenSearch:
    client = OpenSearch(hosts=[f"{url}/search"])
    client.indices.create(index="days", body={"mappings": MAPPING})
    return client


@pytest.fixture
def http() -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(10))


def refusal(client: OpenSearch, method: str, path: str, body: Any = None) -> str:
    """The reason why a request is refused with a status of 400."""
    with pytest.raises(RequestError) as refused:
        client.transport.perform_request(method, path, body=body)
    assert refused.value.status_code == 400
    return reason(refused.value)


def reason(error: TransportError) -> str:
    """The reason that an error gives, in OpenSearch's form."""
    assert isinstance(error.info, dict)
    assert error.info["status"] == error.status_code
    return str(error.info["error"]["root_cause"][0]["reason"])


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"match": {"metric": "wind"}}, "[match]"),
        ({"match_all": {"boost": 2}}, "[boost]"),
        ({"term": {"metric": {"value": "wind", "case_insensitive": True}}}, "[case_insensitive]"),
        ({"terms": {"metric": ["wind"], "boost": 2}}, "boost"),
        ({"terms": {"metric": {"index": "other", "id": "1", "path": "metric"}}}, "[metric]"),
        ({"range": {"month": {"gte": 1, "format": "MM"}}}, "[format]"),
        ({"range": {"month": {"from": 1}}}, "[from]"),
        ({"bool": {"mustt": []}}, "[mustt]"),
        ({"bool": {"should": [{"match_all": {}}], "minimum_should_match": "75%"}}, "[minimum_should_match]"),
        ({"bool": {"should": [{"match_all": {}}], "minimum_should_match": 0}}, "[minimum_should_match]"),
        ({"term": {"_id": "1"}}, "[_id]"),
    ],
)
def test_a_query_that_it_does_not_know_is_refused_by_name(client: OpenSearch, query: object, name: str) -> None:
    assert name in refusal(client, "POST", "/days/_search", {"query": query})
    assert name in refusal(client, "POST", "/days/_count", {"query": query})


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"highlight": {}}, "[highlight]"),
        ({"search_after": [1]}, "[search_after]"),
        ({"sort": ["_score"]}, "[_score]"),
        ({"sort": [{"month": {"order": "asc", "missing": 0}}]}, "[missing]"),
        ({"_source": {"include": ["month"]}}, "[include]"),
        ({"aggs": {"a": {"date_histogram": {"field": "month"}}}}, "[date_histogram]"),
        ({"aggs": {"a": {"avg": {"field": "month", "missing": 0}}}}, "[missing]"),
        ({"aggs": {"a": {"terms": {"field": "month", "min_doc_count": 0}}}}, "[min_doc_count]"),
        ({"aggs": {"a": {"terms": {"field": "month", "order": {"b": "asc"}}}}}, "[b]"),
        ({"aggs": {"a": {"avg": {"field": "month"}, "aggs": {"b": {"avg": {"field": "month"}}}}}}, "sub-aggregations"),
        ({"aggs": {"a": {"filter": {"match_all": {}}, "avg": {"field": "month"}}}}, "filter"),
    ],
)
def test_a_part_of_a_search_that_it_does_not_know_is_refused_by_name(
    client: OpenSearch, body: dict[str, Any], name: str
) -> None:
    assert name in refusal(client, "POST", "/days/_search", body)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_sql"),
        ("GET", "/_cluster/health"),
        ("POST", "/days/_update/1"),
        ("POST", "/days/_delete_by_query"),
        ("GET", "/_cat/indices"),
        ("GET", "/days/_search?q=wind"),
        ("GET", "/days/_search?track_total_hits=many"),
        ("GET", "/days/_doc/1?_source=false"),
        ("PUT", "/days/_doc/1?routing=a"),
    ],
)
def test_a_call_that_it_does_not_know_is_refused_by_name(client: OpenSearch, method: str, path: str) -> None:
    name = path.partition("?")[2].partition("=")[0] or path.strip("/").partition("?")[0]
    assert name in refusal(client, method, path)


def test_a_method_that_a_call_has_not_is_refused(client: OpenSearch) -> None:
    with pytest.raises(TransportError) as refused:
        client.transport.perform_request("POST", "/days")
    assert refused.value.status_code == 405


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"mappings": {"properties": {"a": {"type": "text"}}}}, "[text]"),
        ({"mappings": {"properties": {"a": {"properties": {"b": {"type": "long"}}}}}}, "[object]"),
        ({"mappings": {"properties": {"a": {"type": "keyword", "ignore_above": 5}}}}, "ignore_above"),
        ({"mappings": {"properties": {"a": {"type": "date", "format": "basic_date"}}}}, "[basic_date]"),
        ({"mappings": {"_source": {"enabled": False}}}, "_source"),
        ({"mappings": {"dynamic": "runtime"}}, "[runtime]"),
        ({"settings": {"analysis": {}}}, "[analysis]"),
        ({"settings": {"refresh_interval": "1m"}}, "[1m]"),
        ({"aliases": {"latest": {}}}, "[aliases]"),
    ],
)
def test_an_index_that_it_could_not_keep_is_refused_by_name(
    client: OpenSearch, body: dict[str, Any], name: str
) -> None:
    assert name in refusal(client, "PUT", "/other", body)
    assert not client.indices.exists(index="other")


def test_it_makes_no_index_and_chooses_no_type_by_itself(client: OpenSearch) -> None:
    with pytest.raises(NotFoundError) as missing:
        client.index(index="other", body={"month": 1})
    assert "[action.auto_create_index] is [false]" in reason(missing.value)
    assert "map [unheard]" in refusal(client, "PUT", "/days/_doc/1", {"unheard": 1})
    client.indices.create(index="loose", body={"mappings": MAPPING | {"dynamic": False}})
    client.index(index="loose", id="1", body={"unheard": {"of": 1}}, params={"refresh": "true"})
    assert client.get(index="loose", id="1")["_source"] == {"unheard": {"of": 1}}
    assert "failed to parse" in refusal(client, "PUT", "/loose/_doc/2", '{"unheard": NaN}')


def test_bulk_actions_that_it_does_not_know_refuse_the_request_before_any_of_it_is_done(client: OpenSearch) -> None:
    lines = '{"index": {"_id": "1"}}\n{"month": 1}\n{"update": {"_id": "1"}}\n{"doc": {"month": 2}}\n'
    assert "[update]" in refusal(client, "POST", "/days/_bulk", lines)
    assert "[routing]" in refusal(client, "POST", "/days/_bulk", '{"index": {"_id": "1", "routing": "a"}}\n{}\n')
    assert not client.exists(index="days", id="1")


def test_an_order_by_relevance_is_refused_since_relevance_is_not_computed(client: OpenSearch) -> None:
    query = {"bool": {"should": [{"term": {"month": 1}}, {"term": {"month": 2}}]}}
    assert "needs a [sort]" in refusal(client, "POST", "/days/_search", {"query": query})
    within = {"bool": {"must": [query]}}
    assert "needs a [sort]" in refusal(client, "POST", "/days/_search", {"query": within})
    for allowed in ({"sort": ["month"]}, {"size": 0}, {"query": {"bool": {"filter": query}}}):
        client.search(index="days", body={"query": query} | allowed)


def test_numbers_beyond_all_bounds_are_compared_or_refused_and_break_nothing(client: OpenSearch) -> None:
    client.indices.create(
        index="any", body={"mappings": {"properties": {"a": {"type": "long"}, "b": {"type": "double"}}}}
    )
    client.index(index="any", id="1", body={"a": 1, "b": 1}, params={"refresh": "true"})
    for number in ('"1e9999"', "1e400", f"1{'0' * 400}"):
        query = f'{{"query": {{"range": {{"a": {{"lt": {number}}}}}}}}}'
        assert client.count(index="any", body=query)["count"] == 1
        assert client.count(index="any", body=query.replace("range", "term").replace("lt", "value"))["count"] == 0
        assert "supports only finite values" in refusal(client, "POST", "/any/_search", query.replace('"a"', '"b"'))
        for name in ("a", "b"):
            assert f"failed to parse field [{name}]" in refusal(client, "PUT", "/any/_doc/2", f'{{"{name}": {number}}}')
    client.indices.create(index="dated", body={"mappings": {"properties": {"at": {"type": "date"}}}})
    assert "failed to parse field [at]" in refusal(client, "PUT", "/dated/_doc/1", {"at": 10**15})


def test_leaving_out_an_index_by_its_name_is_refused(client: OpenSearch) -> None:
    assert "[-days]" in refusal(client, "GET", "/*,-days/_search")


def test_indices_that_disagree_about_a_type_are_not_searched_together(client: OpenSearch) -> None:
    client.indices.create(index="days-2", body={"mappings": {"properties": {"month": {"type": "keyword"}}}})
    assert "[month]" in refusal(client, "POST", "/days*/_search", {"sort": ["month"]})


def test_a_document_is_found_after_a_second_without_a_refresh(client: OpenSearch, clock: Clock) -> None:
    client.indices.refresh(index="days")
    client.index(index="days", id="1", body={"month": 1})
    clock.now += 0.9
    assert client.count(index="days")["count"] == 0
    clock.now += 0.1
    assert client.count(index="days")["count"] == 1


def test_without_a_sort_hits_are_in_the_order_in_which_they_were_written_last(client: OpenSearch) -> None:
    for document_id in ("a", "b", "c", "a"):
        client.index(index="days", id=document_id, body={"month": 1}, params={"refresh": "true"})
    assert [hit["_id"] for hit in client.search(index="days")["hits"]["hits"]] == ["b", "c", "a"]


def test_more_hits_than_are_counted_are_told_as_at_least_so_many(client: OpenSearch) -> None:
    lines = list[dict[str, Any]]()
    for number in range(10_001):
        lines += [{"index": {}}, {"month": number}]
    assert not client.bulk(index="days", body=lines, params={"refresh": "true"})["errors"]
    for body, total in (
        ({}, {"value": 10_000, "relation": "gte"}),
        ({"track_total_hits": True}, {"value": 10_001, "relation": "eq"}),
        ({"track_total_hits": 5}, {"value": 5, "relation": "gte"}),
        ({"track_total_hits": False}, None),
    ):
        assert client.search(index="days", body=body)["hits"].get("total") == total


def test_writers_and_readers_at_once_lose_nothing(client: OpenSearch, url: str) -> None:
    failures: list[object] = []

    def work(number: int) -> None:
        own = OpenSearch(hosts=[f"{url}/search"])
        for part in range(10):
            lines = list[dict[str, Any]]()
            for item in range(20):
                lines += [{"index": {"_id": f"{number}-{part}-{item}"}}, {"month": item}, {"index": {"_id": "one"}}, {}]
            answer = own.bulk(index="days", body=lines, params={"refresh": "true"})
            seen = own.search(index="days", body={"size": 0, "track_total_hits": True})["hits"]["total"]["value"]
            if answer["errors"] or seen < (part + 1) * 20:
                failures.append((answer, seen))

    threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
    patience = sys.getswitchinterval()
    # Threads take turns between nearly any two steps, and not every 5 ms.
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(patience)
    assert failures == []
    assert client.count(index="days")["count"] == 6 * 10 * 20 + 1
    assert client.get(index="days", id="one")["_version"] == 6 * 10 * 20


def test_the_server_says_what_it_serves_and_where(url: str, http: urllib3.PoolManager) -> None:
    answer = http.request("GET", f"{url}/")
    assert (answer.status, answer.json()) == (200, {"stand_ins": {"search": f"{url}/search"}})
    assert http.request("GET", f"{url}/elsewhere").status == 404


def test_a_connection_serves_many_requests(url: str, http: urllib3.PoolManager) -> None:
    for _ in range(20):
        assert http.request("GET", f"{url}/search").status == 200
    assert http.connection_from_url(url).num_connections == 1


def test_an_answer_to_head_is_a_head_alone(url: str) -> None:
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10) as connection:
        head = "/search HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(f"HEAD {head}\r\nGET {head}Connection: close\r\n\r\n".encode())
        said = b""
        while part := connection.recv(65536):
            said += part
    heads = said.split(b"\r\n\r\n")
    assert [head[:15] for head in heads[:2]] == [b"HTTP/1.1 200 OK"] * 2
    assert json.loads(heads[2])["version"]["distribution"] == "opensearch"


def test_bodies_may_be_compressed_and_are_bounded(client: OpenSearch, url: str, http: urllib3.PoolManager) -> None:
    def put(body: bytes, **headers: str) -> int:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Content-Type": "application/json"} | headers
        return http.request("PUT", f"{url}/search/days/_doc/1", body=body, headers=sent).status

    document = json.dumps({"metric": "wind"}).encode()
    assert put(document) == 201
    assert put(gzip.compress(document), Content_Encoding="gzip") == 200
    assert put(document, Content_Encoding="gzip") == 400
    assert put(gzip.compress(document)[:-4], Content_Encoding="gzip") == 400
    assert put(document, Content_Encoding="br") == 415
    assert put(document, Content_Type="text/plain") == 406
    assert put(gzip.compress(b" " * (MAX_BODY + 1)), Content_Encoding="gzip") == 413
    assert put(b" " * (MAX_BODY + 1)) == 413
    assert put(b"", Content_Length="1e3") == 400
    chunked = http.request("PUT", f"{url}/search/days/_doc/1", body=iter([document]), chunked=True)
    assert chunked.status == 411
    assert client.get(index="days", id="1")["_version"] == 2


def test_pages_in_a_browser_are_served_nothing(url: str, http: urllib3.PoolManager) -> None:
    for headers in ({"Origin": "http://example.com"}, {"Host": "example.com"}, {"Host": "example.com:9200"}):
        assert http.request("GET", f"{url}/search", headers=headers).status == 403
    assert http.request("GET", f"{url}/search", headers={"Host": "localhost:9200"}).status == 200


def test_a_mistake_in_one_answer_does_not_end_the_server(
    http: urllib3.PoolManager, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_request: object) -> Reply:
        raise RuntimeError("a mistake of this test")

    with served(broken=broken, search=Search()) as url:
        answer = http.request("GET", f"{url}/broken")
        assert (answer.status, "a mistake of this test" in answer.json()["message"]) == (500, True)
        assert http.request("GET", f"{url}/search").status == 200
    assert "a mistake of this test" in capsys.readouterr().err

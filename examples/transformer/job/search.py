"""The index of a version in OpenSearch: how it is reached, and what a day looks like in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from opensearchpy import OpenSearch, Urllib3AWSV4SignerAuth, Urllib3HttpConnection
from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import TransportError

MAPPING: dict[str, Any] = {
    "mappings": {
        "dynamic": "strict",
        "properties": {
            "transform_id": {"type": "keyword"},
            "date": {"type": "date", "format": "strict_date"},
            "month": {"type": "integer"},
            "metric": {"type": "keyword"},
            "value": {"type": "double"},
            "normal": {"type": "double"},
            "departure": {"type": "double"},
        },
    }
}
"""The fields of a day, and no others."""

SECONDS_AT_MOST = 10
_LATER = (429, 500, 502, 503, 504)


class SearchUnavailable(RuntimeError):
    """OpenSearch does not answer, or has too much to do. The state machine tries again."""


class SearchRefused(RuntimeError):
    """OpenSearch refuses what it was asked for: trying again would not help."""


def connect() -> OpenSearch:
    """OpenSearch at the address that the search stack has published. Each call is signed in the function's name."""
    session = boto3.Session()
    return OpenSearch(
        hosts=[os.environ["SEARCH_ENDPOINT"]],
        http_auth=Urllib3AWSV4SignerAuth(session.get_credentials(), session.region_name, "es"),
        connection_class=Urllib3HttpConnection,
        timeout=SECONDS_AT_MOST,
        max_retries=2,
        retry_on_timeout=True,
        retry_on_status=_LATER,
    )


@contextmanager
def asked_to(what: str) -> Iterator[None]:
    """Says what OpenSearch was asked to do when it does not do it.

    Raises:
        SearchUnavailable: It is worth another try.
        SearchRefused: It is not.
    """
    try:
        yield
    except TransportError as error:
        said = f"OpenSearch did not {what}: {error}"
        later = isinstance(error, NoConnection) or error.status_code in _LATER
        raise (SearchUnavailable(said) if later else SearchRefused(said)) from error


def prepare(client: OpenSearch, index: str) -> None:
    """Makes the index if it is not there; jobs that do so at the same time do not disturb each other."""
    with asked_to(f"make the index {index}"):
        made: dict[str, Any] = client.indices.create(index=index, body=MAPPING, ignore=400)
    error = made.get("error", {})
    if error and error.get("type") != "resource_already_exists_exception":
        raise SearchRefused(f"OpenSearch did not make the index {index}: {error.get('type')}, {error.get('reason')}")

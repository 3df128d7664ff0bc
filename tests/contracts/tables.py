"""The table as the router's construct defines it: both read the names from the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from tests.contracts.backends import Backend

from canary_router import settings
from canary_router.adapters.aws.dynamodb import DynamoLedger

_numbers = count(1)


def create_table(client: Any, name: str) -> None:
    indexes = {
        settings.RELEASE_INDEX: settings.RELEASE_INDEX_KEY,
        settings.PENDING_INDEX: settings.PENDING_INDEX_KEY,
    }
    types = {
        settings.PARTITION_KEY: "S",
        settings.SORT_KEY: "S",
        settings.INDEX_SORT_KEY: "N",
        **dict.fromkeys(indexes.values(), "S"),
    }
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": field, "AttributeType": kind} for field, kind in types.items()],
        KeySchema=_keys(settings.PARTITION_KEY, settings.SORT_KEY),
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": _keys(key, settings.INDEX_SORT_KEY),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, key in indexes.items()
        ],
    )


@contextmanager
def new_ledger(backend: Backend) -> Iterator[DynamoLedger]:
    """A ledger over a table of its own. moto copies every item there is at every transaction, so none stay."""
    client = backend.client("dynamodb")
    name = settings.table_name(f"contract-{next(_numbers)}")
    create_table(client, name)
    yield DynamoLedger(client, name)
    client.delete_table(TableName=name)


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]

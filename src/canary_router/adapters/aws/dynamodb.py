"""The ledger as a DynamoDB table: clauses become condition expressions, a commit becomes one write or transaction."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from canary_router import settings
from canary_router.adapters.aws.expressions import decode_item, encode, encode_item, request_of
from canary_router.adapters.aws.trouble import cancellation_reasons, code_of, read, response_of, write
from canary_router.core.conditions import Failure, Item, Key, Refusal, Write, failed_clauses
from canary_router.errors import Unavailable, Uncertain
from canary_router.ports import Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from canary_router.adapters.aws.wire.calls import TableCalls

_INDEX_KEYS = {
    settings.RELEASE_INDEX: settings.RELEASE_INDEX_KEY,
    settings.PENDING_INDEX: settings.PENDING_INDEX_KEY,
}


class DynamoLedger:
    """One environment's table."""

    def __init__(self, client: "DynamoDBClient | TableCalls", table: str) -> None:
        """Args: a client of DynamoDB and the table's name."""
        self._client = client
        self._table = table

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """GetItem."""
        what = f"reading {key.partition} {key.sort}"

        def call() -> Item | None:
            answer = self._client.get_item(
                TableName=self._table, Key=_key(key), ConsistentRead=consistent, ReturnConsumedCapacity="TOTAL"
            )
            if "ConsumedCapacity" not in answer:
                # botocore takes an answer that was cut off, or is no JSON, for an empty one: "no such item".
                raise Unavailable(f"{what}: the answer was cut off")
            item = answer.get("Item")
            return None if item is None else decode_item(item)

        return read(what, call)

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        """One PutItem or UpdateItem, or a TransactWriteItems, which costs twice as much, for several."""
        what = f"writing {' and '.join(item.key.partition for item in writes)}"
        requests = [request_of(self._table, item) for item in writes]
        if len(writes) == 1:
            # To assign the same twice is to assign it once; to add twice is not.
            return write(what, partial(self._send_one, writes[0], *requests[0]), repeatable=not writes[0].add)
        items = [{kind: request} for kind, request in requests]
        # For ten minutes DynamoDB takes a transaction with the same token for the same transaction.
        return write(what, partial(self._send_all, writes, items, os.urandom(16).hex()))

    def _send_one(self, sent: Write, kind: str, request: Any, lost: int) -> Refusal | None:
        try:
            (self._client.put_item if kind == "Put" else self._client.update_item)(**request)
        except Exception as error:
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            if lost:
                raise Uncertain(f"writing {sent.key.partition}: refused, perhaps by what was written before") from error
            return Refusal((_failure(sent, (response_of(error) or {}).get("Item")),))
        return None

    def _send_all(self, sent: Sequence[Write], items: Any, token: str, _: int) -> Refusal | None:
        try:
            self._client.transact_write_items(TransactItems=items, ClientRequestToken=token)
        except Exception as error:
            failures = tuple(
                _failure(item, reason.get("Item"))
                for item, reason in zip(sent, cancellation_reasons(error), strict=False)
                if reason.get("Code") == "ConditionalCheckFailed"
            )
            if failures:
                return Refusal(failures)
            raise
        return None

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> Page:
        """Query of an index, by age."""
        return self._query(
            cursor,
            IndexName=index,
            KeyConditionExpression="#partition = :partition",
            ExpressionAttributeNames={"#partition": _INDEX_KEYS[index]},
            ExpressionAttributeValues={":partition": encode(value)},
            ScanIndexForward=not newest_first,
            Limit=limit,
        )

    def by_prefix(self, partition: str, prefix: str, *, cursor: str | None = None, limit: int = 100) -> Page:
        """Query of a partition."""
        return self._query(
            cursor,
            ConsistentRead=True,
            KeyConditionExpression="#partition = :partition AND begins_with(#sort, :prefix)",
            ExpressionAttributeNames={"#partition": settings.PARTITION_KEY, "#sort": settings.SORT_KEY},
            ExpressionAttributeValues={":partition": encode(partition), ":prefix": encode(prefix)},
            Limit=limit,
        )

    def _query(self, cursor: str | None, **request: Any) -> Page:
        if cursor is not None:
            request["ExclusiveStartKey"] = json.loads(cursor)

        def call() -> Page:
            answer = self._client.query(TableName=self._table, **request)
            after = answer.get("LastEvaluatedKey")
            items = tuple(decode_item(item) for item in answer["Items"])
            return Page(items, None if after is None else json.dumps(after))

        return read(f"listing items of {self._table}", call)


def _key(key: Key) -> dict[str, Any]:
    return encode_item({settings.PARTITION_KEY: key.partition, settings.SORT_KEY: key.sort})


def _failure(sent: Write, stored: Mapping[str, Any] | None) -> Failure:
    item = None if not stored else decode_item(stored)
    return Failure(sent.key, failed_clauses(sent.clauses, item), item)

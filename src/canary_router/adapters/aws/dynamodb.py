"""The ledger as a DynamoDB table: clauses become condition expressions, a commit becomes one write or transaction."""

import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from canary_router import settings
from canary_router.adapters.aws.expressions import decode_item, encode, encode_item, request_of
from canary_router.adapters.aws.trouble import code_of, of_write, unavailable
from canary_router.core.conditions import Failure, Item, Key, Refusal, Write, failed_clauses
from canary_router.errors import Unavailable
from canary_router.ports import Page

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_INDEX_KEYS = {
    settings.RELEASE_INDEX: settings.RELEASE_INDEX_KEY,
    settings.PENDING_INDEX: settings.PENDING_INDEX_KEY,
}
_CONFLICT = "TransactionConflict"
_CONFLICTS_AT_MOST = 8


class DynamoLedger:
    """One environment's table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        """Args: a boto3 ``dynamodb`` client and the table's name."""
        self._client = client
        self._table = table

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """GetItem."""
        try:
            answer = self._client.get_item(TableName=self._table, Key=_key(key), ConsistentRead=consistent)
        except (ClientError, BotoCoreError) as error:
            raise unavailable(f"reading {key.partition} {key.sort}", error) from error
        item = answer.get("Item")
        return None if item is None else decode_item(item)

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        """One PutItem or UpdateItem, or a TransactWriteItems, which costs twice as much, for several."""
        if len(writes) == 1:
            return self._commit_one(writes[0])
        for attempt in range(_CONFLICTS_AT_MOST):
            refusal, conflict = self._commit_all(writes)
            if not conflict:
                return refusal
            time.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 - jitter, not a secret
        raise Unavailable("Too many others are writing the same items at this moment")

    def _commit_one(self, write: Write) -> Refusal | None:
        kind, request = request_of(self._table, write)
        call = self._client.put_item if kind == "Put" else self._client.update_item
        try:
            call(**request)
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return Refusal((_failure(write, error.response.get("Item")),))  # type: ignore[arg-type]
            raise of_write(f"writing {write.key.partition}", error) from error
        except BotoCoreError as error:
            raise of_write(f"writing {write.key.partition}", error) from error
        return None

    def _commit_all(self, writes: Sequence[Write]) -> tuple[Refusal | None, bool]:
        requests: list[Any] = [{kind: request} for kind, request in (request_of(self._table, w) for w in writes)]
        what = f"writing {' and '.join(write.key.partition for write in writes)}"
        try:
            self._client.transact_write_items(TransactItems=requests)
        except ClientError as error:
            if code_of(error) != "TransactionCanceledException":
                raise of_write(what, error) from error
            reasons: list[Mapping[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]
            failures = tuple(
                _failure(write, reason.get("Item"))
                for write, reason in zip(writes, reasons, strict=False)
                if reason.get("Code") == "ConditionalCheckFailed"
            )
            if failures:
                return Refusal(failures), False
            if any(reason.get("Code") == _CONFLICT for reason in reasons):
                return None, True
            raise unavailable(what, error) from error
        except BotoCoreError as error:
            raise of_write(what, error) from error
        return None, False

    def by_index(self, index: str, value: str, *, cursor: str | None = None, limit: int = 100) -> Page:
        """Query of an index, oldest first."""
        return self._query(
            cursor,
            IndexName=index,
            KeyConditionExpression="#partition = :partition",
            ExpressionAttributeNames={"#partition": _INDEX_KEYS[index]},
            ExpressionAttributeValues={":partition": encode(value)},
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
        try:
            answer = self._client.query(TableName=self._table, **request)
        except (ClientError, BotoCoreError) as error:
            raise unavailable(f"listing items of {self._table}", error) from error
        after = answer.get("LastEvaluatedKey")
        return Page(tuple(decode_item(item) for item in answer["Items"]), None if after is None else json.dumps(after))


def _key(key: Key) -> dict[str, Any]:
    return encode_item({settings.PARTITION_KEY: key.partition, settings.SORT_KEY: key.sort})


def _failure(write: Write, stored: Mapping[str, Any] | None) -> Failure:
    item = None if not stored else decode_item(stored)
    return Failure(write.key, failed_clauses(write.clauses, item), item)

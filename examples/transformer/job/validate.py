"""The last step: what was delivered, to S3 and to the search index, is what Athena had found.

It reads both as their users will. Until it has, the job has not succeeded.
"""

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from opensearchpy import OpenSearch

from transformer.job import search
from transformer.job.report import rows

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

S3 = boto3.client("s3")
MORE_THAN_A_YEAR = 1000
ROUNDED = 0.0051
"""Athena rounds the mean to two digits."""


class NotDelivered(ValueError):
    """What was delivered is not what was found; the message says where, which month, and both numbers."""


class Month(NamedTuple):
    """What each of the three says of a month."""

    days: int
    lowest: float
    mean: float
    highest: float


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Compares, and answers with what was delivered and where."""
    return compare(event, S3, search.connect(), os.environ)


def compare(event: dict[str, Any], s3: "S3Client", client: OpenSearch, place: Mapping[str, str]) -> dict[str, Any]:
    """Compares the published result and the index with the rows of Athena.

    Args:
        event: The ``execution``, its ``order``, Athena's ``monthly`` rows, and what was ``published`` and ``indexed``.
        s3: Where the result is.
        client: Where the index is.
        place: Bucket and prefix of the results; the function's variables.

    Raises:
        NotDelivered: They are not the same.
        SearchUnavailable: OpenSearch does not answer.
        SearchRefused: It answers that this may not be.
    """
    execution = event["execution"]
    key = f"{place['PREFIX']}{execution}.json"
    result = json.loads(s3.get_object(Bucket=place["BUCKET"], Key=key)["Body"].read())
    found = months_of(rows(event["monthly"]))
    there = f"s3://{place['BUCKET']}/{key}"
    agree(found, months_of(result["months"]), there)
    is_answer(result, event, sum(month.days for month in found.values()), there)
    index = event["indexed"]["index"]
    days = indexed(client, index, execution)
    agree(found, months_of_days(days), f"the index {index}")
    are_days_of(event["order"], days, f"the index {index}")
    return {**event["published"], **event["indexed"]}


def indexed(client: OpenSearch, index: str, execution: str) -> list[dict[str, Any]]:
    """The documents of an execution, as a search finds them."""
    with search.asked_to(f"find the documents of {execution} in the index {index}"):
        client.indices.refresh(index=index)
        answer = client.search(
            index=index, body={"query": {"term": {"transform_id": execution}}, "size": MORE_THAN_A_YEAR}
        )
    return [hit["_source"] for hit in answer["hits"]["hits"]]


def months_of(months: Sequence[Mapping[str, Any]]) -> dict[int, Month]:
    """Months as Athena's rows and the result have them, by number."""
    return {
        int(it["month"]): Month(int(it["days"]), float(it["lowest"]), float(it["mean"]), float(it["highest"]))
        for it in months
    }


def months_of_days(days: Sequence[Mapping[str, Any]]) -> dict[int, Month]:
    """The same from days. A day without a value was not observed, and counts for nothing."""
    values: dict[int, list[float]] = defaultdict(list)
    for day in days:
        if day["value"] is not None:
            values[day["month"]].append(day["value"])
    return {month: Month(len(of), min(of), sum(of) / len(of), max(of)) for month, of in values.items()}


def agree(found: Mapping[int, Month], delivered: Mapping[int, Month], where: str) -> None:
    """Compares month by month.

    Raises:
        NotDelivered: A month differs, or is there and not here; the first one is named.
    """
    for month in sorted(found.keys() | delivered.keys()):
        ours, theirs = found.get(month), delivered.get(month)
        if ours is None or theirs is None or not _same(ours, theirs):
            raise NotDelivered(f"Month {month} is {theirs} in {where}; Athena found {ours}")


def is_answer(result: Mapping[str, Any], event: Mapping[str, Any], days: int, where: str) -> None:
    """Holds the rest of the result against what was asked.

    Raises:
        NotDelivered: It answers something else, or its totals do not add up.
    """
    wanted = {"transform_id": event["execution"], **event["order"], "days": days}
    is_there = {name: result.get(name) for name in wanted} | {"weather": sum(result.get("weather", {}).values())}
    for name, value in (wanted | {"weather": days}).items():
        if is_there[name] != value:
            raise NotDelivered(f"{name} is {is_there[name]!r} in {where}, and should be {value!r}")


def are_days_of(order: Mapping[str, Any], days: Sequence[Mapping[str, Any]], where: str) -> None:
    """Holds each day against what was asked, and its departure against its value and what is normal in its month.

    Raises:
        NotDelivered: A day is another year's or month's, is there twice, or contradicts itself or its month.
    """
    seen: set[str] = set()
    normal: dict[int, float] = {}
    for day in days:
        date, month = day["date"], day["month"]
        is_asked = date.startswith(f"{order['year']}-{month:02}-") and day["metric"] == order["metric"]
        is_consistent = normal.setdefault(month, day["normal"]) == day["normal"] and (
            day["value"] is None or abs(day["value"] - day["normal"] - day["departure"]) <= 2 * ROUNDED
        )
        if date in seen or not is_asked or not is_consistent:
            raise NotDelivered(
                f"{date} is {dict(day)} in {where}, which is {'there twice' if date in seen else 'wrong'}"
            )
        seen.add(date)


def _same(ours: Month, theirs: Month) -> bool:
    exactly = (ours.days, ours.lowest, ours.highest) == (theirs.days, theirs.lowest, theirs.highest)
    return exactly and abs(ours.mean - theirs.mean) <= ROUNDED

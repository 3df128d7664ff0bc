"""A job's result: where it is, and what it says."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

LIMIT_BYTES = 256 * 1024
_LARGEST = 1e9
_MEASURES = ("lowest", "mean", "highest")
_EXECUTION = re.compile(
    r"arn:aws[a-z-]*:states:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):execution:(?P<stack>[A-Za-z0-9-]+)"
    r":(?P<transform_id>[A-Za-z0-9_-]{1,80})",
    re.ASCII,
)
_RESULTS = re.compile(r"s3://(?P<bucket>[a-z0-9.-]{3,63})/(?P<prefix>[A-Za-z0-9/_-]{0,200})", re.ASCII)


class ResultUnreadable(Exception):
    """A job has succeeded, and its result cannot be shown; the message says why, to a person."""


@dataclass(frozen=True)
class Place:
    """Where a result is.

    Attributes:
        bucket: The bucket.
        key: The object in it.
        account: The account that the bucket must belong to.
    """

    bucket: str
    key: str
    account: str

    @classmethod
    def of(cls, execution_arn: str, results: str) -> "Place":
        """The place of an execution's result.

        Args:
            execution_arn: The execution; its name is the job's id.
            results: Where its version writes them, as the version's stack has published it: ``s3://bucket/prefix``.

        Raises:
            ResultUnreadable: One of them has another form.
        """
        execution, where = _EXECUTION.fullmatch(execution_arn), _RESULTS.fullmatch(results)
        if execution is None or where is None:
            raise ResultUnreadable("It is not known where the result is.")
        return cls(where["bucket"], f"{where['prefix']}{execution['transform_id']}.json", account=execution["account"])


def stack_of(execution_arn: str) -> str:
    """The version's stack, whose name its state machine has.

    Raises:
        ResultUnreadable: This is no execution's ARN.
    """
    found = _EXECUTION.fullmatch(execution_arn)
    if found is None:
        raise ResultUnreadable("It is not known which execution has the result.")
    return found["stack"]


@dataclass(frozen=True)
class Month:
    """One month: its number, and its measures by name, in the order of the document."""

    month: int
    measures: Mapping[str, float]

    @property
    def lowest(self) -> float:
        """The lowest value."""
        return self.measures["lowest"]

    @property
    def mean(self) -> float:
        """The mean."""
        return self.measures["mean"]

    @property
    def highest(self) -> float:
        """The highest value."""
        return self.measures["highest"]


@dataclass(frozen=True)
class Result:
    """What a job has found out.

    Attributes:
        metric: The metric.
        unit: Its unit.
        days: Number of days with observations.
        months: The months, in order.
        weather: Number of days by kind of weather.
    """

    metric: str
    unit: str
    days: int
    months: tuple[Month, ...]
    weather: Mapping[str, int]

    @classmethod
    def parse(cls, document: Any) -> "Result":
        """Reads a document. Versions add measures, so what is not known is shown by its name and not refused.

        Raises:
            ResultUnreadable: What the chart needs is not there.
        """
        try:
            return cls(
                metric=str(document["metric"])[:40],
                unit=str(document["unit"])[:10],
                days=int(document["days"]),
                months=_months(document["months"]),
                weather={str(kind)[:20]: int(days) for kind, days in list(document["weather"].items())[:12]},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ResultUnreadable("The result has another form than this page can show.") from error


def fetch(s3: Any, place: Place) -> Result:
    """Reads a result from S3.

    Args:
        s3: A boto3 ``s3`` client.
        place: Where it is.

    Raises:
        ResultUnreadable: It is not there, may not be read, or is not what was expected.
    """
    try:
        answer = s3.get_object(Bucket=place.bucket, Key=place.key, ExpectedBucketOwner=place.account)
        content = answer["Body"].read(LIMIT_BYTES + 1)
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        if code in ("NoSuchKey", "NoSuchBucket", "404"):
            raise ResultUnreadable("The result is no longer in the bucket, or never was.") from error
        raise ResultUnreadable("The result cannot be read from S3 at the moment. Reload this page later.") from error
    if len(content) > LIMIT_BYTES:
        raise ResultUnreadable(f"The result is larger than {LIMIT_BYTES // 1024} KiB, too large for this page.")
    try:
        return Result.parse(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise ResultUnreadable("The result is not JSON.") from error


def _months(documents: Any) -> tuple[Month, ...]:
    by_number = {it.month: it for it in map(_month, documents)}
    if not by_number or len(by_number) != len(documents):
        raise ValueError("months are missing or there twice")
    return tuple(by_number[number] for number in sorted(by_number))


def _month(document: Mapping[str, Any]) -> Month:
    number = document["month"]
    if not isinstance(number, int) or not 1 <= number <= 12:  # noqa: PLR2004 - months
        raise ValueError(f"there is no month {number!r}")
    measures = {name: float(document[name]) for name in _MEASURES}
    for name, value in list(document.items())[:12]:
        if name not in ("month", *_MEASURES) and isinstance(value, int | float) and not isinstance(value, bool):
            measures[str(name)[:20]] = float(value)
    if not all(abs(value) <= _LARGEST for value in measures.values()):  # false for what is no number, too
        raise ValueError("a measure cannot be drawn")
    if not measures["lowest"] <= measures["mean"] <= measures["highest"]:
        raise ValueError("a mean lies outside of its extremes")
    return Month(number, measures)

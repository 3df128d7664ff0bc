"""Where jobs are handed in and asked after: the router, and the two places that tell more than the router does."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from canary_router.client import RouterClient, Transform, Tuning
from canary_router.client.attributes import published
from canary_router.errors import CanaryRouterError
from frontend.execution import Execution, look
from frontend.result import Place, Result, ResultUnreadable, fetch, stack_of

SERVICE = "transformer"
_log = logging.getLogger(__name__)
CONTRACTS: dict[str, dict[str, str]] = {"v1": {}, "v2": {"metric": "measure"}}
"""What the fields of an order are called, where it is not what they are called here. From v1.4.0 on both are taken."""
_PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})


@dataclass(frozen=True)
class Job:
    """Everything that a page shows of a job.

    Attributes:
        transform: What the router says.
        seen: When all this was so.
        execution: What Step Functions says; None when it does not answer or the job has not begun.
        result: The result of a job that has succeeded; None when it cannot be shown.
        trouble: Why it cannot be shown.
    """

    transform: Transform
    seen: datetime
    execution: Execution | None = None
    result: Result | None = None
    trouble: str = ""


class Desk:
    """One environment's jobs. Make one and keep it; it may be used from many threads.

    Args:
        environment: Name of the environment: all that is configured.
        session: boto3 session.
        contract: The contract of its orders, a key of ``CONTRACTS``.
    """

    def __init__(self, environment: str, session: boto3.Session, contract: str = "v1") -> None:
        self.environment = environment
        self._names = CONTRACTS[contract]
        self._session = session
        self._results: dict[str, str] = {}
        # A person waits for the answer: less patience than a batch program would have.
        self._router = RouterClient(environment, session=session, tuning=Tuning(attempts=3, connections=16))
        self._states: Any = session.client("stepfunctions", config=_PATIENCE)
        self._s3: Any = session.client("s3", config=_PATIENCE)

    def submit(self, document: dict[str, Any], key: str) -> Transform:
        """Hands in a job, once for each key, in the words of the contract.

        Raises:
            CanaryRouterError: As ``RouterClient.submit``.
        """
        order = {self._names.get(name, name): value for name, value in document.items()}
        return self._router.submit(SERVICE, order, idempotency_key=key)

    def look(self, transform_id: str, execution_arn: str | None) -> Job:
        """Asks after a job.

        The router's word is needed; without Step Functions and S3 there is less to show, and the page says so.

        Raises:
            CanaryRouterError: As ``RouterClient.find``.
        """
        transform = self._router.find(SERVICE, transform_id, execution_arn)
        execution, result, trouble = None, None, ""
        if transform.execution_arn is not None:
            try:
                execution = look(self._states, transform.execution_arn)
            except (ClientError, BotoCoreError) as error:
                _log.warning("Step Functions tells nothing of %s: %s", transform.transform_id, error)
                trouble = "Step Functions does not tell more about this job at the moment."
        if transform.succeeded:
            try:
                execution_arn = transform.execution_arn or ""
                result = fetch(self._s3, Place.of(execution_arn, self._results_of(stack_of(execution_arn))))
            except ResultUnreadable as error:
                _log.warning("The result of %s cannot be shown: %s (%s)", transform_id, error, error.__cause__)
                trouble = str(error)
        return Job(transform, datetime.now(UTC), execution, result, trouble)

    def _results_of(self, stack: str) -> str:
        """Where a version writes its results, as its stack has published it. A version never changes, nor does that.

        Raises:
            ResultUnreadable: It cannot be found out.
        """
        if stack not in self._results:
            try:
                self._results[stack] = published(self.environment, stack, self._session)["results"]
            except CanaryRouterError as error:
                raise ResultUnreadable("It cannot be found out where this version writes its results.") from error
        return self._results[stack]

"""The first step of the state machine: refuse a bad input, and write the queries for a good one."""

import os
from dataclasses import asdict
from typing import Any

from transformer.job import queries
from transformer.job.contract import read_order
from transformer.job.pace import POLL_SECONDS


def handler(event: object, _context: object) -> dict[str, Any]:
    """Answers with the order, defaults filled in, the SQL of each branch, and how often to look whether it is done.

    Raises:
        InvalidInput: The input is refused. The execution ends as FAILED with this as its cause.
    """
    order = read_order(event)
    table = os.environ["TABLE"]
    sql = {"monthly": queries.monthly(order, table), "weather": queries.weather(order, table)}
    return {"order": asdict(order), "sql": sql, "poll_seconds": POLL_SECONDS}

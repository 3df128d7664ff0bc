"""The first step of the state machine: refuse a bad input, and write the queries for a good one."""

import os
from dataclasses import asdict
from typing import Any

from transformer.job import queries
from transformer.job.order import Order


def handler(event: object, _context: object) -> dict[str, Any]:
    """Answers with the order, defaults filled in, and the SQL of each branch.

    Raises:
        InvalidInput: The input is refused. The execution ends as FAILED with this as its cause.
    """
    order = Order.parse(event)
    table = os.environ["TABLE"]
    sql = {"monthly": queries.monthly(order, table), "weather": queries.weather(order, table)}
    return {"order": asdict(order), "sql": sql}

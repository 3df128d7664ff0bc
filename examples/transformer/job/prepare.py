"""The first step of the state machine: refuse a bad input, and write the queries for a good one."""

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
    return {"order": asdict(order), "sql": {"monthly": queries.monthly(order), "weather": queries.weather(order)}}

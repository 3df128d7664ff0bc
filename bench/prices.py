"""What a million requests cost at the router, by state: calls counted, prices as listed for us-east-1 in 2026-11.

Not in it: what every design pays alike, the REST API's front door (3.50) and the pipeline itself.
"""

from typing import Any

LAMBDA_REQUESTS = 0.20
"""Dollars for a million requests."""
LAMBDA_GB_SECOND = 0.0000133334
"""Dollars, ARM."""
MEMORY_GB = 0.5
WRITE_UNIT = 0.625e-6
READ_UNIT = 0.125e-6
"""Dollars, DynamoDB on demand. A transaction costs two units for each of its items."""
SSM_CALL = 0.05 / 10_000
"""Dollars, for Systems Manager beyond its default 40 calls a second; below it is free."""
MILLION = 1_000_000

# Each state: calls of a request, units, and the assumed milliseconds that it waits (bench/stub.py, DELAYS).
STATES: dict[str, dict[str, Any]] = {
    "bare pass-through": {"calls": "1 Invoke", "ssm": 0, "writes": 0, "reads": 0.0, "waits": 12},
    "ours, asleep": {"calls": "1 Invoke", "ssm": 0, "writes": 0, "reads": 0.0, "waits": 12},
    "ours, awake and full": {"calls": "1 Invoke", "ssm": 0, "writes": 0, "reads": 0.0, "waits": 12},
    "ours, admitted (5 of a release at most)": {
        "calls": "1 TransactWriteItems, 1 Invoke, 1 UpdateItem",
        "ssm": 0,
        # The transaction has two items at double price, and the job stands in two indexes; so does its mark.
        "writes": 2 * 2 + 2 + 3,
        "reads": 0.0,
        # Nobody waits for the mark, the UpdateItem.
        "waits": 21,
    },
    "naive, asleep": {"calls": "2 GetParameter, 1 Invoke", "ssm": 2, "writes": 0, "reads": 0.0, "waits": 20},
    "naive, canary, 1,000 records, 10 running": {
        "calls": "2 GetParameter, 1 Scan, 10 DescribeExecution, 1 Invoke, 1 PutItem",
        "ssm": 2,
        "writes": 1,
        "reads": 150_000 / 4096 / 2,
        "waits": 76,
    },
    "naive, canary, 100,000 records, 1 running": {
        "calls": "2 GetParameter, 15 Scan, 1 DescribeExecution, 1 Invoke, 1 PutItem",
        "ssm": 2,
        "writes": 1,
        "reads": 15_000_000 / 4096 / 2,
        "waits": 208,
    },
}
"""Besides, ours reads the pointers once in five seconds, and while awake the release once a second."""


def table() -> list[dict[str, Any]]:
    """Dollars for a million requests, by state."""
    rows = []
    for name, state in STATES.items():
        compute = state["waits"] / 1000 * MEMORY_GB * LAMBDA_GB_SECOND * MILLION
        units = (state["writes"] * WRITE_UNIT + state["reads"] * READ_UNIT) * MILLION
        rows.append(
            {
                "state": name,
                "calls": state["calls"],
                "dollars": round(LAMBDA_REQUESTS + compute + units, 2),
                "ssm_dollars": round(state["ssm"] * SSM_CALL * MILLION, 2),
            }
        )
    return rows

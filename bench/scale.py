"""``python -m bench.scale``: the tables of docs/explanation/scale.md; ``--write`` puts them there. Some three minutes.

Simulated, not measured on AWS. The last two columns of the first table take most of the time.
"""

import argparse
import sys
from functools import cache
from pathlib import Path
from typing import Any

from bench import prices

from canary_router.sim.load.fleet import quiet
from canary_router.sim.load.limits import DEFAULT, HIGHER
from canary_router.sim.load.run import Load, simulate

PAGE = Path(__file__).parents[1] / "docs/explanation/scale.md"
RATES = (10, 1_000, 100_000)
BEYOND = {
    "1,000 a second, no instance warm, 40 SSM calls a second": Load(1_000, warm=False, limits=DEFAULT),
    "the same, higher throughput": Load(1_000, warm=False, limits=HIGHER),
    "100,000 a second, warm, 40 SSM calls a second": Load(100_000, jobs=3, limits=DEFAULT),
    "the same, higher throughput and `pointer_ttl=10`": Load(100_000, jobs=3, pointer_ttl=10, limits=HIGHER),
}
REST_TIERS = ((333e6, 3.50), (667e6, 2.80), (19e9, 2.38), (float("inf"), 1.51))
"""Requests of a month, and dollars for a million of them."""
MONTH = 30 * 86_400
LOG_GB = 0.50
LOG_BYTES = 1_200
"""Of a request: two metrics, the API's access log, what Lambda writes by itself."""
CONTROLLER_GB_SECONDS = 0.256 * 0.020
TRANSITION = 25.0
"""Dollars for a million state transitions of a standard workflow."""


@cache
def figures(load: Load) -> dict[str, Any]:
    """A load's figures, simulated once."""
    return simulate(load)


def scale_row(rate: int) -> list[str]:
    """A column of the first table: what happens at a rate while AWS takes everything."""
    found = figures(Load(rate))
    awake, calls = found["awake"], found["calls"]

    def of(name: str, kind: str) -> float:
        return float(calls.get(name, {}).get(kind, 0))

    failed = sum(number for answer, number in found["answers"].items() if not answer.startswith("202"))
    return [
        f"{found['instances']:,}",
        f"{of('Invoke', 'a second'):,.0f}",
        f"{of('GetParameters', 'a second'):,.1f} / {of('GetParameters', 'peak'):,.0f}",
        f"{awake['half saw it after']} / {awake['the last saw it after']} s",
        f"{of('GetItem, hot', 'peak'):,.0f}",
        f"{of('TransactWriteItems', 'peak'):,.0f}",
        f"{awake['admitted']} / {awake['admissions refused']} / {awake['transactions in conflict']}",
        "-" if awake["last refusal after"] is None else f"{awake['last refusal after']} s",
        f"{failed}",
        f"{found['latency']['median']:.0f} / {found['latency']['p99']:.0f} ms",
    ]


ROWS = (
    ("instances = concurrency of the router", "1,000, all functions together"),
    ("Invoke a second", "10 for each of the account's concurrency"),
    ("GetParameters a second, average / peak", "40; higher throughput 1,000"),
    ("half / the last of the instances see the release after", ""),
    ("GetItem of release and state, worst second", "6,000"),
    ("TransactWriteItems on the release, worst second", "500"),
    ("admitted / refused / in conflict, in all", ""),
    ("last refusal after", ""),
    ("requests that failed", ""),
    ("answered in, median / p99", ""),
)


def scale_table() -> str:
    """Rates side by side, with AWS's limits."""
    columns = [scale_row(rate) for rate in RATES]
    lines = [f"| | {' | '.join(f'{rate:,} a second' for rate in RATES)} | AWS takes |", "|---|---|---|---|---|"]
    for number, (name, limit) in enumerate(ROWS):
        lines.append(f"| {name} | {' | '.join(column[number] for column in columns)} | {limit} |")
    return "\n".join(lines)


def beyond_row(name: str) -> str:
    """A row of the second table: what happens beyond a limit."""
    found = figures(BEYOND[name])
    answers = found["answers"]
    failed = sum(number for answer, number in answers.items() if not answer.startswith("202"))
    asked = found["calls"]["GetParameters"]["a second"]
    saw = f"{found['awake']['instances that saw it']:,} of {found['instances']:,}"
    share = f"{failed / sum(answers.values()):.1%}"
    return f"| {name} | {asked:,.0f} | {share} | {found['latency']['p99']:,.0f} ms | {saw} |"


def beyond_table() -> str:
    """Loads that go beyond a limit, each beside the setting that helps."""
    head = "| load | GetParameters tried a second | failed (503) | p99 | saw the release while it was open |"
    return "\n".join([head, "|---|---|---|---|---|", *(beyond_row(name) for name in BEYOND)])


def dollars(rate: int, pointer_ttl: float, latency: float = 0.052) -> dict[str, float]:
    """Dollars a month at a steady rate; only what the router adds, and one transition of Step Functions beside it."""
    requests = rate * MONTH
    rest, left = 0.0, float(requests)
    for size, price in REST_TIERS:
        rest += min(left, size) / 1e6 * price
        left -= min(left, size)
    compute = requests * latency * prices.MEMORY_GB * prices.LAMBDA_GB_SECOND
    controller = requests * (prices.READ_UNIT + CONTROLLER_GB_SECONDS * prices.LAMBDA_GB_SECOND)
    reads = figures(Load(min(rate, 1_000)))["calls"]["GetParameters"]["a second"] * rate / min(rate, 1_000)
    # Below 40 calls a second nobody needs the setting, and without it calls are free.
    paid = 0.0 if rate < RATES[1] else reads * 5.0 / pointer_ttl * MONTH * prices.SSM_CALL
    return {
        "REST API": rest,
        "router": requests / 1e6 * prices.LAMBDA_REQUESTS + compute,
        "controller, once a job": requests / 1e6 * prices.LAMBDA_REQUESTS + controller,
        "logs and metrics": requests * LOG_BYTES / 1e9 * LOG_GB,
        "SSM": paid,
        "one state transition a job": requests / 1e6 * TRANSITION,
    }


def cost_table() -> str:
    """Dollars a month and for a million requests."""
    months = {rate: dollars(rate, 10 if rate == RATES[-1] else 5) for rate in RATES}
    lines = [f"| dollars a month | {' | '.join(f'{rate:,} a second' for rate in RATES)} |", "|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(f'{months[rate][name]:,.0f}' for rate in RATES)} |" for name in months[10]]
    totals = {rate: sum(month.values()) - month["one state transition a job"] for rate, month in months.items()}
    lines.append(f"| **all but the transition** | {' | '.join(f'**{totals[rate]:,.0f}**' for rate in RATES)} |")
    each = " | ".join(f"{totals[rate] / (rate * MONTH / 1e6):.2f}" for rate in RATES)
    lines.append(f"| the same, for a million requests | {each} |")
    return "\n".join(lines)


def written(page: str, tables: dict[str, str]) -> str:
    """The page with its tables replaced; each stands between two comments that name it."""
    for name, text in tables.items():
        before, begin, rest = page.partition(f"<!-- {name} -->\n\n")
        _, end, after = rest.partition(f"\n\n<!-- end of {name} -->")
        assert begin, f"the page has no place for {name}"
        assert end, f"{name} has no end on the page"
        page = before + begin + text + end + after
    return page


def main() -> int:
    """Prints the tables, or writes them into the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/explanation/scale.md")
    given = parser.parse_args()
    quiet()
    tables = {"rates": scale_table(), "beyond": beyond_table(), "cost": cost_table()}
    if given.write:
        PAGE.write_text(written(PAGE.read_text(), tables))
    else:
        print("\n\n".join(tables.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

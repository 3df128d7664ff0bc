"""Measures the request function beside what people would use instead, all in one run, and judges the ratios.

    python -m bench.run [--rounds N] [--quick] [--delays] [--out FOLDER]

Writes results.json and results.svg. Loopback only. Ratios within one run are what counts.
"""

import argparse
import datetime as dt
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import aws, candidates, chart, cold, measures, prices, scenarios

Results = dict[str, Any]


def warm(rounds: int, seconds: float) -> Results:
    """The handlers, and the ways to make one call, in one process that has been running for a while."""
    works = {name: make() for name, make in scenarios.ALL.items()}
    calls = {f"one Invoke over {name}": make() for name, make in candidates.ALL.items()}
    return measures.interleaved({**works, **calls}, rounds, seconds)


LOADED = ("bare", "naive, asleep", "ours, asleep")
CONCURRENCY = (1, 8, 64)


def load(seconds: float, rounds: int) -> Results:
    """Requests a second of one process, by its number of threads; and of processes, by their number."""
    makes = {name: scenarios.ALL[name] for name in LOADED}
    # Processes first: they are forked, and no thread may run then.
    processes = {str(count): measures.by_processes(makes, count, 2 * seconds, rounds) for count in CONCURRENCY}
    works = {name: make() for name, make in makes.items()}
    threads = {str(count): measures.throughput(works, count, seconds, rounds) for count in CONCURRENCY}
    return {"threads": threads, "processes": processes}


def cold_starts(rounds: int) -> Results:
    """Milliseconds of fresh processes to their first answer over TLS."""
    events = {service: json.dumps(scenarios.event_for(service)) for service in scenarios.SERVICES}
    programs = cold.programs(events)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    with tempfile.TemporaryDirectory() as folder:
        certificate, key, bundle = aws.certificates(Path(folder))
        with aws.stub("--tls", str(certificate), str(key)) as url:
            for number in range(rounds + 1):
                for name, program in programs.items():
                    measured = cold.start(program, url, bundle)
                    if number > 0:  # the first round wrote the bytecode
                        taken[name].append(measured)
                print(f"\r  round {number} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {
        name: {
            "wall_ms": round(statistics.median(wall for wall, _ in each), 1),
            "cpu_ms": round(statistics.median(cpu for _, cpu in each), 1),
            "worst_ms": round(max(wall for wall, _ in each), 1),
        }
        for name, each in taken.items()
    }


def judged(results: Results) -> list[Results]:
    """The ratios that have a limit."""
    hot, fresh, rates = results["warm"], results["cold"], results["load"]["threads"]["1"]
    boto3, bare = "boto3, four clients, ", hot["bare"]
    naive = hot["naive, 1,000 records, 1 running"]
    full = hot["ours, awake and full"]
    rows: list[tuple[str, float, str, float]] = []
    for state, limit in (("asleep", 0.30), ("awake and full", 0.35), ("admitted, 10 records", 0.70)):
        side = hot[f"ours, {state}"]
        rows += [
            (f"{state} / bare, {unit}", side[f"{unit}_us"] / bare[f"{unit}_us"], "<=", limit)
            for unit in ("wall", "cpu")
        ]
    many, few = (hot[f"ours, admitted, {count} records"] for count in ("100,000", "10"))
    rows += [
        ("admitted, 100,000 / 10 records, cpu", many["cpu_us"] / few["cpu_us"], "<=", 1.05),
        ("admitted, 100,000 / 10 records, wall", many["wall_us"] / few["wall_us"], "<=", 1.05),
        *(
            (
                f"cold start, {state} / boto3, {unit}",
                fresh[f"ours, {state}"][unit] / fresh[boto3 + state][unit],
                "<=",
                0.35,
            )
            for state in ("asleep", "admitted")
            for unit in ("wall_ms", "cpu_ms")
        ),
        ("throughput asleep, ours / naive", rates["ours, asleep"] / rates["naive, asleep"], ">=", 8),
        ("naive canary, 1,000 records / ours awake", naive["wall_us"] / full["wall_us"], ">=", 50),
    ]
    return [
        {
            "measure": name,
            "ratio": round(ratio, 3),
            "limit": f"{sign} {limit}",
            "holds": ratio <= limit if sign == "<=" else ratio >= limit,
        }
        for name, ratio, sign, limit in rows
    ]


def described() -> Results:
    """What was measured where, without the machine's name."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "python": platform.python_version(),
        "boto3": version("boto3"),
        "urllib3": version("urllib3"),
    }


def show(results: Results) -> None:
    """Prints the tables."""
    bare = results["warm"]["bare"]
    print(f"\n{'warm':36} {'wall us':>9} {'p99 us':>9} {'cpu us':>9} {'wall/bare':>9} {'cpu/bare':>9}")
    for name, each in results["warm"].items():
        ratios = f"{each['wall_us'] / bare['wall_us']:9.2f} {each['cpu_us'] / bare['cpu_us']:9.2f}"
        print(f"{name:36} {each['wall_us']:9.0f} {each['p99_us']:9.0f} {each['cpu_us']:9.0f} {ratios}")
    print(f"\n{'cold start to the first answer, TLS':36} {'wall ms':>9} {'worst ms':>9} {'cpu ms':>9} {'wall/bare':>9}")
    for name, each in results["cold"].items():
        ratio = each["wall_ms"] / results["cold"]["bare"]["wall_ms"]
        print(f"{name:36} {each['wall_ms']:9.0f} {each['worst_ms']:9.0f} {each['cpu_ms']:9.0f} {ratio:9.2f}")
    for kind, rates in results["load"].items():
        print(f"\n{f'requests a second, by {kind}':36} " + " ".join(f"{count:>9}" for count in rates))
        for name in LOADED:
            print(f"{name:36} " + " ".join(f"{each[name]:9.0f}" for each in rates.values()))
    print(f"\n{'dollars for a million requests':42} {'router':>8} {'+ SSM':>8}  calls of a request")
    for row in results["cost"]:
        print(f"{row['state']:42} {row['dollars']:8.2f} {row['ssm_dollars']:8.2f}  {row['calls']}")
    print(f"\n{'ratio':46} {'is':>8}  limit")
    for row in results["ratios"]:
        print(f"{row['measure']:46} {row['ratio']:8.3f}  {row['limit']:8} {'' if row['holds'] else 'MISSED'}")


def bars(results: Results) -> dict[str, float]:
    """What the chart shows: each handler's time warm and cold, relative to the bare pass-through's."""
    ways = (("warm", "wall_us"), ("cold", "wall_ms"))
    return {
        f"{name}, {way}": results[way][name][unit] / results[way]["bare"][unit]
        for way, unit in ways
        for name in results[way]
        if name.startswith(("bare", "naive", "ours")) and name != "bare interpreter"
    }


def main() -> None:
    """Runs everything, prints it, and writes it down."""
    parser = argparse.ArgumentParser(description="The request function beside its alternatives.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--quick", action="store_true", help="a fifth of the time, for a first look")
    parser.add_argument("--delays", action="store_true", help="the stub takes as long as services are assumed to take")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args()
    rounds = max(3, options.rounds // 5) if options.quick else options.rounds
    logging.disable(logging.CRITICAL)

    results: Results = {"about": described()}
    with aws.stub(*(["--delays"] if options.delays else [])) as url:
        os.environ.clear()
        os.environ.update(aws.environment(url))
        with measures.quiet():
            results["warm"] = warm(rounds, 0.15)
            results["load"] = load(0.5, max(3, rounds // 3))
    results["cold"] = cold_starts(rounds)
    results["cost"] = prices.table()
    results["ratios"] = judged(results)
    show(results)

    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.out / "results.svg").write_text(
        chart.bars("Time of one request, times the bare pass-through", bars(results))
    )
    print(f"\nwritten to {options.out}")
    # With delays the time is the services', so the limits say nothing.
    sys.exit(0 if options.delays or all(row["holds"] for row in results["ratios"]) else 1)


if __name__ == "__main__":
    main()

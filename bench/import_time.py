"""What a cold start pays for importing: median wall milliseconds of fresh processes, and what that is in ratio.

Only ratios within one run mean anything on a machine that others use too. The candidates take turns, so a slow
moment hits them all alike.

    python bench/import_time.py [--rounds N] [--output json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

CANDIDATES = {
    "bare interpreter": "pass",
    "boto3": "import boto3",
    "canary_router": "import canary_router",
    "canary_router.pipeline": "import canary_router.pipeline",
    "canary_router.client": "import canary_router.client",
    "canary_router.lambdas.request": "import canary_router.lambdas.request",
    "canary_router.lambdas.outcome": "import canary_router.lambdas.outcome",
    "canary_router.cli": "import canary_router.cli",
}


FUNCTION = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "CANARY_ROUTER_ENVIRONMENT": "bench",
}
"""What a function finds in its environment: the entry points read it when they are imported."""


def milliseconds(statement: str) -> float | None:
    """Wall time of a fresh process that runs the statement; None when it fails."""
    began = time.perf_counter()
    env = {**os.environ, **FUNCTION}
    done = subprocess.run([sys.executable, "-c", statement], env=env, capture_output=True, check=False)
    return (time.perf_counter() - began) * 1000 if done.returncode == 0 else None


def main() -> None:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(description="Import times of fresh processes.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--output", choices=["table", "json"], default="table")
    options = parser.parse_args()

    present = {name: code for name, code in CANDIDATES.items() if milliseconds(code) is not None}
    times: dict[str, list[float]] = {name: [] for name in present}
    for _ in range(options.rounds):
        for name, code in present.items():
            if (taken := milliseconds(code)) is not None:
                times[name].append(taken)
    medians = {name: statistics.median(taken) for name, taken in times.items()}

    if options.output == "json":
        print(json.dumps({"rounds": options.rounds, "median_ms": {k: round(v, 1) for k, v in medians.items()}}))
        return
    bare = medians["bare interpreter"]
    print(f"{'import':32} {'median ms':>9} {'x bare':>7}   ({options.rounds} fresh processes each)")
    for name, median in medians.items():
        print(f"{name:32} {median:9.1f} {median / bare:7.1f}")
    for name in CANDIDATES.keys() - present.keys():
        print(f"{name:32} {'-':>9}")


if __name__ == "__main__":
    main()

"""``python -m canary_router.sim.load --rate 1000``: one load, its figures as a table or as JSON."""

import argparse
import json
import sys
import time
from typing import Any

from canary_router.settings import POINTER_TTL
from canary_router.sim.load import limits
from canary_router.sim.load.fleet import quiet
from canary_router.sim.load.run import Load, simulate

_LIMITS = {"none": limits.NONE, "default": limits.DEFAULT, "higher": limits.HIGHER}


def table(figures: dict[str, Any], indent: str = "") -> str:
    """The figures for people."""
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", table(value, indent + "  ")]
        elif isinstance(value, int | float):
            lines.append(f"{indent}{name:<{44 - len(indent)}}{value:>12,}")
        else:
            lines.append(f"{indent}{name:<{44 - len(indent)}}{value or '-':>12}")
    return "\n".join(lines)


def main() -> int:
    """Reads the command line and runs the load."""
    parser = argparse.ArgumentParser(prog="python -m canary_router.sim.load", description=__doc__)
    parser.add_argument("--rate", type=float, default=1_000, help="requests a second (default 1000)")
    parser.add_argument("--latency", type=float, default=50, help="milliseconds of an invocation (default 50)")
    parser.add_argument("--jobs", type=float, default=5.5, help="seconds that a job lasts (default 5.5)")
    parser.add_argument("--pointer-ttl", type=float, default=POINTER_TTL, help="seconds (default 5)")
    parser.add_argument("--limits", choices=_LIMITS, default="none", help="what AWS takes: all, or by which setting")
    parser.add_argument("--cold", action="store_true", help="no instance is warm at the beginning")
    parser.add_argument("--in-step", action="store_true", help="all instances read the pointers at the same moment")
    parser.add_argument("--keyed", type=float, default=0, help="part of the requests with an Idempotency-Key, 0 to 1")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default 1)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    quiet()
    began = time.process_time()
    figures = simulate(
        Load(
            rate=given.rate,
            latency=given.latency,
            jobs=given.jobs,
            pointer_ttl=given.pointer_ttl,
            spread=0.0 if given.in_step else 1.0,
            warm=not given.cold,
            keyed=given.keyed,
            limits=_LIMITS[given.limits],
            seed=given.seed,
        )
    )
    sys.stdout.write((json.dumps(figures, indent=2) if given.json else table(figures)) + "\n")
    sys.stderr.write(f"{time.process_time() - began:.0f} s of a processor\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

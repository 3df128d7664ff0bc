"""A whole run: deploy, let the faults begin, send and release, let them end, wait for rest, look at what happened."""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.history import executions, harm
from tests.chaos.proxy import Chaos
from tests.chaos.stage import Stage
from tests.chaos.workload import Deployments, FrontEnds

from canary_router.flows import inspect
from canary_router.local import emulator as local_emulator

_REST_SECONDS = 420


@dataclass(frozen=True)
class Size:
    """How much is to happen."""

    requests: int
    releases: int
    services: int
    threads: int
    rate: float
    pointer_rate: float
    seed: int


def run(size: Size, home: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs it all and returns the figures, with everything that should not have happened under ``harm``."""
    began = time.monotonic()
    emulator = local_emulator.start(home)
    try:
        with Chaos(emulator.endpoint_url, size.seed) as chaos:
            stage = Stage(emulator, chaos.endpoint, [f"batch{number}" for number in range(size.services)])
            say("Deploying")
            stage.deploy(home / "cdk.out")
            return _run_on(stage, chaos, size, say) | {"seconds": round(time.monotonic() - began)}
    finally:
        local_emulator.stop(home)


def _run_on(stage: Stage, chaos: Chaos, size: Size, say: Callable[[str], None]) -> dict[str, Any]:
    front_ends = FrontEnds(stage, size.seed, size.requests, size.threads)
    deployments = Deployments(stage, size.seed, size.releases)
    over = threading.Event()

    def every_few_seconds() -> None:
        while not over.wait(5):
            stage.reconcile()
            done = sum(bool(one.tries) for one in front_ends.requests)
            say(f"{done} requests, {len(deployments.releases)} releases, {sum(chaos.faults.values())} faults")

    minder = threading.Thread(target=every_few_seconds)
    minder.start()
    try:
        chaos.rate, chaos.pointer_rate = size.rate, size.pointer_rate
        front_ends.start()
        deployments.run()
        front_ends.wait()
        chaos.rate = chaos.pointer_rate = 0.0
        say("The faults are over; waiting for rest")
        until = time.monotonic() + _REST_SECONDS
        while time.monotonic() < until and not all(stage.is_asleep(service) for service in stage.services):
            time.sleep(1)
    finally:
        front_ends.stop()
        over.set()
        minder.join()
    ran = executions(stage)
    states = Counter(
        release.state.value for service in stage.services for release in inspect.releases(stage.ports.ledger, service)
    )
    return {
        "seed": size.seed,
        "requests": len(front_ends.requests),
        "calls": sum(len(one.tries) for one in front_ends.requests),
        "answers": dict(Counter(one.status for request in front_ends.requests for one in request.tries)),
        "executions": len(ran),
        "releases": len(deployments.releases),
        "states": dict(states),
        "aws_calls": chaos.calls,
        "faults": dict(chaos.faults),
        "harm": harm(stage, front_ends.requests, deployments.releases, ran),
    }


def main() -> int:
    """``python -m tests.chaos.chaos_run``: the large run, with progress on stderr and the figures on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--releases", type=int, default=30)
    parser.add_argument("--services", type=int, default=6)
    parser.add_argument("--threads", type=int, default=12)
    parser.add_argument("--rate", type=float, default=0.02, help="probability of a fault at each call to AWS")
    parser.add_argument("--pointer-rate", type=float, default=0.1, help="the same at each write of a pointer")
    parser.add_argument("--seed", type=int, default=1)
    size = Size(**vars(parser.parse_args()))

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    with tempfile.TemporaryDirectory() as home:
        figures = run(size, Path(home), say)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["harm"] else 0


if __name__ == "__main__":
    sys.exit(main())

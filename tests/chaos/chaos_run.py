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

from tests.chaos import callers
from tests.chaos.evidence import Evidence, gather
from tests.chaos.faults import DEADLY, Fate, Fault
from tests.chaos.history import harm
from tests.chaos.plan import Plan, drawn
from tests.chaos.proxy import OUTCOME, PIPELINE, REQUEST, Proxy
from tests.chaos.stage import Stage
from tests.chaos.workload import Deployments, FrontEnds

from canary_router.local import emulator as local_emulator

_REST_SECONDS = 420


@dataclass(frozen=True)
class Size:
    """How much is to happen.

    Attributes:
        requests: Jobs, at least; they go on slowly while there are releases to wait for.
        threads: Front-ends that send them.
        rate: Probability of a fault at each call to AWS.
        controller_rate: The same at each call of the controller.
        pointer_rate: The same at each write of a pointer.
        drawn: The faults that are drawn from.
        deadline: Of each release, in seconds.
        is_quick: Whether a lease ends when its holder is known to be dead; else it runs out, as in the world.
        seed: Of what is drawn; how it all interleaves is not repeated.
    """

    requests: int
    threads: int
    rate: float
    controller_rate: float
    pointer_rate: float
    drawn: tuple[Fault, ...]
    deadline: int
    is_quick: bool
    seed: int


def run(size: Size, plan: Plan, home: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs it all and returns the figures.

    Under ``harm`` is everything that should not have happened, under ``unkept`` what should have and did not.
    """
    began = time.monotonic()
    if not callers.can_be_found():
        raise RuntimeError("Only Linux tells which process a call comes from, and the controller is to be killed")
    emulator = local_emulator.start(home)
    try:
        fate = Fate(size.seed, size.drawn)
        with Proxy(emulator.endpoint_url, fate, callers.Callers(emulator)) as proxy:
            stage = Stage(emulator, proxy.endpoints, list(plan.orders), size.deadline)
            say("Deploying")
            stage.deploy(home / "cdk.out")
            say(f"Deployed after {time.monotonic() - began:.0f} s")
            return _run_on(stage, proxy, size, plan, say) | {"seconds": round(time.monotonic() - began)}
    finally:
        local_emulator.stop(home)


def _run_on(stage: Stage, proxy: Proxy, size: Size, plan: Plan, say: Callable[[str], None]) -> dict[str, Any]:
    fate = proxy.fate
    front_ends = FrontEnds(stage, size.seed, size.requests, size.threads)
    deployments = Deployments(stage, plan, lambda service: bool(fate.appointments.get(f"{service}/current")))
    proxy.overtake = deployments.overtake
    if size.is_quick:
        proxy.bereaved = stage.bury
    over = threading.Event()

    def every_few_seconds() -> None:
        while not over.wait(5):
            stage.reconcile()
            done = sum(bool(one.tries) for one in front_ends.requests)
            killed = proxy.kills.total()
            say(f"{done} requests, {len(deployments.releases)} releases, {fate.faults.total()} faults, {killed} killed")

    minder = threading.Thread(target=every_few_seconds)
    minder.start()
    try:
        fate.appoint(plan.appointments)
        fate.rates = {REQUEST: size.rate, PIPELINE: size.rate, OUTCOME: size.controller_rate}
        fate.pointer_rate = size.pointer_rate
        front_ends.start()
        deployments.run()
        front_ends.stop()
        fate.rates, fate.pointer_rate = {}, 0.0
        say("The faults are over; waiting for rest")
        until = time.monotonic() + _REST_SECONDS
        while time.monotonic() < until and not all(stage.is_asleep(service) for service in stage.services):
            time.sleep(1)
    finally:
        front_ends.stop()
        over.set()
        minder.join()
    say("Looking at what happened")
    return _figures(proxy, gather(stage, front_ends.requests, deployments.releases), size, plan)


def _figures(proxy: Proxy, evidence: Evidence, size: Size, plan: Plan) -> dict[str, Any]:
    fate = proxy.fate
    found = harm(evidence)
    states = Counter(release.state.value for line in evidence.lines for release in line.releases)
    deployed = sum(len(line.deployed) for line in evidence.lines)
    unkept = proxy.unkept
    if len(evidence.requests) < size.requests:
        unkept.append(f"{size.requests} requests")
    if deployed < plan.releases:
        unkept.append(f"{plan.releases} releases")
    return {
        "seed": size.seed,
        "requests": len(evidence.requests),
        "calls": sum(len(one.tries) for one in evidence.requests),
        "answers": _sorted(Counter(one.status for request in evidence.requests for one in request.tries)),
        "executions": sum(len(line.ran) for line in evidence.lines),
        "releases": deployed,
        "put_back": sum("put back" in one.note for line in evidence.lines for one in line.latest if not one.is_blank),
        "states": _sorted(states),
        "aws_calls": fate.calls,
        "faults": _sorted(fate.faults),
        "faults_at_pointer_writes": _sorted(fate.pointer_faults),
        "killed": _sorted(proxy.kills),
        "unkept": unkept,
        # What a sentence of harm begins with says which promise was broken; some begin otherwise.
        **{
            word: sum(what.startswith(word) for what in found)
            for word in ("lost", "duplicated", "overshot", "undecided")
        },
        "harm": found,
    }


def _sorted(counted: Counter[Any]) -> dict[Any, int]:
    return dict(sorted(counted.items()))


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
    asked = parser.parse_args()
    plan = drawn(asked.services, asked.releases, asked.seed)
    size = Size(
        requests=asked.requests,
        threads=asked.threads,
        rate=asked.rate,
        controller_rate=asked.rate,
        pointer_rate=asked.pointer_rate,
        drawn=DEADLY,
        deadline=25,
        is_quick=False,
        seed=asked.seed,
    )

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    with tempfile.TemporaryDirectory() as home:
        figures = run(size, plan, Path(home), say)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["harm"] or figures["unkept"] else 0


if __name__ == "__main__":
    sys.exit(main())

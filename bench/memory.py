"""Cold starts of the request function by its memory, which in Lambda is its share of a processor.

    python -m bench.memory [--rounds N]

A function of 1,769 MB has one whole processor, a smaller one its part of each slice of time. Here a process is stopped
and continued by signals instead: the times are those of this machine's processor, and only their ratios mean anything.
Lambda gives the initialisation a whole processor whatever the memory is; both are printed.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import aws, scenarios

WHOLE = 1_769
"""Megabytes that come with one whole processor, as Lambda's documentation says."""
SIZES = (128, 256, 512, 1_024, WHOLE)
SLICE = 0.020
"""Seconds of one slice of time, an assumption."""
_CHILD = """
import json, sys, time
began, event = float(sys.argv[1]), json.loads(sys.argv[2])
from canary_router.lambdas.request import handler
ready = time.monotonic()
print(flush=True)
answer = handler(event, None)
assert answer["statusCode"] == 202, answer
first = time.monotonic()
import resource
print(json.dumps([ready - began, first - ready, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def start(event: str, env: dict[str, str], share: float, *, from_the_start: bool) -> tuple[float, float, int]:
    """Starts the function in a fresh process that is given a share of a processor.

    Args:
        event: The first request, as JSON.
        env: The process's environment.
        share: Of one processor, up to 1.
        from_the_start: Or only once it is initialised.

    Returns:
        Milliseconds of the initialisation and of the first request, and kilobytes of memory.

    Raises:
        RuntimeError: It failed.
    """
    command = [sys.executable, "-c", _CHILD, str(time.monotonic()), event]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        if not from_the_start:
            child.stdout.readline()
        while child.poll() is None and share < 1:
            time.sleep(SLICE * share)
            _send(child, signal.SIGSTOP)
            time.sleep(SLICE * (1 - share))
            _send(child, signal.SIGCONT)
        printed = child.stdout.read()
    if child.returncode:
        raise RuntimeError(f"The function failed with {child.returncode}")
    ready, first, memory = json.loads(printed.splitlines()[-1])  # after the line of metrics
    return ready * 1000, first * 1000, memory


def _send(child: subprocess.Popen[str], number: signal.Signals) -> None:
    # Not before poll() has said that it lives: its number may be somebody else's by then.
    if child.poll() is None:
        child.send_signal(number)


def main() -> None:
    """Runs each size in turn, and prints the medians."""
    parser = argparse.ArgumentParser(description="Cold starts of the request function by its memory.")
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    event = json.dumps(scenarios.event_for("asleep"))
    taken: dict[tuple[int, bool], list[tuple[float, float, int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        certificate, key, bundle = aws.certificates(Path(folder))
        with aws.stub("--tls", str(certificate), str(key)) as url:
            env = aws.environment(url, bundle)
            start(event, env, 1, from_the_start=True)  # writes the bytecode
            for number in range(rounds):
                for size in SIZES:
                    for whole in (True, False):
                        measured = start(event, env, size / WHOLE, from_the_start=not whole)
                        taken.setdefault((size, whole), []).append(measured)
                print(f"\r  round {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print("milliseconds, medians            initialisation     first request    together")
    for (size, whole), each in sorted(taken.items()):
        ready, first = (statistics.median(one[place] for one in each) for place in (0, 1))
        kind = "initialised whole" if whole else "all of it shared"
        print(f"{size:6,} MB, {kind:20} {ready:15.0f} {first:17.0f} {ready + first:11.0f}")
    print(f"memory in use: {max(one[2] for each in taken.values() for one in each) / 1024:.0f} MB")


if __name__ == "__main__":
    main()

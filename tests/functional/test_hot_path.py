"""What a request costs the function that answers it: modules, calls, and processor time beside boto3. Never seconds."""

import gc
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bench import aws, cold, scenarios
from bench.stub import Answers, serve_one

from canary_router.adapters.memory import ManualClock
from canary_router.api import respond
from canary_router.request_wiring import request_ports, router
from canary_router.settings import Settings

OWN_MODULES_AT_MOST = 55
MODULES_AT_MOST = 165
"""Of a fresh interpreter that has answered a request, all included; 150 on Python 3.11. boto3 alone has 400 more."""
IMPORT_AT_MOST = 0.55
"""Of boto3's own import, without any client."""
NEVER = {"boto3", "botocore", "urllib3", "http.client", "email", "uuid", "random", "asyncio", "xml", "decimal"}
_ANSWERED = """
import json, sys
events = json.loads(sys.argv[1])
from canary_router.lambdas.request import handler
answers = [handler(event, None) for event in events]
print(json.dumps({"answers": [answer["statusCode"] for answer in answers], "modules": sorted(sys.modules)}))
"""
_RATIOS = """
import json, logging, sys
from bench import measures, scenarios
logging.disable(logging.CRITICAL)
names = ("bare", "ours, asleep", "ours, awake and full", "ours, admitted, 10 records")
with measures.quiet():
    found = measures.interleaved({name: scenarios.ALL[name]() for name in names}, 3, 0.15)
print(json.dumps({name: each["cpu_us"] for name, each in found.items()}))
"""


def run(program: str, url: str, *args: str, bundle: Path | None = None) -> Any:
    """The JSON that a fresh process prints last."""
    done = subprocess.run(
        [sys.executable, "-c", program, *args],
        env=aws.environment(url, bundle),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def events() -> str:
    return json.dumps([scenarios.event_for(service) for service in scenarios.SERVICES])


def test_a_request_loads_few_modules_and_nothing_of_boto3(events: str) -> None:
    with aws.stub() as url:
        found = run(_ANSWERED, url, events)
    assert found["answers"] == [202, 202, 202]
    modules = set(found["modules"])
    assert not {name for name in modules if name in NEVER or name.partition(".")[0] in NEVER}
    assert len([name for name in modules if name.startswith("canary_router")]) <= OWN_MODULES_AT_MOST
    assert len(modules) <= MODULES_AT_MOST


def test_a_request_knows_nothing_of_the_controller(events: str) -> None:
    with aws.stub() as url:
        modules = set(run(_ANSWERED, url, events)["modules"])
    flows = {"blanking", "drive", "operate", "outcome", "reconcile", "rescue"}
    assert not modules & {f"canary_router.flows.{name}" for name in flows}
    assert not {
        name for name in modules if name.startswith(("canary_router.core.sequential", "canary_router.core.gate"))
    }
    assert not modules & {"canary_router.wiring", "canary_router.adapters.aws.events", "canary_router.core.verdict"}


def test_requests_cost_a_fraction_of_passing_them_on_with_boto3() -> None:
    """The limits are 0.30, 0.35 and 0.70; `make bench` holds to them, on a machine that does nothing else."""
    with aws.stub() as url:
        cpu = run(_RATIOS, url)
    bare = cpu["bare"]
    assert cpu["ours, asleep"] / bare < 0.45
    assert cpu["ours, awake and full"] / bare < 0.50
    assert cpu["ours, admitted, 10 records"] / bare < 0.90


def test_the_request_function_is_imported_in_a_fraction_of_the_time_that_boto3_takes() -> None:
    """Processor time over that of a bare interpreter, the best of five fresh processes each, in turn."""
    programs = {"bare": "pass", "boto3": "import boto3", "ours": "import canary_router.lambdas.request"}
    taken: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(6):  # the first one may have to write bytecode
        for name, program in programs.items():
            taken[name].append(cold.start(["-c", program], "http://127.0.0.1:9")[1])
    best = {name: min(each) for name, each in taken.items()}
    assert (best["ours"] - best["bare"]) / (best["boto3"] - best["bare"]) < IMPORT_AT_MOST


def test_certificates_are_verified_against_the_authorities_that_are_given(events: str, tmp_path: Path) -> None:
    certificate, key, bundle = aws.certificates(tmp_path)
    (tmp_path / "others").mkdir()
    others = aws.certificates(tmp_path / "others")[0]
    with aws.stub("--tls", str(certificate), str(key)) as url:
        assert run(_ANSWERED, url, events, bundle=bundle)["answers"] == [202, 202, 202]
        assert run(_ANSWERED, url, events, bundle=others)["answers"] == [503, 503, 503]


class Counting(Answers):
    """The bench's stub, which counts what it is asked for, and holds back the answers to marks until it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.connections = 0
        self.marks = threading.Event()
        self.marks.set()

    def to(self, head: bytes, body: bytes) -> tuple[str, bytes]:
        operation, answer = super().to(head, body)
        self.calls[operation] += 1
        if operation == "UpdateItem":
            self.marks.wait(5)
        return operation, answer

    def wait_for(self, calls: dict[str, int]) -> None:
        """The last mark may be on its way when its request was answered."""
        until = time.monotonic() + 5
        while self.calls != calls and time.monotonic() < until:
            time.sleep(0.001)
        assert self.calls == calls


@contextmanager
def counted() -> Iterator[tuple[str, Counting]]:
    """The stub inside this process."""
    answers = Counting()
    threads: list[threading.Thread] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                answers.connections += 1
                threads.append(
                    threading.Thread(target=serve_one, args=(connection, answers, None), kwargs={"delays": False})
                )
                threads[-1].start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", answers
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    gc.collect()  # ends the connections of the test's clients
    for thread in threads:
        thread.join(5)


_CLIENTS = 3
"""Of Parameter Store, DynamoDB and Lambda."""
COSTS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "asleep": ({"GetParameters": 1, "Invoke": 1}, {"Invoke": 20}),
    "full": ({"GetParameters": 1, "GetItem": 1, "Invoke": 1}, {"Invoke": 20}),
    "admitting": (
        {"GetParameters": 1, "GetItem": 1, "TransactWriteItems": 1, "Invoke": 1, "UpdateItem": 1},
        {"TransactWriteItems": 20, "Invoke": 20, "UpdateItem": 20},
    ),
}


@pytest.mark.parametrize("service", COSTS)
def test_a_warm_request_makes_the_calls_that_the_protocol_needs_and_no_other(service: str) -> None:
    first, twenty = COSTS[service]
    with counted() as (url, stub):
        ports = replace(request_ports(aws.environment(url), "bench"), clock=ManualClock(1_790_000_000_000))
        routed = router(ports, Settings("bench"))
        event = scenarios.event_for(service)
        assert respond(routed, event)["statusCode"] == 202
        stub.wait_for(first)
        stub.calls.clear()
        assert {respond(routed, event)["statusCode"] for _ in range(20)} == {202}
        stub.wait_for(twenty)
        assert stub.connections <= _CLIENTS + 2, "connections are kept; one that owes an answer for long is dropped"
        del ports, routed


@pytest.mark.parametrize("service", COSTS)
def test_a_request_writes_one_line_of_metrics(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    with aws.stub() as url:
        routed = router(request_ports(aws.environment(url), "bench"), Settings("bench"))
        assert respond(routed, scenarios.event_for(service))["statusCode"] == 202
    (line,) = capsys.readouterr().out.splitlines()
    admitted = {"CanaryAdmitted"} if service == "admitting" else set()
    named = {metric["Name"] for each in json.loads(line)["_aws"]["CloudWatchMetrics"] for metric in each["Metrics"]}
    assert named == {"Requests", "RouterLatency"} | admitted


def test_a_canary_is_answered_while_its_mark_is_not(caplog: pytest.LogCaptureFixture) -> None:
    with counted() as (url, stub):
        routed = router(request_ports(aws.environment(url), "bench"), Settings("bench"))
        stub.marks.clear()
        answer = respond(routed, scenarios.event_for("admitting"))
        assert '"route": "latest", "version": "v1.1.0"' in answer["body"]
        assert caplog.records == [], "whoever waits for a mark that is not answered logs so in the end"
        stub.marks.set()
        stub.wait_for({"GetParameters": 1, "GetItem": 1, "TransactWriteItems": 1, "Invoke": 1, "UpdateItem": 1})
        del routed

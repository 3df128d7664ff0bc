"""The proxy does to any call what its fate says, and kills whoever is to be killed and nobody else."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.chaos.callers import Caller, Callers, can_be_found
from tests.chaos.faults import DEADLY, Fate, Fault, call_of
from tests.chaos.proxy import OUTCOME, Proxy

from canary_router import settings
from canary_router.local.record import Emulator, Process

POINTER = ("AmazonSSM.PutParameter", "/", json.dumps({"Name": "/canary-router/chaos/batch0/latest"}))
CALLS = {
    "a write of a pointer": POINTER,
    "a transaction": ("DynamoDB_20120810.TransactWriteItems", "/", "{}"),
    "a read of the record": ("DynamoDB_20120810.GetItem", "/", "{}"),
    "a start": (
        "AWSStepFunctions.StartExecution",
        "/",
        json.dumps({"stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:batch0-v1-0-0"}),
    ),
    "an invocation": (
        "",
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Abatch0-v1-0-0-pipeline/invocations",
        "{}",
    ),
}
Sent = tuple[str, str, str]


class Cloud:
    """What the proxy stands before: it counts what reaches it, and says yes to everything."""

    def __init__(self) -> None:
        self.reached: list[float] = []
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                cloud.reached.append(time.monotonic())
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"Version": %d}' % len(cloud.reached))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


class Nobody:
    """Finds no process behind any connection."""

    def behind(self, port: int, proxy_port: int) -> Caller | None:
        return None


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    found = Cloud()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
def proxy(cloud: Cloud) -> Iterator[Proxy]:
    with Proxy(cloud.url, Fate(seed=1), Nobody()) as found:
        yield found


def send(proxy: Proxy, sent: Sent, patience: float = 20) -> tuple[int, str]:
    """What a caller is answered; 0 for nothing."""
    target, path, body = sent
    where = proxy.endpoints[OUTCOME].removeprefix("http://")
    with closing(http.client.HTTPConnection(where, timeout=patience)) as connection:
        try:
            connection.request("POST", path, body, {"X-Amz-Target": target} if target else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""


def appoint(proxy: Proxy, sent: Sent, *faults: Fault) -> None:
    target, path, body = sent
    proxy.fate.appoint({call_of(OUTCOME, target or None, path, body.encode()).label: faults})


@pytest.mark.parametrize("sent", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (Fault.THROTTLED, (400, 0)),
        (Fault.ERROR_BEFORE, (500, 0)),
        (Fault.ERROR_AFTER, (500, 1)),
        (Fault.LOST_BEFORE, (0, 0)),
        (Fault.LOST_AFTER, (0, 1)),
        (Fault.TWICE, (200, 2)),
    ],
)
def test_a_fault_happens_to_every_kind_of_call(
    proxy: Proxy, cloud: Cloud, sent: Sent, fault: Fault, seen: tuple[int, int]
) -> None:
    appoint(proxy, sent, fault)
    assert (send(proxy, sent)[0], len(cloud.reached)) == seen
    assert proxy.fate.faults == {fault: 1}
    assert send(proxy, sent)[0] == 200
    assert proxy.unkept == []


def test_a_call_that_comes_late_has_its_effect_when_the_caller_has_given_up(proxy: Proxy, cloud: Cloud) -> None:
    def give_up(sent: Sent) -> None:
        is_invocation = sent is CALLS["an invocation"]
        patience = settings.INVOKE_SECONDS - settings.CONNECT_SECONDS if is_invocation else settings.ANSWER_SECONDS
        appoint(proxy, sent, Fault.LATE)
        answers.append((send(proxy, sent, patience)[0], time.monotonic()))

    answers: list[tuple[int, float]] = []
    threads = [threading.Thread(target=give_up, args=(sent,)) for sent in CALLS.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until = time.monotonic() + 5
    while len(cloud.reached) < len(CALLS) and time.monotonic() < until:
        time.sleep(0.01)
    assert [status for status, _ in answers] == [0] * len(CALLS)
    given_up = sorted(at for _, at in answers)
    assert all(at > gave_up for at, gave_up in zip(sorted(cloud.reached), given_up, strict=True))


def test_what_is_sent_twice_is_answered_as_the_second_one_is(proxy: Proxy) -> None:
    appoint(proxy, POINTER, Fault.TWICE)
    assert send(proxy, POINTER) == (200, '{"Version": 2}')


def test_somebody_else_writes_the_pointer_just_before(proxy: Proxy, cloud: Cloud) -> None:
    overtaken: list[tuple[str, int]] = []
    proxy.overtake = lambda service: overtaken.append((service, len(cloud.reached)))
    appoint(proxy, POINTER, Fault.OVERTAKEN)
    assert send(proxy, POINTER)[0] == 200
    assert overtaken == [("batch0", 0)]


def test_a_fate_draws_every_fault_by_the_rate_of_the_caller_and_counts_it() -> None:
    fate = Fate(seed=1, drawn=DEADLY, rates={"request": 0.5}, pointer_rate=1.0)
    read = call_of("request", "DynamoDB_20120810.GetItem", "/", b"{}")
    for _ in range(400):
        assert fate.of(replace(read, role="outcome")) is None
        fate.of(read)
    assert set(fate.faults) == set(DEADLY)
    assert 150 < fate.faults.total() < 250
    assert fate.pointer_faults.total() == 0
    assert fate.of(call_of("outcome", *POINTER[:2], POINTER[2].encode())) is not None
    assert fate.pointer_faults.total() == 1
    assert fate.calls == 801


def test_who_cannot_be_found_is_not_killed_and_the_appointment_stands(proxy: Proxy, cloud: Cloud) -> None:
    appoint(proxy, POINTER, Fault.KILLED_BEFORE)
    assert send(proxy, POINTER)[0] == 0
    assert proxy.unkept == ["batch0/latest: killed before"]
    assert proxy.fate.faults.total() == 0
    assert cloud.reached == []


_FUNCTION = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
while sys.stdin.readline():
    connection.request("POST", "/", sys.argv[3], {"X-Amz-Target": sys.argv[2]})
    print(connection.getresponse().read().decode(), flush=True)
"""
_EMULATOR = """
import subprocess, sys
function = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]])
print(function.pid, flush=True)
function.wait()
sys.stdin.read()
"""


class Functions:
    """A process that stands for the emulator, and its child, which calls AWS whenever it is told to."""

    def __init__(self, proxy: Proxy, home: Path) -> None:
        port = proxy.endpoints[OUTCOME].rpartition(":")[2]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _EMULATOR, _FUNCTION, port, POINTER[0], POINTER[2]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self.function = Process.of(int(self._stdout.readline()))
        self.emulator = Emulator("", Process.of(self.process.pid), Process.of(os.getpid()), str(home))

    def call(self) -> None:
        self._stdin.write("\n")
        self._stdin.flush()

    def answer(self) -> str:
        return self._stdout.readline()

    def end(self) -> None:
        self._stdin.close()
        self.process.wait(10)
        self._stdout.close()


@pytest.fixture
def functions(proxy: Proxy, tmp_path: Path) -> Iterator[Functions]:
    found = Functions(proxy, tmp_path)
    proxy.callers = Callers(found.emulator)
    yield found
    found.end()


def await_end(process: Process) -> None:
    until = time.monotonic() + 5
    while process.is_alive and time.monotonic() < until:
        time.sleep(0.01)
    assert not process.is_alive


needs_proc = pytest.mark.skipif(not can_be_found(), reason="only Linux tells which process a call comes from")


@needs_proc
@pytest.mark.parametrize(
    ("fault", "reached"), [(Fault.KILLED_BEFORE, 0), (Fault.KILLED_AFTER, 1), (Fault.OVERTAKEN_KILLED, 1)]
)
def test_a_function_is_killed_at_its_call(
    proxy: Proxy, cloud: Cloud, functions: Functions, fault: Fault, reached: int
) -> None:
    bereaved: list[str] = []
    proxy.bereaved = bereaved.append
    appoint(proxy, POINTER, fault)
    functions.call()
    await_end(functions.function)
    assert functions.emulator.process.is_alive
    assert len(cloud.reached) == reached
    until = time.monotonic() + 5
    while not bereaved and time.monotonic() < until:
        time.sleep(0.01)
    assert bereaved == ["batch0"]
    assert proxy.kills == {f"outcome: {fault}, latest": 1}


@needs_proc
def test_a_function_is_killed_at_the_call_after_the_one_that_was_answered(
    proxy: Proxy, cloud: Cloud, functions: Functions
) -> None:
    appoint(proxy, POINTER, Fault.KILLED_NEXT)
    functions.call()
    assert functions.answer() == '{"Version": 1}\n'
    assert functions.function.is_alive
    assert proxy.unkept == ["batch0/latest: killed at the next call"]
    functions.call()
    await_end(functions.function)
    assert len(cloud.reached) == 1
    until = time.monotonic() + 5
    while not proxy.kills and time.monotonic() < until:  # it is counted once the process has been killed
        time.sleep(0.01)
    assert proxy.kills == {"outcome: killed at the next call, latest": 1}
    assert proxy.unkept == []


@needs_proc
def test_only_a_descendant_of_this_runs_own_emulator_is_ever_found(proxy: Proxy, functions: Functions) -> None:
    appoint(proxy, POINTER, Fault.KILLED_BEFORE)
    assert send(proxy, POINTER)[0] == 0  # this very process has called, which is no function
    assert proxy.unkept == ["batch0/latest: killed before"]
    with pytest.raises(RuntimeError, match="not this run's own"):
        Callers(replace(functions.emulator, owner=Process.of(os.getppid())))
    with pytest.raises(RuntimeError, match="not this run's own"):
        Callers(replace(functions.emulator, owner=None))

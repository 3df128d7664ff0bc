"""``canary-router dashboard`` as somebody starts it, and its server as a network sees it."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3
from tests.functional.dashboard_world import served
from tests.unit.dashboard_states import holding

from canary_router.dashboard.server import CONNECTIONS_AT_ONCE

ROOT = Path(__file__).parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.functional.dashboard_process", *arguments]


@contextmanager
def running(*arguments: str, **env: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """The command, and what it has printed."""
    process = subprocess.Popen(
        command("--output", "json", "dashboard", *arguments),
        cwd=ROOT, env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "}\n")
        yield process, json.loads("".join([*lines, "}"]))
    finally:
        process.kill()
        process.communicate()


def entered(url: str) -> tuple[int, str]:
    """Comes in with an address, as a browser does, and says what the first page is."""
    answer = urllib3.request("GET", url, redirect=False, retries=False)
    if answer.status != 303:
        return answer.status, answer.data.decode()
    place = url.partition("/enter")[0] + answer.headers["Location"]
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    page = urllib3.request("GET", place, headers={"Cookie": cookie}, retries=False)
    return page.status, page.data.decode()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM)], ids=["Ctrl-C", "SIGTERM"]
)
def test_it_prints_an_address_that_lets_in_and_ends_cleanly(number: signal.Signals, code: int) -> None:
    with running() as (process, said):
        assert (said["environment"], said["read_only"]) == ("staging", False)
        assert said["url"].startswith("http://127.0.0.1:")
        status, page = entered(said["url"])
        assert (status, "v1.2.0 waits for 2 jobs to end." in page) == (200, True)
        assert entered(f"{said['url']}x")[0] == 403
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors


def test_a_person_gets_the_address_in_one_line_however_narrow_the_terminal() -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (10, 20))
    process = subprocess.Popen(
        command("dashboard", "--read-only"), cwd=ROOT, stdout=theirs, stderr=subprocess.DEVNULL, text=True
    )
    try:
        with os.fdopen(ours, encoding="utf-8") as terminal:
            status, page = entered(terminal.readline().strip())
            assert (status, "read only" in page) == (200, True)
            assert terminal.readline() == "The dashboard of staging. Ctrl-C ends it.\n"
    finally:
        process.kill()
        process.wait()
        os.close(theirs)


def test_a_browser_is_started_with_a_key_that_opens_once(tmp_path: Path) -> None:
    program, note = tmp_path / "browser", tmp_path / "opened"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" >{note}.new && mv {note}.new {note}\n')
    program.chmod(0o755)
    with running("--open", BROWSER=f"{program} %s &") as (_, said):
        until = time.monotonic() + 20
        while not note.exists() and time.monotonic() < until:
            time.sleep(0.02)
        address = note.read_text()
        assert address.partition("=")[0] == said["url"].partition("=")[0]
        assert address != said["url"]
        assert [entered(address)[0], entered(address)[0], entered(said["url"])[0]] == [200, 403, 200]


def test_a_browser_that_would_take_this_terminal_is_not_started(tmp_path: Path) -> None:
    program, note = tmp_path / "lynx", tmp_path / "opened"
    program.write_text(f"#!/bin/sh\ntouch {note}\n")
    program.chmod(0o755)
    with running("--open", BROWSER=f"{program} %s") as (process, said):
        assert entered(said["url"])[0] == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert "No browser with a window was found here: open the address yourself." in errors
    assert not note.exists()


def test_what_is_in_the_way_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for arguments, code, line in (
            (["dashboard", "--port", port], 2, f"Port {port} of 127.0.0.1 cannot be served at: Address already in use"),
            (["dashboard", "--without-jinja"], 2, "The dashboard is not installed. pip install 'canary-router[dash"),
            (["dashboard", "--logged-out"], 3, "asking who you are: no credentials. Log in."),
            (["dashboard", "--port", "70000"], 2, "Invalid value for '--port'"),
        ):
            done = subprocess.run(
                command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
            )
            assert (done.returncode, done.stdout) == (code, "")
            assert line in done.stderr
            assert "Traceback" not in done.stderr


def test_whoever_says_nothing_keeps_nobody_waiting() -> None:
    with served(holding()) as dashboard, ExitStack() as silent:
        address = ("127.0.0.1", dashboard.server.server_port)
        for _ in range(CONNECTIONS_AT_ONCE - 2):
            silent.enter_context(socket.create_connection(address))
        assert entered(dashboard.entrance)[0] == 200


def test_one_connection_too_many_is_closed_and_the_others_are_answered_afterwards() -> None:
    with served(holding()) as dashboard:
        address = ("127.0.0.1", dashboard.server.server_port)
        with ExitStack() as silent:
            for _ in range(CONNECTIONS_AT_ONCE):
                silent.enter_context(socket.create_connection(address))
            late = silent.enter_context(socket.create_connection(address, timeout=20))
            assert late.recv(1) == b""
        for _ in range(200):
            try:
                assert entered(dashboard.entrance)[0] == 200
                break
            except urllib3.exceptions.HTTPError:  # the threads of those that went away are about to end
                continue
        else:
            pytest.fail("nobody is answered any more")


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /services/transformer/orders/pause HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ],
    ids=["too large", "too many headers", "too long", "TLS", "another host"],
)
def test_nonsense_is_answered_or_hung_up_on_without_a_word_of_what_is_here(sent: bytes) -> None:
    with served(holding()) as dashboard:
        with socket.create_connection(("127.0.0.1", dashboard.server.server_port), timeout=30) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
        assert b" 200 " not in answer.partition(b"\r\n")[0]
        assert b"transformer" not in answer
        assert b"Traceback" not in answer
        assert entered(dashboard.entrance)[0] == 200

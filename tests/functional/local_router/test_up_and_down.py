"""The router on this machine comes up once, and goes without a trace."""

import signal
import time
from pathlib import Path

import pytest
from tests.functional.local_router.machine import NO, USAGE, Machine

from canary_router.local import loopback, processes, record


def test_up_brings_back_stand_ins_that_have_died_where_the_stacks_look_for_them(machine: Machine) -> None:
    before = record.read(machine.home)
    assert before is not None
    assert before.standins is not None
    processes.end_group(before.standins.pid, before.standins.started, grace=1)
    assert not loopback.answers(before.standins_url, "/")
    machine.json("local", "up")
    assert loopback.answers(before.standins_url, "/")
    sent = machine.json("send", "transformer", "--input", "-", "--wait", given='{"year": 2015, "measure": "wind"}')
    assert (sent["version"], sent["status"]) == ("v2.0.0", "SUCCEEDED")


def test_up_leaves_alone_what_is_up_and_down_leaves_nothing_behind(machine: Machine) -> None:
    found = machine.json("local", "up")
    assert set(found) == {
        "endpoint_url", "region", "account", "environment", "router_endpoint", "access_key_id", "secret_access_key",
        "pid", "state_dir",
    }  # fmt: skip
    assert found == machine.json("local", "status")
    assert machine.json("local", "down") == {"stopped": True}
    assert machine.is_clean()
    assert machine.run("status").returncode == USAGE
    assert machine.json("local", "status", code=NO) == {"running": False}


@pytest.mark.parametrize(
    ("moment", "sign"), [("Synthesising", signal.SIGTERM), ("Deploying canary-router-local", signal.SIGINT)]
)
def test_a_demo_that_is_ended_early_cleans_up(tmp_path: Path, moment: str, sign: signal.Signals) -> None:
    machine = Machine(tmp_path)
    process = machine.begin("demo")
    assert process.stdout is not None
    for line in process.stdout:
        if moment in line:
            break
    time.sleep(0.3)
    process.send_signal(sign)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + sign, output
    assert "Traceback" not in output
    assert machine.is_clean()

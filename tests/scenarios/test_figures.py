"""What ``python -m canary_router.sim`` prints, and what its exit code says."""

import io
import json
import re

import pytest

from canary_router.sim.__main__ import main, simulate
from canary_router.sim.figures import Figures
from canary_router.sim.mutants.protocol import MUTANTS
from canary_router.sim.progress import Progress


def test_what_a_run_adds_up_to_is_the_same_for_people_and_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    figures = simulate(1, 30, workers=1)
    document, table = json.loads(figures.json()), figures.table()
    assert {"schedules", "requests", "releases", "faults", "faults_by_place", "violations"} <= set(document)
    assert document["schedules"] == 30
    for kind, total in document["faults"].items():
        assert total == sum(document["faults_by_place"][kind].values()) > 0
        assert re.search(rf"^  {kind} +{total:,} ", table, re.MULTILINE)
    assert re.search(rf"^requests +{document['requests']:,}$", table, re.MULTILINE)
    assert re.search(r"^  one job +0$", table, re.MULTILINE)
    assert main(["--schedules", "30", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    unsteady = "port_calls_per_second_and_core"
    assert {**again, unsteady: 0} == {**document, unsteady: 0}


def test_a_run_that_finds_something_says_so_with_its_exit_code_and_one_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    mutant = next(one for one in MUTANTS if one.name == "admission without the budget's clause")
    with mutant.alive():
        assert main(["--schedules", "80", "--json", "--shrink", "0"]) == 1
        said = capsys.readouterr()
        found = json.loads(said.out)["found"]
        assert main(["--seed", str(found[0]["seed"]), "--shrink", "0"]) == 1
    assert found[0]["check"] == "budget"
    assert "VIOLATED  budget" in said.err
    assert main(["--seed", str(found[0]["seed"])]) == 0
    with pytest.raises(SystemExit) as refused:
        main(["--schedules", "many"])
    assert refused.value.code == 2


class _Screen(io.StringIO):
    lines = 3


class _Terminal(_Screen):
    lines = 1

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("out", [_Screen(), _Terminal()], ids=["into a log", "on a terminal"])
def test_a_long_run_says_how_far_it_is(out: _Screen) -> None:
    progress = Progress(out, 5_000)
    figures = Figures()
    for _ in range(50):
        figures.schedules += 100
        progress.show(figures)
    progress.end(figures)
    assert "4,000 of 5,000 schedules, 0 with violations" in out.getvalue()
    assert out.getvalue().splitlines()[-1].endswith("5,000 schedules in 0 s")
    assert out.getvalue().count("\n") == out.lines

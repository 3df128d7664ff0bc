"""A short piece of the chaos; ``make chaos`` is the long one.

Here the controller is killed at every place where it writes pointers, once. Whoever has killed it knows that it is
dead, so its lease is ended at once; in the long piece it runs out.
"""

from pathlib import Path

import pytest
from tests.chaos.callers import can_be_found
from tests.chaos.chaos_run import Size, run
from tests.chaos.faults import SPARING
from tests.chaos.plan import SHORT

SIZE = Size(
    requests=120,
    threads=6,
    rate=0.03,
    controller_rate=0,
    pointer_rate=0,
    drawn=SPARING,
    deadline=12,
    is_quick=True,
    seed=7,
)


@pytest.mark.skipif(not can_be_found(), reason="only Linux tells which process a call comes from")
def test_a_bad_day_loses_nothing_doubles_nothing_and_overshoots_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    figures = run(SIZE, SHORT, tmp_path, said.append)
    assert figures["harm"] == []
    assert figures["unkept"] == []
    assert figures["requests"] >= SIZE.requests
    assert figures["releases"] >= SHORT.releases
    assert figures["put_back"] >= 1
    for place in (
        "outcome: killed before, current",
        "outcome: killed after, current",
        "outcome: killed at the next call, current",
        "outcome: killed before, latest",
        "outcome: killed after, latest",
        "outcome: killed at the next call, latest",
        "outcome: overtaken and killed after, latest",
        "request: killed before, elsewhere",
        "request: killed after, elsewhere",
        "pipeline: killed before, elsewhere",
        "pipeline: killed after, elsewhere",
    ):
        assert figures["killed"].get(place, 0) >= 1, place

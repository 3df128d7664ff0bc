"""A short piece of the chaos; ``make chaos`` is the long one.

Here the writes of pointers are left alone: whoever takes over from a run that died at one waits for its lease.
"""

from pathlib import Path

from tests.chaos.chaos_run import Size, run


def test_a_bad_day_loses_nothing_doubles_nothing_and_overshoots_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    figures = run(
        Size(requests=120, releases=4, services=2, threads=6, rate=0.03, pointer_rate=0, seed=7), tmp_path, said.append
    )
    assert figures["harm"] == []
    assert figures["requests"] == 120
    assert figures["releases"] == 4
    assert sum(figures["faults"].values()) > 10
    assert figures["answers"][202] > 100

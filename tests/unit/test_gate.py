"""The gate as a value of the policy: what its JSON is, what is refused, and what a plan holds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_router.core.gate import Counted, Plan, Sequential, plan_from
from canary_router.core.policy import Policy, parse_policy, policy_from
from canary_router.errors import InvalidPolicy

GATE = {"baseline": 0.02, "harm": 0.2}


def gated(**changed: Any) -> dict[str, Any]:
    return {"gate": {"sequential": {**GATE, **changed}}}


def test_a_sequential_gate_has_defaults_for_all_but_the_two_rates() -> None:
    assert policy_from(gated()).gate == Sequential(
        baseline=0.02, harm=0.2, alpha=0.05, beta=0.1, max=100, on_inconclusive="abort", at_once=2
    )


def test_the_gate_all_is_the_policy_without_a_gate() -> None:
    assert policy_from({"gate": "all"}) == Policy()
    assert json.loads(Policy().to_json()).keys() == {
        "requests", "share", "max_failures", "deadline", "rescue", "record",
    }  # fmt: skip


def test_the_budget_is_requests_or_the_gates_max() -> None:
    assert Policy(requests=3).budget == 3
    assert policy_from(gated(max=60)).budget == 60


def test_the_json_of_a_sequential_policy_has_no_word_of_the_other_gate() -> None:
    document = json.loads(policy_from({**gated(max=60), "share": 0.25, "deadline": "P7D"}).to_json())
    assert document == {
        "gate": {
            "sequential": {
                "baseline": 0.02,
                "harm": 0.2,
                "alpha": 0.05,
                "beta": 0.1,
                "max": 60,
                "on_inconclusive": "abort",
                "at_once": 2,
            }
        },
        "share": 0.25,
        "deadline": "PT604800S",
        "rescue": False,
        "record": "canary",
    }


@st.composite
def gates(draw: st.DrawFn) -> Sequential:
    harm = draw(st.floats(0.05, 0.95))
    jobs = draw(st.integers(1, 10_000))
    counted = Counted(jobs, draw(st.integers(0, jobs)))
    most = draw(st.integers(1, 500))
    return Sequential(
        baseline=draw(st.one_of(st.floats(0.001, harm * 0.99), st.just("measured"), st.just(counted))),
        harm=harm,
        alpha=draw(st.floats(0.001, 0.499)),
        beta=draw(st.floats(0.001, 0.499)),
        max=most,
        on_inconclusive=draw(st.sampled_from(["hold", "abort"])),
        at_once=draw(st.integers(1, 500)),
    )


@given(gates())
def test_a_gate_survives_its_own_json(gate: Sequential) -> None:
    policy = Policy(share=0.5, gate=gate)
    assert parse_policy(policy.to_json()) == policy


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"gate": "any"}, "gate"),
        ({"gate": None}, "gate"),
        ({"gate": []}, "gate"),
        ({"gate": {}}, "gate"),
        ({"gate": {"sequential": GATE, "all": {}}}, "gate"),
        ({"gate": {"sequential": []}}, "gate.sequential"),
        ({"gate": {"sequential": {"harm": 0.2}}}, "gate.sequential.baseline"),
        ({"gate": {"sequential": {"baseline": 0.2}}}, "gate.sequential.harm"),
        (gated(maximum=3), "gate.sequential.maximum"),
        (gated(baseline=0), "gate.sequential.baseline"),
        (gated(baseline=1), "gate.sequential.baseline"),
        (gated(baseline=True), "gate.sequential.baseline"),
        (gated(baseline="guessed"), "gate.sequential.baseline"),
        (gated(baseline=float("nan")), "gate.sequential.baseline"),
        (gated(baseline=None), "gate.sequential.baseline"),
        (gated(baseline=[0.1]), "gate.sequential.baseline"),
        (gated(baseline={"jobs": 0, "failed": 0}), "baseline.jobs"),
        (gated(baseline={"jobs": 3}), "baseline.failed"),
        (gated(baseline={"jobs": 3, "failed": 4}), "baseline.failed"),
        (gated(baseline={"jobs": 3, "failed": 1, "running": 1}), "gate.sequential.baseline.running"),
        (gated(harm=0.02), "gate.sequential.harm"),
        (gated(harm=1), "gate.sequential.harm"),
        (gated(harm="0.2"), "gate.sequential.harm"),
        (gated(baseline=5e-324), "gate.sequential.baseline"),
        (gated(alpha=5e-324), "gate.sequential.alpha"),
        (gated(beta=5e-324), "gate.sequential.beta"),
        (gated(alpha=0), "gate.sequential.alpha"),
        (gated(alpha=0.5), "gate.sequential.alpha"),
        (gated(beta=False), "gate.sequential.beta"),
        (gated(max=0), "gate.sequential.max"),
        (gated(max=501), "gate.sequential.max"),
        (gated(max=50.0), "gate.sequential.max"),
        (gated(at_once=0), "gate.sequential.at_once"),
        (gated(at_once=501), "gate.sequential.at_once"),
        (gated(on_inconclusive="promote"), "gate.sequential.on_inconclusive"),
        (gated(on_inconclusive=[]), "gate.sequential.on_inconclusive"),
        ({**gated(), "requests": 2}, "requests"),
        ({**gated(), "successes": 2}, "successes"),
        ({**gated(), "max_failures": 0}, "max_failures"),
    ],
)
def test_a_refusal_names_the_key(document: dict[str, Any], key: str) -> None:
    with pytest.raises(InvalidPolicy, match=f"'{key}'") as refused:
        policy_from(document)
    assert refused.value.advice


def test_a_gate_of_another_kind_is_refused_in_code_too() -> None:
    with pytest.raises(InvalidPolicy, match="'gate'"):
        Policy(gate="sequential")  # type: ignore[arg-type] # what code without types could hand over


PLAN = Plan(promote=(12, 24, 36), abort=(0, 0, 10, 22, 35), baseline=0.02)


def test_a_plan_survives_its_own_text() -> None:
    assert plan_from(PLAN.to_json()) == PLAN
    measured = Plan((3,), (0, 2), 0.04, Counted(412, 9))
    assert plan_from(measured.to_json()) == measured


def test_a_plan_says_what_so_many_failures_among_so_many_jobs_decide() -> None:
    assert [PLAN.promotes(11, 0), PLAN.promotes(12, 0), PLAN.promotes(12, 1), PLAN.promotes(99, 3)] == [
        False, True, False, False,
    ]  # fmt: skip
    assert [PLAN.aborts(1, 1), PLAN.aborts(10, 2), PLAN.aborts(11, 2), PLAN.aborts(500, 5)] == [
        False, True, False, True,
    ]  # fmt: skip
    assert [PLAN.reaches(0), PLAN.reaches(2), PLAN.reaches(3)] == [12, 36, None]


@pytest.mark.parametrize(
    ("promote", "abort"),
    [
        ((), (0, 0)),
        ((0, 4), (0, 0)),
        ((4, 4), (0, 0)),
        ((4, 3), (0, 0)),
        ((4, 8), (0,)),
        ((4, 8), (0, 8)),
        ((4, 8), (1, 2)),
        ((4, 8), (0, 3, 2)),
        ((4, 8), ()),
    ],
)
def test_boundaries_that_could_not_be_are_refused(promote: tuple[int, ...], abort: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"boundar|turned away"):
        Plan(promote, abort, 0.1)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"promote": 3, "abort": [0], "baseline": 0.1}', '{"promote": [null]}', "[" * 9999]
)
def test_a_text_that_holds_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - JSON's own error is one
        plan_from(text)

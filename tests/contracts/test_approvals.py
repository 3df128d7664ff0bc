"""A pipeline's question is one execution's, is answered once, and nothing but its own answer closes it."""

import json
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.documented_pipeline import BEGAN, NAME, DocumentedPipeline, failure
from tests.contracts.stub import BROKEN, LOST, THROTTLED, Reply, Stub, error, ok, running_stub

from canary_router.adapters.aws.codepipeline import PipelineApprovals
from canary_router.adapters.memory import MemoryApprovals
from canary_router.core.approval import Answer, Approve, Reject
from canary_router.errors import Unavailable, Uncertain
from canary_router.ports.delivery import Approvals, Waiting

KEY = "staging/transformer/v1.2.0-rc.1/transformer-v1.2.0-rc.1.zip"
OTHER_KEY = KEY.replace("rc.1", "rc.2")
EXECUTION = "00000000-0000-0000-0000-000000000001"
WAITING = Waiting(EXECUTION, EXECUTION, KEY, 0, 0)


class Bench(Protocol):
    """A pipeline, from the side of its executions, and its question from the other side."""

    approvals: Approvals

    def start(self, key: str) -> str: ...

    def wait(self, execution: str) -> None: ...

    def time_out(self) -> None: ...

    def answers(self) -> list[tuple[str, bool, str]]: ...


class InMemory:
    def __init__(self) -> None:
        self._memory = MemoryApprovals()
        self.approvals: Approvals = self._memory
        self._keys: dict[str, str] = {}
        self._numbers = count(1)

    def start(self, key: str) -> str:
        execution = f"e-{next(self._numbers)}"
        self._keys[execution] = key
        return execution

    def wait(self, execution: str) -> None:
        at = int(BEGAN.timestamp() * 1000)
        self._memory.ask(Waiting(execution, f"t-{next(self._numbers)}", self._keys[execution], at, at + 1))

    def time_out(self) -> None:
        self._memory.ask(None)

    def answers(self) -> list[tuple[str, bool, str]]:
        return [(who, isinstance(answer, Approve), answer.reason) for who, answer in self._memory.answers]


class AsDocumented:
    def __init__(self) -> None:
        self.pipeline = DocumentedPipeline()
        self.approvals: Approvals = PipelineApprovals(self.pipeline, NAME)  # type: ignore[arg-type] # three of its calls
        self.start = self.pipeline.start
        self.wait = self.pipeline.wait
        self.time_out = self.pipeline.time_out

    def answers(self) -> list[tuple[str, bool, str]]:
        return [(who, status == "Approved", said) for who, status, said in self.pipeline.answers]


@pytest.fixture(params=[InMemory, AsDocumented])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.param()
    return made


@pytest.fixture
def documented() -> AsDocumented:
    return AsDocumented()


def asked(bench: Bench) -> Waiting:
    waiting = bench.approvals.waiting()
    assert waiting is not None
    return waiting


def test_before_an_execution_has_deployed_nobody_waits(bench: Bench) -> None:
    assert bench.approvals.waiting() is None
    bench.start(KEY)
    assert bench.approvals.waiting() is None


def test_who_waits_is_known_with_what_it_has_read_and_since_when(bench: Bench) -> None:
    execution = bench.start(KEY)
    bench.wait(execution)
    waiting = asked(bench)
    assert (waiting.execution_id, waiting.object_key) == (execution, KEY)
    assert BEGAN.timestamp() * 1000 <= waiting.started < waiting.since < BEGAN.timestamp() * 1000 + 600_000


@pytest.mark.parametrize("answer", [Approve("2 of 2 succeeded"), Reject("1 failed")])
def test_an_answer_closes_the_question_once(bench: Bench, answer: Answer) -> None:
    execution = bench.start(KEY)
    bench.wait(execution)
    waiting = asked(bench)
    assert bench.approvals.answer(waiting, answer)
    assert bench.approvals.waiting() is None
    assert not bench.approvals.answer(waiting, Reject("again"))
    assert bench.answers() == [(execution, isinstance(answer, Approve), answer.reason)]


def test_an_answer_never_reaches_another_execution(bench: Bench) -> None:
    bench.wait(bench.start(KEY))
    before = asked(bench)
    bench.time_out()
    bench.wait(bench.start(OTHER_KEY))
    assert not bench.approvals.answer(before, Approve("of the first"))
    assert asked(bench).object_key == OTHER_KEY
    assert bench.answers() == []


def test_a_question_that_is_asked_once_more_is_another_one(bench: Bench) -> None:
    execution = bench.start(KEY)
    bench.wait(execution)
    before = asked(bench)
    bench.approvals.answer(before, Reject("aborted"))
    bench.wait(execution)
    assert asked(bench).token != before.token
    assert not bench.approvals.answer(before, Approve("late"))
    assert bench.approvals.answer(asked(bench), Approve("released anew"))
    assert [good for _, good, _ in bench.answers()] == [False, True]


def test_what_the_execution_before_has_read_is_not_taken_for_this_ones(documented: AsDocumented) -> None:
    """While one execution waits, the next one is in the stages before."""
    documented.wait(documented.start(KEY))
    documented.start(OTHER_KEY)
    assert asked(documented).object_key == KEY
    documented.pipeline.unfiltered = True
    assert asked(documented).object_key == KEY


def test_a_question_that_does_not_show_in_the_history_yet_is_looked_at_later(documented: AsDocumented) -> None:
    documented.wait(documented.start(KEY))
    documented.pipeline.lag = True
    assert documented.approvals.waiting() is None
    documented.pipeline.lag = False
    assert asked(documented).object_key == KEY


def test_a_token_and_an_execution_that_do_not_belong_together_are_nobodys_question(documented: AsDocumented) -> None:
    documented.wait(documented.start(KEY))
    documented.pipeline.history[0]["actionExecutionId"], shown = (
        "another run",
        documented.pipeline.get_pipeline_state(NAME),
    )
    shown["stageStates"][2]["actionStates"][0]["latestExecution"]["actionExecutionId"] = "this run"
    documented.pipeline.get_pipeline_state = lambda name: shown  # type: ignore[method-assign] # a moment between two answers
    assert documented.approvals.waiting() is None


def test_a_source_that_has_not_told_what_it_read_is_no_source(documented: AsDocumented) -> None:
    documented.wait(documented.start(KEY))
    del documented.pipeline.history[2]["output"]["outputVariables"]["ObjectKey"]
    with pytest.raises(Unavailable, match=NAME):
        documented.approvals.waiting()


def test_a_long_reason_is_cut_to_what_codepipeline_takes(documented: AsDocumented) -> None:
    documented.wait(documented.start(KEY))
    assert documented.approvals.answer(asked(documented), Reject("x" * 2000))
    assert documented.answers()[0][2] == "x" * 512


def test_a_pipeline_that_is_not_there_or_has_no_such_stage_is_told(documented: AsDocumented) -> None:
    with pytest.raises(Unavailable, match="no-such"):
        PipelineApprovals(documented.pipeline, "no-such").waiting()  # type: ignore[arg-type] # three of its calls
    documented.pipeline.get_pipeline_state = lambda name: {"stageStates": []}  # type: ignore[method-assign] # another pipeline
    with pytest.raises(Unavailable, match="has no stage 'Verdict'"):
        documented.approvals.waiting()


def approvals(stub: Stub) -> PipelineApprovals:
    return PipelineApprovals(stub.backend.client("codepipeline"), NAME)


def test_an_answer_that_is_refused_or_lost_is_told_from_one_that_was_given() -> None:
    answer = Approve("2 of 2 succeeded")
    with running_stub() as stub:
        stub.will(error("AccessDeniedException"))
        with pytest.raises(Unavailable):
            approvals(stub).answer(WAITING, answer)
        stub.will(BROKEN)
        with pytest.raises(Uncertain):
            approvals(stub).answer(WAITING, answer)
        stub.will(LOST, error("ApprovalAlreadyCompletedException"))
        assert approvals(stub).answer(WAITING, answer) is False
        stub.will(THROTTLED, ok(approvedAt=1.0))
        assert approvals(stub).answer(WAITING, answer) is True
        assert stub.bodies[-1]["token"] == WAITING.token
        assert stub.bodies[-1]["result"] == {"status": "Approved", "summary": answer.reason}


NAMES = ["stageStates", "stageName", "actionStates", "actionName", "latestExecution", "status", "token", "nextToken"]
NAMES += ["actionExecutionDetails", "pipelineExecutionId", "actionExecutionId", "lastStatusChange", "output"]
SCALARS = st.none() | st.integers() | st.sampled_from(["Verdict", "InProgress", EXECUTION, ""])
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), DOCUMENTS, max_size=4))
@settings(max_examples=25, deadline=None)
def test_whatever_codepipeline_answers_nothing_else_escapes_and_nobody_waits(answer: dict[str, Any]) -> None:
    with running_stub() as stub:
        stub.will(Reply(200, json.dumps(answer).encode()))
        with suppress(Unavailable):
            assert approvals(stub).waiting() is None


def test_an_error_that_nobody_knows_is_no_answer(documented: AsDocumented) -> None:
    documented.wait(documented.start(KEY))
    waiting = replace(asked(documented), token=EXECUTION)

    def broken(**_: Any) -> dict[str, Any]:
        raise failure("SomethingNewException", "PutApprovalResult")

    documented.pipeline.put_approval_result = broken  # type: ignore[method-assign] # an AWS of tomorrow
    with pytest.raises(Unavailable):
        documented.approvals.answer(waiting, Approve("yes"))

"""Answers the pipeline that waits for a verdict. Whoever calls, it looks for itself: an event is a reason to look.

- The release was decided before the pipeline began to wait: the beginning of its wait is told, and the answer is there.
- It is decided later: the decision is told. It is told before the release is closed (ADR 0007), so that is waited for.
- An event is lost: the schedule comes by.
"""

import logging

from canary_router.core import records
from canary_router.core.approval import Question, Wait, answer_to
from canary_router.core.model import Release
from canary_router.core.pointers import understand
from canary_router.core.tags import Stage, TagVersion, shown, tag_version
from canary_router.errors import InvalidInput
from canary_router.ports import Ledger, Ports
from canary_router.ports.delivery import Approvals

_log = logging.getLogger(__name__)
_LOOKS_AGAIN = 3
_PAUSE_SECONDS = 2.0
"""Between two looks at a release that is being closed, which takes milliseconds unless the controller dies."""
_STAGE, _SERVICE, _TAG = range(3)
"""Parts of an artifact's key in its bucket (``core/manifest.py``)."""


def answer_waiting(approvals: Approvals, ports: Ports, stage: Stage, service: str) -> str:
    """Answers the execution that waits, if its version's release is decided. Doing it again does nothing.

    Args:
        approvals: The pipeline's question.
        ports: To look through.
        stage: Where the pipeline deploys.
        service: What it deploys.

    Returns:
        What was found, in words.

    Raises:
        InvalidInput: The execution that waits has read something that is no artifact of this pipeline's.
        Unavailable: Something cannot be read, so nothing was answered.
        Uncertain: It is not known whether the answer has arrived; the next look finds out.
    """
    said, soon = _look(approvals, ports, stage, service)
    for _ in range(_LOOKS_AGAIN):
        if not soon:
            break
        ports.clock.pause(_PAUSE_SECONDS)
        said, soon = _look(approvals, ports, stage, service)
    _log.info("%s", said)
    return said


def _look(approvals: Approvals, ports: Ports, stage: Stage, service: str) -> tuple[str, bool]:
    """What was found, and whether to look again in a moment."""
    waiting = approvals.waiting()
    if waiting is None:
        return "no execution waits", False
    tag = _tag(waiting.object_key, stage, service)
    # In this order: a release that is opened and closed in between is then seen, and not taken for one that is missing.
    pointers = understand(service, ports.pointers.read(service))
    releases = _releases(ports.ledger, service)
    question = Question(str(tag), waiting.started, waiting.since)
    answer = answer_to(question, pointers, releases, ports.clock.now())
    if isinstance(answer, Wait):
        return f"{waiting.execution_id} waits: {answer.reason}", answer.soon
    if approvals.answer(waiting, answer):
        return f"{waiting.execution_id} was answered: {answer.reason}", False
    return f"{waiting.execution_id} had its answer already", False


def _tag(object_key: str, stage: Stage, service: str) -> TagVersion:
    """The tag of an artifact, from where it lies. That this is the signed one, the deployment has verified."""
    parts = object_key.split("/")
    version = tag_version(parts[_TAG]) if len(parts) > _TAG + 1 else None
    if version is None or (parts[_STAGE], parts[_SERVICE], version.stage) != (stage, service, stage):
        raise InvalidInput(
            f"{shown(object_key)} is no artifact of {service} for {stage}",
            advice="Somebody has started the pipeline by hand: reject it in the console, and start it with a key.",
        )
    return version


def _releases(ledger: Ledger, service: str) -> list[Release]:
    """All of them; one that cannot be read fails the look, since it might be the one that is asked for."""
    found: list[Release] = []
    cursor: str | None = None
    while True:
        page = ledger.by_prefix(records.state_key(service).partition, records.RELEASE_PREFIX, cursor=cursor)
        found += map(records.release_of, page.items)
        cursor = page.cursor
        if cursor is None:
            return found

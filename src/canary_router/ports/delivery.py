"""What delivery asks of the world: signatures, and a pipeline that waits for a verdict."""

from dataclasses import dataclass
from typing import Protocol

from canary_router.core.approval import Answer


@dataclass(frozen=True)
class Waiting:
    """An execution of a stage's pipeline that waits for its verdict.

    Attributes:
        execution_id: Of the execution.
        token: Of this one question: another execution's, or the same one's after a retry, is another.
        object_key: Where the artifact lies in its bucket that the execution's source action has read.
        started: When that was, epoch milliseconds.
        since: When it began to wait, epoch milliseconds.
    """

    execution_id: str
    token: str
    object_key: str
    started: int
    since: int


class Approvals(Protocol):
    """The question of a stage's pipeline what became of the version that it has deployed."""

    def waiting(self) -> Waiting | None:
        """The execution that waits; None when none does, or when it does not show yet.

        Raises:
            Unavailable: It cannot be told.
        """

    def answer(self, waiting: Waiting, answer: Answer) -> bool:
        """Answers; False when this question was not open any more, whoever has closed it.

        Raises:
            Unavailable: It was not answered.
            Uncertain: It is not known whether it was.
        """


class Signer(Protocol):
    """A key with which artifacts are signed."""

    def sign(self, message: bytes) -> bytes:
        """Signs a message of any length; the same message has the same signature each time.

        Raises:
            Unavailable: It cannot be signed: the key is not there, is of another kind, or not this caller's to use.
        """

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether a signature is this key's, of this message. What is no signature at all is none of it.

        Raises:
            Unavailable: It cannot be told, for the same reasons.
        """

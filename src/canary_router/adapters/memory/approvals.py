"""A pipeline's question in memory."""

from canary_router.core.approval import Answer
from canary_router.ports.delivery import Waiting


class MemoryApprovals:
    """One question at most is open at a time.

    Attributes:
        answers: What was answered, in order, with the execution that had asked.
    """

    def __init__(self) -> None:
        """Nobody waits."""
        self.answers: list[tuple[str, Answer]] = []
        self._open: Waiting | None = None

    def ask(self, waiting: Waiting | None) -> None:
        """An execution begins to wait, in the place of whichever did; None ends the wait without an answer."""
        self._open = waiting

    def waiting(self) -> Waiting | None:
        """Who waits."""
        return self._open

    def answer(self, waiting: Waiting, answer: Answer) -> bool:
        """Closes the question if it is the one that is open."""
        if self._open is None or waiting.token != self._open.token:
            return False
        self.answers.append((waiting.execution_id, answer))
        self._open = None
        return True

"""What was written to ``latest``, at least as new as what is known of it already: SSM's reads lag for seconds."""

from canary_router.core.model import WriteMark
from canary_router.core.pointers import Reading
from canary_router.errors import Unavailable
from canary_router.ports import Pointers

LATEST = "latest"


class Lagging(Unavailable):
    """The history does not show yet what is known to have been written."""


def writes_from(pointers: Pointers, service: str, first: int, newest: WriteMark) -> tuple[Reading, ...]:
    """The writes of ``latest`` from one on, oldest first.

    Args:
        pointers: The parameters.
        service: The service's name.
        first: Version of the write to begin with.
        newest: The newest write that is known. Of one whose time is not known, a time that is not after it.

    Raises:
        Lagging: The history is not as new as that; a later look will tell.
        Unavailable: SSM does not answer.
    """
    history = pointers.history(service, LATEST, first - 1)
    # Both: versions count from 1 again once the parameter was deleted, and the time may be that of a write before.
    if not history or history[-1].modified < newest.modified or history[-1].version < newest.version:
        raise Lagging(
            f"the history of latest of {service} lags behind version {newest.version}; a later look will tell"
        )
    return history

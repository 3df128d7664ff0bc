"""Changes of a service as a whole: its lease, a current that was written by hand, where the next pass begins."""

from canary_router.core.changes.clauses import LEASE_FREE, LEASE_OWN, NEW, SEEN_WRITE, Commit, as_read
from canary_router.core.conditions import Clause, Op, Write
from canary_router.core.model import Release, ServiceState, WriteMark
from canary_router.core.records import release_item, release_key, state_key, version_fields


def adopt(adopted: Release, state: ServiceState) -> Commit:
    """Puts on record that ``current`` was written by hand; ``adopted`` is that write, as a closed release.

    Refused when another write of ``current`` has come on record since ``state`` was read.
    """
    seen = as_read(SEEN_WRITE, "current_write", state.current_write or None)
    return (
        Write(
            release_key(adopted.service, adopted.release_id),
            (Clause(NEW, "release_id", Op.ABSENT),),
            put=release_item(adopted),
        ),
        Write(
            state_key(adopted.service),
            (seen,),
            assign={
                **version_fields("current", adopted.target),
                **version_fields("previous", state.previous_to(adopted.target)),
                "current_write": adopted.write.version,
                "current_write_at": adopted.write.modified,
            },
        ),
    )


def turn_page(service: str, cursor: str | None) -> Commit:
    """Remembers where the next pass over pending jobs begins. Two passes at once may look a job up twice, no worse."""
    if cursor is None:
        return (Write(state_key(service), (), remove=("pending_cursor",)),)
    return (Write(state_key(service), (), assign={"pending_cursor": cursor}),)


def look(service: str, write: WriteMark) -> Commit:
    """Records that nothing is hidden up to this write of ``latest``. It stays true: what comes late comes after it."""
    return (Write(state_key(service), (), assign={"looked": write.sortable}),)


def take_lease(service: str, owner: str, now: int, until: int) -> Commit:
    """Takes the right to write a service's pointers, until a moment that outlives the taker's function."""
    return (
        Write(
            state_key(service),
            (Clause(LEASE_FREE, "lease_until", Op.BELOW_OR_ABSENT, now),),
            assign={"lease_owner": owner, "lease_until": until},
        ),
    )


def return_lease(service: str, owner: str) -> Commit:
    """Gives the lease back, if it is still the owner's."""
    return (
        Write(
            state_key(service),
            (Clause(LEASE_OWN, "lease_owner", Op.EQUALS, owner),),
            assign={"lease_until": 0},
        ),
    )

"""Changes by which a stack is retired. CloudFormation knows no conditions, so what must be true is held here.

    prune      reads the state: 3 retirements ... begin: 4, the version is marked ... reads the pointers again, deletes
    rollback   reads the state: 3 ............................ its commit asks for 3 -> refused; reads again: marked

Whichever comes first on record, the other one sees it: a rollback that was first is an open release by then, which the
beginning of a retirement does not survive.
"""

from canary_router.core.changes.clauses import FREE, OWN, SAME_OPEN, SEEN_WRITE, Commit, as_read
from canary_router.core.conditions import Clause, Op, Write
from canary_router.core.model import ServiceState
from canary_router.core.records import state_key
from canary_router.core.retirement_records import Retirement, RetirementState, retirement_item, retirement_key


def begin(retirement: Retirement, state: ServiceState) -> Commit:
    """Marks a version as being retired. Refused when a release, or a write of ``current``, came on record meanwhile.

    Args:
        retirement: What is begun.
        state: The service's state as it was read when the stack was judged.
    """
    return (
        Write(
            state_key(retirement.service),
            (
                as_read(SAME_OPEN, "open_release", state.open_release),
                as_read(SEEN_WRITE, "current_write", state.current_write or None),
            ),
            add={"retirements": 1},
        ),
        Write(
            retirement_key(retirement.service, retirement.version),
            (Clause(FREE, "until", Op.BELOW_OR_ABSENT, retirement.at),),
            put=retirement_item(retirement),
        ),
    )


def deleting(retirement: Retirement, until: int) -> Commit:
    """Records that CloudFormation was told to delete the stack."""
    return _changed(retirement, {"state": RetirementState.DELETING.value, "until": until})


def end(retirement: Retirement, state: RetirementState, outcome: str, now: int) -> Commit:
    """Records what became of it."""
    return _changed(retirement, {"state": state.value, "outcome": outcome, "ended_at": now, "until": 0})


def _changed(retirement: Retirement, fields: dict[str, str | int]) -> Commit:
    return (
        Write(
            retirement_key(retirement.service, retirement.version),
            (Clause(OWN, "retirement_id", Op.EQUALS, retirement.retirement_id),),
            assign=fields,
        ),
    )

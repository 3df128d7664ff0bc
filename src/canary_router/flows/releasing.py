"""Who has released: whoever wrote the pointer, as SSM has it in the parameter's history."""

from collections.abc import Iterable

from canary_router.core.model import Basis, Release
from canary_router.ports import Pointers


def released_by(pointers: Pointers, service: str, releases: Iterable[Release]) -> dict[str, str]:
    """ARNs of those who wrote what releases were made of, by the releases' ids.

    SSM keeps the last 100 writes of a parameter; who wrote before is not known. A rollback was ordered, not written.

    Raises:
        Unavailable: The histories cannot be read.
    """
    wanted = [it for it in releases if it.basis is not Basis.ROLLBACK]
    leaves = {it.release_id: "current" if it.basis is Basis.ADOPTED else "latest" for it in wanted}
    writers = {
        leaf: {it.mark: it.who for it in pointers.history(service, leaf, 0)} for leaf in sorted(set(leaves.values()))
    }
    found = {it.release_id: writers[leaves[it.release_id]].get(it.write, "") for it in wanted}
    return {release_id: who for release_id, who in found.items() if who}

"""Which versions of a service an environment has seen, so that none comes back unnoticed."""

from canary_router.core.model import Version
from canary_router.errors import NotFound
from canary_router.flows.inspect import releases, service_view
from canary_router.ports import Ports


def deployed_tags(ports: Ports, service: str) -> tuple[str, ...]:
    """Tags of all versions that were ever released there, whatever became of them; none for a new service.

    A version that was turned away counts: its stack stands, and its number is taken.

    Raises:
        Unavailable: A dependency does not answer.
    """
    try:
        view = service_view(ports, service)
    except NotFound:
        return ()
    pointed = (view.pointers.current, view.pointers.latest, view.state.current, view.state.previous)
    found = [content.tag for content in pointed if isinstance(content, Version)]
    return tuple(dict.fromkeys([*found, *(release.target.tag for release in releases(ports.ledger, service))]))

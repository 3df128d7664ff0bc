"""Which versions of a service an environment has seen, so that none comes back unnoticed, nor as another commit."""

from canary_router.core.model import Version
from canary_router.core.pointers import version_of
from canary_router.core.writes import attributed, commit_of
from canary_router.errors import NotFound
from canary_router.flows.inspect import releases, service_view
from canary_router.flows.latest import LATEST
from canary_router.ports import Ports


def deployed_versions(ports: Ports, service: str) -> dict[str, str]:
    """The commit of each version that was ever released there, whatever became of it; none for a new service.

    A version that was turned away counts: its stack stands, and its number is taken. The commit is empty where no
    release of the version has put it on record, or SSM has forgotten: it keeps 100 writes of a parameter.

    Returns:
        Commits by tag.

    Raises:
        Unavailable: A dependency does not answer.
    """
    try:
        view = service_view(ports, service)
    except NotFound:
        return {}
    pointed = (view.pointers.current, view.pointers.latest, view.state.current, view.state.previous)
    tags = [content.tag for content in pointed if isinstance(content, Version)]
    tags += [release.target.tag for release in releases(ports.ledger, service)]
    return {**dict.fromkeys(tags, ""), **_commits(ports, service)}


def _commits(ports: Ports, service: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for written in attributed(ports.pointers.history(service, LATEST, 0)):
        version, commit = version_of(service, written.value.strip()), commit_of(written.note)
        if version is not None and commit:
            found[version.tag] = commit
    return found

"""The sample that is deployed on this machine: where its source is, and what its stacks are called."""

from pathlib import Path

from canary_router.errors import ConfigurationError
from canary_router.local.home import source_checkout

SERVICE = "transformer"
FIRST_TAG = "v1.0.0"


def samples_folder() -> Path:
    """The folder that holds the package ``transformer``: in the checkout, or in the installed package.

    Raises:
        ConfigurationError: It is in neither.
    """
    checkout = source_checkout()
    folder = checkout / "examples" if checkout else Path(__file__).parents[1] / "_samples"
    if not (folder / SERVICE / "stack.py").is_file():
        raise ConfigurationError(
            f"The sample {SERVICE!r} is not in {folder}",
            advice="Install the package again: pip install -U 'canary-router[local]'.",
        )
    return folder


def known_tags() -> list[str]:
    """The versions of the sample whose code differs, beginning with the first."""
    changed = (folder.name for folder in (samples_folder() / SERVICE / "versions").glob("v*"))
    return [FIRST_TAG, *sorted(changed)]


def router_stack_name(environment: str) -> str:
    """Name of the router's stack."""
    return f"canary-router-{environment}"


def shared_stack_name(environment: str) -> str:
    """Name of the stack with the data that all versions of the sample read."""
    return f"{SERVICE}-shared-{environment}"


def search_stack_name(environment: str) -> str:
    """Name of the stack that says where the versions' search indexes are."""
    return f"{SERVICE}-search-{environment}"

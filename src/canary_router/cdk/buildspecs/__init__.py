"""The buildspecs that the package brings. They stand in CodeBuild's projects, out of reach of what they build."""

from pathlib import Path

from canary_router import __version__
from canary_router.errors import ConfigurationError

_HERE = Path(__file__).parent

PULL_REQUEST = (_HERE / "pull-request.yml").read_text()
"""Runs ``make test``."""
TAG = (_HERE / "tag.yml").read_text()
"""Refuses a tag that is no release, runs ``make test``, and puts the signed artifact into the bucket."""
DEPLOY = (_HERE / "deploy.yml").read_text()
"""Verifies the artifact, and runs ``cdk deploy`` in it with its tag, its commit and the environment as context."""

VERSION_VARIABLE = "CANARY_ROUTER_VERSION"
"""The variable that names the version of this package for builds that install it: the one that has synthesised."""


def variables(service: str, **more: str) -> dict[str, str]:
    """What the buildspecs of a service's tags and deployments expect, besides what CodeBuild sets."""
    return {"SERVICE": service, VERSION_VARIABLE: __version__, **more}


def check(text: str) -> None:
    """Refuses what is no buildspec.

    Raises:
        ConfigurationError: It does not begin with its version, as the name of a file would not.
    """
    if not text.lstrip().startswith("version:"):
        raise ConfigurationError("A buildspec has no version", advice="Give the YAML text, not a file's name.")

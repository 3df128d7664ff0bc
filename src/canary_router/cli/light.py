"""Ports without boto3, for verbs that look: making its clients takes longer than all the rest of such a verb.

The request function's calls (docs/adr/0010) serve a person too, where this machine's settings ask for nothing that
only boto3 does. Whose signature it is follows botocore's rules: keys of the environment are taken as they are, for
anything else its own chain is asked (profiles, roles, single sign-on). What is not surely plain is left to boto3.
"""

import os
import select
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from canary_router.adapters.aws.wire.endpoints import needs_botocore

if TYPE_CHECKING:
    from canary_router.adapters.aws.wire.credentials import Source
    from canary_router.ports import Ports

_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}
_NOT_PLAIN = ("endpoint", "services", "ca_bundle", "fips", "dualstack", "prox")
"""Words of settings in those files that change where calls go, or whom they trust."""
_NAMES_A_PROFILE = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_MORE_THAN_KEYS = (*_NAMES_A_PROFILE, "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION")
"""Variables that botocore's chain heeds beside a pair of keys."""


def light_ports(environment: str, profile: str, region: str, env: Mapping[str, str] = os.environ) -> "Ports | None":
    """Ports over the wire; None where boto3 has to make the calls, or to say that there is no region.

    Args:
        environment: Name of the router's environment.
        profile: The AWS profile that was asked for; empty for the configured one.
        region: The region that was asked for; empty for the configured one.
        env: Environment variables.

    Raises:
        ConfigurationError: The environment holds a malformed endpoint.
        BotoCoreError: There is no such profile, it is incomplete, or there are no credentials.
    """
    if not is_plain(env):
        return None
    found = _from_environment(env, profile, region) or _from_botocore(profile, region)
    if found is None:
        return None
    source, region = found
    from canary_router.request_wiring import wire_ports

    # boto3 does not read AWS_REGION, and trusts authorities of its own: what a verb reaches must not depend on the way.
    bundle = env.get("AWS_CA_BUNDLE") or env.get("REQUESTS_CA_BUNDLE") or _botocores_authorities()
    return wire_ports({**env, "AWS_REGION": region, "AWS_CA_BUNDLE": bundle}, environment, source)


def is_plain(env: Mapping[str, str]) -> bool:
    """Whether nothing here asks for what only boto3 does. In doubt it does: a word in a comment is enough."""
    if needs_botocore(env) or not hasattr(select, "poll") or _has_system_proxies(sys.platform):
        return False
    try:
        texts = [Path(env.get(name) or place).expanduser() for name, place in _FILES.items()]
        said = "".join(file.read_text(encoding="utf-8").lower() for file in texts if file.exists())
    except (OSError, ValueError, RuntimeError):  # whatever that is, botocore can say it best
        return False
    return not any(word in said for word in _NOT_PLAIN)


def _from_environment(env: Mapping[str, str], profile: str, region: str) -> "tuple[Source, str] | None":
    region = region or env.get("AWS_DEFAULT_REGION", "")
    has_keys = env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY")
    if profile or not (region and has_keys) or any(env.get(name) for name in _MORE_THAN_KEYS):
        return None
    from canary_router.adapters.aws.wire.credentials import source_of

    return source_of(env), region


def _from_botocore(profile: str, region: str) -> "tuple[Source, str] | None":
    """Whatever its chain finds; None without a region. Its import takes as long as all the rest, clients twice that."""
    from botocore.exceptions import NoCredentialsError
    from botocore.session import Session

    from canary_router.adapters.aws.wire.credentials import BotocoreChain

    session = Session(profile=profile or None)
    session.get_scoped_config()  # says that there is no such profile
    region = region or str(session.get_config_variable("region") or "")
    if not region:
        return None
    found = session.get_credentials()
    if found is None:
        raise NoCredentialsError
    return BotocoreChain(found), region


def _botocores_authorities() -> str:
    """The file of authorities that come with botocore, whose import costs more than the file is worth."""
    spec = find_spec("botocore")
    return "" if spec is None or spec.origin is None else str(Path(spec.origin).with_name("cacert.pem"))


def _has_system_proxies(platform: str) -> bool:
    """On a desktop the system may know of proxies; elsewhere the environment alone does."""
    if platform not in ("darwin", "win32"):
        return False
    from urllib.request import getproxies

    return bool(getproxies())

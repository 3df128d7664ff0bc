"""``local up``, ``deploy``, ``down``: a router on this machine that serves the sample."""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3

from canary_router import settings, wiring
from canary_router.client import RouterClient
from canary_router.client.answers import Transform
from canary_router.core.model import Route, Status, Version
from canary_router.core.pointers import understand
from canary_router.errors import ConfigurationError, InvalidInput, NotFound, Unavailable
from canary_router.local import emulator as emulators
from canary_router.local import standins
from canary_router.local.deployment import ENVIRONMENT, Deployment
from canary_router.local.home import state_home
from canary_router.local.record import Emulator
from canary_router.local.sample import (
    FIRST_TAG,
    SERVICE,
    known_tags,
    router_stack_name,
    search_stack_name,
    shared_stack_name,
)
from canary_router.local.toolchain import Progress, silent

SERVED_WITHIN = 90.0
"""Seconds from the end of the first deployment to the first answer: the schedule's minute, if nothing is quicker."""
_TAG = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")


def up(*, port: int = 0, spark: bool = False, progress: Progress = silent) -> Emulator:
    """Starts an emulator with a router that serves the sample's first version; it stays until ``down``.

    One that is up already is left as it is.

    Args:
        port: Port of 127.0.0.1 for the emulator; 0 takes a free one.
        spark: Whether the sample's Spark jobs run on PySpark.
        progress: Is told, in one line, before a step that takes long.

    Raises:
        ConfigurationError: The port is taken, something else runs there, or an extra is missing.
        Unavailable: A tool could not be installed or a deployment failed; nothing is left behind then.
    """
    home = state_home()
    found = emulators.running(home)
    if found is not None and not found.is_orphan and found.environment and found.owner is None:
        if port and not found.endpoint_url.endswith(f":{port}"):
            raise ConfigurationError(
                f"It is up already, at {found.endpoint_url}", advice="End it first: canary-router local down."
            )
        progress(f"It is up already, at {found.endpoint_url}")
        if found.standins is not None and not found.standins.is_alive:
            return standins.start(home, found, spark=spark, progress=progress)
        return found
    if spark:
        standins.check_spark()
    begun = emulators.start(home, port=port, progress=progress)
    try:
        return emulators.keep(home, furnish(begun, progress, spark=spark))
    except BaseException:
        progress("Cleaning up")
        emulators.stop(home)
        raise


def furnish(emulator: Emulator, progress: Progress = silent, *, spark: bool = False) -> Emulator:
    """Deploys the router and the first version of the sample, and returns the record once requests are served.

    Raises:
        ConfigurationError: The ``local`` extra is missing.
        Unavailable: A tool could not be installed, a deployment failed, or the router did not come to serve.
    """
    emulator = standins.start(state_home(), emulator, spark=spark, progress=progress)
    deployment = Deployment(emulator, progress)
    with ThreadPoolExecutor(1) as pool:
        bootstrapped = pool.submit(deployment.bootstrap)
        deployment.synthesise(deployment.assembly, known_tags(), "--router")
        bootstrapped.result()
    stacks = [name(ENVIRONMENT) for name in (router_stack_name, shared_stack_name, search_stack_name)]
    deployment.deploy(deployment.assembly, *stacks, settings.stack_name(SERVICE, FIRST_TAG))
    session = connect(emulator)
    progress(f"Waiting until {FIRST_TAG} serves")
    endpoint = _served(session)
    return emulators.save(state_home(), replace(emulator, environment=ENVIRONMENT, router_endpoint=endpoint))


def deploy(tag: str, *, progress: Progress = silent) -> dict[str, Any]:
    """Deploys another version of the sample, which releases itself as its last act.

    Raises:
        InvalidInput: The tag is not a semantic version.
        ConfigurationError: Nothing is up.
        Unavailable: The deployment failed.
    """
    if not _TAG.fullmatch(tag):
        raise InvalidInput(f"{tag!r} is not a version's tag", advice="Give one such as v1.1.0.")
    emulator = emulators.running(state_home())
    if emulator is None or not emulator.environment:
        raise ConfigurationError("No router is up on this machine", advice="Start one: canary-router local up.")
    deployment = Deployment(emulator, progress)
    assembly = deployment.assembly
    if tag not in known_tags():
        assembly = Path(emulator.state_dir) / f"assembly-{settings.slug(tag)}"
        deployment.synthesise(assembly, [tag])
    stack = settings.stack_name(SERVICE, tag)
    changed = deployment.deploy(assembly, stack)
    return {
        "stack": stack,
        "service": SERVICE,
        "version": tag,
        "environment": emulator.environment,
        "target_arn": pipeline_arn(emulator, tag),
        "changed": changed,
    }


def down() -> bool:
    """Ends the emulator and removes all of its files; False when there was none."""
    return emulators.stop(state_home())


def find() -> Emulator | None:
    """The emulator with a router that is up, if there is one."""
    found = emulators.running(state_home())
    return found if found is not None and found.environment else None


def document(emulator: Emulator) -> dict[str, Any]:
    """The contract's record of a local router."""
    return {
        "endpoint_url": emulator.endpoint_url,
        "region": emulator.region,
        "account": emulator.account,
        "environment": emulator.environment,
        "router_endpoint": emulator.router_endpoint,
        "access_key_id": emulator.access_key_id,
        "secret_access_key": emulator.secret_access_key,
        "pid": emulator.pid,
        "state_dir": emulator.state_dir,
    }


def connect(emulator: Emulator) -> boto3.Session:
    """Turns this process to the emulator, and returns a session for it.

    A session cannot be told of an endpoint by any other way than the process's environment or a file.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= emulator.client_environment()
    return boto3.Session()


def pipeline_arn(emulator: Emulator, tag: str) -> str:
    """ARN of a version's pipeline function."""
    name = settings.pipeline_function_name(SERVICE, tag)
    return f"arn:aws:lambda:{emulator.region}:{emulator.account}:function:{name}"


def _served(session: boto3.Session) -> str:
    """Waits until the first version is current and the router answers; returns its address."""
    pointers, client = wiring.aws_ports(session, ENVIRONMENT).pointers, RouterClient(ENVIRONMENT, session=session)
    # Asking for a job that never was goes the whole way, and starts nothing.
    nothing = Transform(
        "none", SERVICE, Route.CURRENT, "", "", None, Status.RUNNING, f"/services/{SERVICE}/transforms/none"
    )
    until = time.monotonic() + SERVED_WITHIN
    while True:
        trouble = f"{FIRST_TAG} was released, but is not current"
        if isinstance(understand(SERVICE, pointers.read(SERVICE)).current, Version):
            try:
                client.status(nothing)
            except NotFound:
                return client.endpoint
            except Unavailable as error:
                trouble = str(error)
        if time.monotonic() > until:
            raise Unavailable(f"The router does not serve after {SERVED_WITHIN:.0f} s: {trouble}")
        time.sleep(0.2)

"""Starts the application: ``python -m frontend production``, with this folder's parent on the Python path."""

import argparse
import logging
import os
import sys

import boto3

from canary_router import settings
from canary_router.errors import CanaryRouterError, ConfigurationError
from canary_router.local import emulator
from canary_router.local.home import state_home
from frontend.app import Application
from frontend.desk import CONTRACTS, Desk
from frontend.server import Server

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="frontend", description="A web page that submits jobs and shows their ends.")
    parser.add_argument(
        "environment",
        nargs="?",
        default=os.environ.get(settings.ENV_ENVIRONMENT, ""),
        help=f"where the router is; by default ${settings.ENV_ENVIRONMENT}, or that of the emulator on this machine",
    )
    parser.add_argument(
        "--contract", choices=CONTRACTS, default="v1", help="contract of the orders: v2 from v1.4.0 on, v1 until v2.0.0"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; by default only this machine")
    parser.add_argument("--port", type=int, default=8080, help="port to listen at; 0 takes a free one")
    return parser.parse_args()


def environment_of(chosen: str) -> str:
    """The environment; when it is that of the emulator on this machine, AWS is that emulator from here on.

    Raises:
        ConfigurationError: None is named and no emulator is up, or the name cannot be one.
    """
    elsewhere = bool(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_PROFILE"))
    found = None if elsewhere else emulator.running(state_home())
    if found is not None and found.environment and chosen in ("", found.environment):
        os.environ |= found.client_environment()
        return found.environment
    if not settings.NAME_PATTERN.fullmatch(chosen):
        raise ConfigurationError(
            f"{chosen!r} is not the name of an environment",
            advice=f"Name one, or set {settings.ENV_ENVIRONMENT}; without AWS: make demo ARGS=--keep, then again.",
        )
    return chosen


def main() -> int:
    """Serves until it is interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    options = arguments()
    try:
        environment = environment_of(options.environment)
        session = boto3.Session()
        if session.region_name is None:
            raise ConfigurationError("No AWS region is known", advice="Set AWS_DEFAULT_REGION, or AWS_PROFILE.")
        hosts = _LOOPBACK if options.host in _LOOPBACK else None
        application = Application(Desk(environment, session, options.contract), hosts)
        server = Server(options.host, options.port, application)
    except CanaryRouterError as error:
        print(f"{error}\n{error.advice}".strip(), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot listen at {options.host}:{options.port}: {error}\nTry --port 0.", file=sys.stderr)
        return 1
    with server:
        print(f"{server.url} submits to the environment {environment}; Ctrl-C ends it", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Serves the stand-ins until it is told to end: ``python -m transformer.standins --port 9201 [--plain]``."""

import argparse
import signal
import sys

from transformer.standins.search.api import Search
from transformer.standins.web import HOST, Server


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="transformer.standins", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help=f"port of {HOST} to listen at; 0 takes a free one")
    parser.add_argument("--plain", action="store_true", help="run Spark jobs without Spark, by their own functions")
    return parser.parse_args()


def main() -> int:
    """Serves until SIGTERM, or Ctrl-C."""
    options = arguments()
    try:
        server = Server(options.port, {"search": Search()})
    except OSError as error:
        print(f"Cannot listen at {HOST}:{options.port}: {error}", file=sys.stderr)
        return 1
    # Raised in the main thread, which is the one that serves: so everything below is left by its ordinary way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The controller's events: an execution ended, a pointer changed, a minute passed, or somebody nudged."""

from typing import Any

from canary_router import wiring
from canary_router.lambdas.turn import take_turn

_ports, _settings = wiring.lambda_environment()


def handler(event: object, _context: object) -> dict[str, Any]:
    """Does what the event asks for. What it raises makes Lambda deliver the event again."""
    return take_turn(event, *wiring.reconciler(_ports, _settings), _settings.services)

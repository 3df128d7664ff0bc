"""The smallest pipeline there is: what the contract asks for, and no more."""

import os
from typing import Any

from canary_router.pipeline import start_transform


def handler(event: dict[str, Any], _context: object) -> Any:
    return start_transform(event, os.environ["STATE_MACHINE_ARN"])

"""The pipeline function of the service that the story delivers: nothing but what the contract asks for."""

import os
from typing import Any

from canary_router.pipeline import start_transform


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    return start_transform(event, os.environ["STATE_MACHINE_ARN"])

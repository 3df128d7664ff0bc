"""The router of an environment, as a stack: one construct, and what one account's environments share."""

from typing import Any

from aws_cdk import Stack
from constructs import Construct

from canary_router.cdk import CanaryRouter, RouterOptions, shared_cloud_map_service


class RouterStack(Stack):
    """The router that serves the Transformer.

    Args:
        scope: The app.
        environment: Name of the environment.
        service: Name of the service.
        first: Whether it is the account's and region's first router: that one makes what belongs to all of them.
        **stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(
        self, scope: Construct, *, environment: str, service: str, first: bool = True, **stack_options: Any
    ) -> None:
        stack_name = f"canary-router-{environment}"
        super().__init__(scope, stack_name, stack_name=stack_name, **stack_options)
        options = RouterOptions(
            cloud_map_service_id=None if first else shared_cloud_map_service(self), sets_api_log_role=first
        )
        CanaryRouter(self, "Router", environment=environment, services=[service], options=options)

"""Constructs for the AWS CDK: the router, the immutable stacks that it releases, what stacks publish, and delivery.

Needs the ``cdk`` extra. Nothing else in the package imports this one.
"""

from canary_router.cdk.attributes import Discover, Publish, PublishFirst
from canary_router.cdk.delivery import Delivery, DeliveryOptions
from canary_router.cdk.discovery import shared_cloud_map_service
from canary_router.cdk.function import BundledFunction, FunctionOptions
from canary_router.cdk.github import GitHubDelivery, GitHubOptions
from canary_router.cdk.immutable import ImmutableStack
from canary_router.cdk.notifications import NotificationOptions, Notifications
from canary_router.cdk.options import ExtraTarget, Prune, RouterOptions
from canary_router.cdk.pipeline import Pipeline
from canary_router.cdk.release import Release
from canary_router.cdk.router import CanaryRouter
from canary_router.cdk.stage_options import StageOptions
from canary_router.cdk.stage_pipeline import StagePipeline
from canary_router.cdk.wildcards import acknowledge_wildcards
from canary_router.core.gate import Counted, Sequential
from canary_router.core.policy import Policy

__all__ = [
    "BundledFunction",
    "CanaryRouter",
    "Counted",
    "Delivery",
    "DeliveryOptions",
    "Discover",
    "ExtraTarget",
    "FunctionOptions",
    "GitHubDelivery",
    "GitHubOptions",
    "ImmutableStack",
    "NotificationOptions",
    "Notifications",
    "Pipeline",
    "Policy",
    "Prune",
    "Publish",
    "PublishFirst",
    "Release",
    "RouterOptions",
    "Sequential",
    "StageOptions",
    "StagePipeline",
    "acknowledge_wildcards",
    "shared_cloud_map_service",
]

"""Constructs for the AWS CDK: the router, and the immutable stacks whose versions it releases.

Needs the ``cdk`` extra. Nothing else in the package imports this one.
"""

from canary_router.cdk.function import BundledFunction, FunctionOptions
from canary_router.cdk.immutable import ImmutableStack
from canary_router.cdk.release import Release

__all__ = ["BundledFunction", "FunctionOptions", "ImmutableStack", "Release"]

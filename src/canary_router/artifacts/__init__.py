"""From a commit to an artifact with a signed manifest, and back to files, once everything about it was checked."""

from canary_router.artifacts.pack import Packed, Packing, pack
from canary_router.artifacts.verify import Verified, verify

__all__ = ["Packed", "Packing", "Verified", "pack", "verify"]

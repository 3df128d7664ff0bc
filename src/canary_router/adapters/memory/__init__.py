"""The ports in memory: for tests, for simulation, and for embedding the router where there is no AWS.

One contract suite holds these and the AWS adapters to the same promises.
"""

from canary_router.adapters.memory.approvals import MemoryApprovals
from canary_router.adapters.memory.deployed import (
    MemoryCaller,
    MemoryDoor,
    MemoryFunctions,
    MemoryLimits,
    MemoryNudge,
    MemoryRights,
)
from canary_router.adapters.memory.ledger import MemoryLedger
from canary_router.adapters.memory.pipelines import MemoryPipelines
from canary_router.adapters.memory.pointers import MemoryPointers
from canary_router.adapters.memory.signer import MemorySigner
from canary_router.adapters.memory.stacks import MemoryActivities, MemoryStacks
from canary_router.adapters.memory.surroundings import ManualClock, MemoryMessenger, MemoryMeter, MemoryNotifier

__all__ = [
    "ManualClock",
    "MemoryActivities",
    "MemoryApprovals",
    "MemoryCaller",
    "MemoryDoor",
    "MemoryFunctions",
    "MemoryLedger",
    "MemoryLimits",
    "MemoryMessenger",
    "MemoryMeter",
    "MemoryNotifier",
    "MemoryNudge",
    "MemoryPipelines",
    "MemoryPointers",
    "MemoryRights",
    "MemorySigner",
    "MemoryStacks",
]

"""The dashboard: what ``canary-router dashboard`` serves on loopback, with the operator's own credentials.

It reads and orders by the same flows as the command line, through ports. It keeps nothing but what a person ordered
while it runs, so it may be ended at any time.
"""

from canary_router.dashboard.app import Application
from canary_router.dashboard.controls import Controls
from canary_router.dashboard.server import Server

__all__ = ["Application", "Controls", "Server"]

"""Canary Router: a release is judged by the final outcome of the very jobs that were routed to it."""

__version__ = "0.1.0"

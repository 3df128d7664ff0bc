"""The versions that each service has, and how the router is set."""

ENVIRONMENT = "chaos"
GRACE = 45
"""Seconds. As in production it is longer than any invocation can be under way: the request function's 28 seconds, and
what a call that comes late takes after them."""
GOOD = ("v1.0.0", "v1.1.0", "v1.2.0")
"""They work; the first is current in the beginning."""
BAD = "v1.3.0"
"""Its jobs fail."""
STUCK = "v1.4.0"
"""Its jobs never end."""

"""The versions that each service has."""

ENVIRONMENT = "chaos"
GOOD = ("v1.0.0", "v1.1.0", "v1.2.0")
"""They work; the first is current in the beginning."""
BAD = "v1.3.0"
"""Its jobs fail."""
STUCK = "v1.4.0"
"""Its jobs never end."""

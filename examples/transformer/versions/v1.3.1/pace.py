"""How often the state machine looks whether a query or the Spark job is done."""

POLL_SECONDS = 2
"""Half as often as before, which Athena's quota of calls has room for."""

"""How often the state machine looks whether a query is done."""

POLL_SECONDS = 2_000
"""Half as often as before, which Athena's quota of calls has room for. Two seconds, in milliseconds."""

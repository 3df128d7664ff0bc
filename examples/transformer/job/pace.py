"""How often the state machine looks whether a query is done."""

POLL_SECONDS = 1

"""How often the state machine looks whether a query or the Spark job is done."""

POLL_SECONDS = 1

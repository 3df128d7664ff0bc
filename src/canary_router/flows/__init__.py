"""Order, idempotency and retries: what is done about a decision, through ports alone."""

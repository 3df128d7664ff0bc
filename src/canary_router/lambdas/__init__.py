"""Entry points of the router's functions. They hold no rule: they translate events, and wire."""

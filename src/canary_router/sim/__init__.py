"""The real core and the real flows under virtual time, one seed, and every fault that the ports allow.

- Nothing of the protocol is copied here: flows run as they are, suspended at each call of a port.
- One seed is one run: plan, latencies and faults all come from it, and nothing else does.
- Whether a run was right is decided from the outside: what clients were told, which executions there were, what the
  parameters' history says (``checks``).
- Each check is shown to be able to fail: ``mutants`` breaks the protocol on purpose.
"""

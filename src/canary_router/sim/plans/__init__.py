"""What is going to happen in a run: the plan as data, and how a seed becomes one."""

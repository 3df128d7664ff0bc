"""A fleet of warm routers under load: how often each call of AWS is made, and what happens beyond AWS's limits.

- The request flow, its caches and the controller run as they are; each instance of the function has its own caches.
- Requests arrive at random (Poisson), an instance serves one at a time, as in Lambda.
- A deployment wakes the fleet, its jobs end well, and the fleet goes to sleep again on the new version.
- Latencies and limits are assumptions (``services.py``), and nothing of AWS itself is measured here.
"""

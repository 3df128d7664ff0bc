"""A front-end application in small: sends one job to an environment's router and waits for its end.

    python examples/frontend/submit_job.py production --year 2014 --metric wind

It knows the environment's name and nothing else. Which version does the job, and whether a release is being tried out
at this moment, is no business of a front-end: it takes the transform and waits.
"""

import argparse
import sys

from canary_router.client import RouterClient, new_key
from canary_router.errors import CanaryRouterError, StartUnknown


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Summarise a year of weather, month by month.")
    parser.add_argument("environment", help="where the router is, for example production")
    parser.add_argument("--year", type=int, default=2014)
    parser.add_argument("--metric", default="temp_max", help="temp_max, temp_min, precipitation or wind")
    parser.add_argument("--named", default="metric", help="what the order calls it: metric, or measure from v1.4.0 on")
    parser.add_argument("--key", default=new_key(), help="idempotency key; give it again to ask for the same job")
    parser.add_argument("--timeout", type=float, default=900, help="seconds to wait for the end of the job")
    return parser.parse_args()


def main() -> int:
    """Sends the job; 0 when it has succeeded, 1 when it has not."""
    options = arguments()
    router = RouterClient(options.environment)
    order = {"year": options.year, options.named: options.metric}
    try:
        transform = router.submit("transformer", order, idempotency_key=options.key)
        print(f"{transform.transform_id} runs on {transform.version}")
        transform = router.wait(transform, timeout=options.timeout, poll=1)
    except StartUnknown as error:
        # The one error after which the job may run. Its key makes it safe to ask again.
        print(f"{error}\nAsk again with --key {options.key}", file=sys.stderr)
        return 1
    except CanaryRouterError as error:
        print(f"{error}\n{error.advice}".strip(), file=sys.stderr)
        return 1
    print(f"{transform.transform_id} has {transform.status}")
    return 0 if transform.succeeded else 1


if __name__ == "__main__":
    sys.exit(main())

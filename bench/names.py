"""The names that the stub and those who ask it agree on. Imports nothing, since cold starts are measured with it."""

ACCOUNT = "arn:aws:{service}:us-east-1:000000000000:"
FUNCTION = ACCOUNT.format(service="lambda") + "function:"
EXECUTION = ACCOUNT.format(service="states") + "execution:"
CURRENT_TAG, LATEST_TAG = "v1.0.0", "v1.1.0"


def pipeline(service: str, tag: str = CURRENT_TAG) -> str:
    """The ARN of a version's pipeline, as the contract names it."""
    return f"{FUNCTION}{service}-{tag.replace('.', '-')}-pipeline"


ARN = pipeline("asleep")
KEY = {"pk": {"S": "SERVICE#admitting"}, "sk": {"S": "RELEASE#r3-1750000000"}}
NAMES = [f"/canary-router/bench/asleep/{leaf}" for leaf in ("current", "latest", "policy")]
"""What boto3's side of the cold starts asks for."""

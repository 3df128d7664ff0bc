"""Before a deployment: is everything published that the stack is going to read with ``Discover``?

    python -m canary_router.preflight cdk.out/transformer-v1-1-0.template.json

CloudFormation refuses the deployment too, before it changes anything, but it names parameters and no
more. This says of each whose attribute it is and what to do. It needs ``ssm:GetParameters`` and no CDK.

Exit codes: 0 everything is there; 1 something is not; 2 the template cannot be read; 3 AWS did not answer or refused.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from canary_router import settings
from canary_router.adapters.aws.trouble import read
from canary_router.errors import CanaryRouterError, ConfigurationError, InvalidInput, NotPublished, Unavailable

_AT_ONCE = 10
"""Names that GetParameters takes."""


def missing(template: Path, session: boto3.Session | None = None) -> list[NotPublished]:
    """What a template reads and nobody has published, as errors that name it. Nothing is raised for them.

    Args:
        template: A template that the CDK has written.
        session: Session to ask with; None takes boto3's own choice of credentials and region.

    Raises:
        InvalidInput: The file is not there, or is no template in JSON.
        ConfigurationError: There is no region, or no such profile.
        Unavailable: SSM does not answer, or refuses.
    """
    wanted = {name: parts for name in _parameters(template) if (parts := settings.published_attribute(name))}
    try:
        client = (session or boto3.Session()).client("ssm")
    except BotoCoreError as error:
        raise ConfigurationError(
            f"SSM cannot be asked: {error}",
            advice="Set AWS_DEFAULT_REGION, and AWS_PROFILE to a profile that is there.",
        ) from error
    absent: list[str] = []
    names = sorted(wanted)
    for first in range(0, len(names), _AT_ONCE):
        absent += _absent(client, names[first : first + _AT_ONCE])
    return [NotPublished(*wanted[name], f"SSM, as {name}") for name in sorted(absent)]


def _absent(client: Any, names: list[str]) -> list[str]:
    try:
        answer = read(f"reading {', '.join(names)}", lambda: client.get_parameters(Names=names))
    except Unavailable as error:
        advice = "Check credentials, account and region; the caller needs ssm:GetParameters."
        raise Unavailable(str(error), advice=advice) from error
    return [str(name) for name in answer["InvalidParameters"]]


def _parameters(template: Path) -> Iterator[str]:
    """Names of the SSM parameters whose values CloudFormation is going to read."""
    try:
        document = json.loads(template.read_text(encoding="utf-8"))
        found = list(document.get("Parameters", {}).values())
        yield from (it["Default"] for it in found if it["Type"].startswith("AWS::SSM::Parameter::Value<"))
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise InvalidInput(
            f"{template} is not a template that the CDK has written: {error!r}",
            advice="Run cdk synth, and name cdk.out/STACK.template.json.",
        ) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what is missing in the templates that are named, a line each, and answers with the exit code."""
    templates = sys.argv[1:] if arguments is None else arguments
    if not templates:
        sys.stderr.write("Name one template or more: python -m canary_router.preflight TEMPLATE...\n")
        return 2
    found: list[NotPublished] = []
    try:
        for template in templates:
            found += missing(Path(template))
    except InvalidInput as error:
        return _tell(error, 2)
    except CanaryRouterError as error:
        return _tell(error, 3)
    for absence in found:
        _tell(absence, 1)
    return 1 if found else 0


def _tell(error: CanaryRouterError, code: int) -> int:
    sys.stderr.write(f"{error}. {error.advice}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())

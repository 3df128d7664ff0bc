"""What a pipeline Lambda imports: start the state machine for one transform, once.

The contract between router and pipeline is small: the payload is ``{"transform_id", "service", "version",
"input"}``, the execution's name is the transform id, the answer is ``{"execution_arn"}``. Because the name is
the id, asking twice gives one execution.
"""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from canary_router.errors import InvalidInput


def start_transform(event: object, state_machine_arn: str, *, client: Any = None) -> dict[str, str]:
    """Starts the state machine for the transform that the router sent, under the transform's id.

    Args:
        event: The payload that the router sent.
        state_machine_arn: The version's own state machine.
        client: A boto3 ``stepfunctions`` client; made when it is not given.

    Returns:
        ``{"execution_arn": ...}``, the answer that the router expects. An execution of that name that exists
        already is the same job, and counts as started.

    Raises:
        InvalidInput: The event does not come from a router.
        ClientError: Step Functions refused for any other reason; the router then knows that nothing started.
    """
    # Whoever may invoke the pipeline's function can send it anything.
    payload: Mapping[str, Any] = event if isinstance(event, Mapping) else {}
    transform_id = payload.get("transform_id")
    if not isinstance(transform_id, str) or "input" not in payload:
        raise InvalidInput(
            "The event has no 'transform_id' and 'input'",
            advice="Send jobs to the router's API; it invokes the pipeline with the payload of the contract.",
        )
    states = client or boto3.client("stepfunctions")
    try:
        answer = states.start_execution(
            stateMachineArn=state_machine_arn, name=transform_id, input=_compact(payload["input"])
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ExecutionAlreadyExists":
            raise
        return {"execution_arn": execution_arn(state_machine_arn, transform_id)}
    return {"execution_arn": str(answer["executionArn"])}


def execution_arn(state_machine_arn: str, transform_id: str) -> str:
    """The ARN of a standard workflow's execution, which AWS builds from the machine's ARN and the name."""
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:', 1)}:{transform_id}"


def _compact(document: object) -> str:
    """The form in which the router measured the input: any other could be over Step Functions' limit."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)

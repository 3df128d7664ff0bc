"""Operations of the four services, with the names and the shapes of boto3's clients.

Three of them speak JSON (``X-Amz-Target``), Lambda's Invoke is REST. What is read only may be sent twice at will.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from canary_router.adapters.aws.failures import CallFailed, NoAnswer, NotSendable, ServiceError
from canary_router.adapters.aws.wire.connection import Answer
from canary_router.adapters.aws.wire.credentials import Source, source_of
from canary_router.adapters.aws.wire.endpoints import endpoint_of
from canary_router.adapters.aws.wire.signing import Signer
from canary_router.adapters.aws.wire.transport import Limits, Tls, Transport
from canary_router.core.quoting import quoted
from canary_router.errors import ConfigurationError

_ERRORS_FROM = 300
_PATHS_KEPT = 64
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Wire:
    """Makes the clients of one region with one set of credentials.

    Args:
        env: Environment variables: region, credentials, endpoints, ``AWS_CA_BUNDLE``.
        source: Gives the credentials, instead of what the environment names.

    Raises:
        ConfigurationError: There is no region.
    """

    def __init__(self, env: Mapping[str, str], source: Source | None = None) -> None:
        region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
        if not region:
            raise ConfigurationError("No region is set", advice="Set AWS_REGION; Lambda does so itself.")
        self._env = env
        self._region = region
        self._source = source or source_of(env)
        self._tls = Tls(env.get("AWS_CA_BUNDLE") or None)

    def ssm(self, limits: Limits) -> "ParameterCalls":
        """A client of Systems Manager."""
        return ParameterCalls(self._transport("SSM", "ssm", limits))

    def dynamodb(self, limits: Limits) -> "TableCalls":
        """A client of DynamoDB."""
        return TableCalls(self._transport("DYNAMODB", "dynamodb", limits))

    def functions(self, limits: Limits) -> "FunctionCalls":
        """A client of Lambda."""
        return FunctionCalls(self._transport("LAMBDA", "lambda", limits))

    def executions(self, limits: Limits) -> "ExecutionCalls":
        """A client of Step Functions."""
        return ExecutionCalls(self._transport("SFN", "states", limits))

    def _transport(self, service: str, name: str, limits: Limits) -> Transport:
        endpoint = endpoint_of(service, name, self._region, self._env)
        return Transport(endpoint, Signer(name, self._region), self._source, self._tls, limits)


class _JsonCalls:
    _TARGET: str
    _VERSION: str

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _call(self, operation: str, request: dict[str, Any], *, repeatable: bool = False) -> Any:
        headers, body = self._written(operation, request)
        answer = self._transport.post("/", headers, body, repeatable=repeatable)
        if answer.status >= _ERRORS_FROM:
            raise error_in(operation, answer)
        return json.loads(answer.body)

    def _send(self, operation: str, request: dict[str, Any], failed: Callable[[CallFailed], None]) -> None:
        def told(answer: Answer | NoAnswer) -> None:
            if isinstance(answer, NoAnswer):
                failed(answer)
            elif answer.status >= _ERRORS_FROM:
                failed(error_in(operation, answer))

        headers, body = self._written(operation, request)
        self._transport.send("/", headers, body, told)

    def _written(self, operation: str, request: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        headers = {
            "content-type": f"application/x-amz-json-{self._VERSION}",
            "x-amz-target": f"{self._TARGET}.{operation}",
        }
        try:
            return headers, _ENCODER.encode(request).encode()
        except (TypeError, ValueError, RecursionError) as error:  # such as half of a surrogate pair
            raise NotSendable(f"{operation} cannot be written as JSON: {error}") from error


class ParameterCalls(_JsonCalls):
    """Systems Manager. Dates are epoch seconds, where boto3 makes them objects."""

    _TARGET, _VERSION = "AmazonSSM", "1.1"

    def get_parameters(self, **request: Any) -> Any:
        """GetParameters."""
        return self._call("GetParameters", request, repeatable=True)

    def get_parameter_history(self, **request: Any) -> Any:
        """GetParameterHistory, one page."""
        return self._call("GetParameterHistory", request, repeatable=True)

    def get_parameters_by_path(self, **request: Any) -> Any:
        """GetParametersByPath, one page."""
        return self._call("GetParametersByPath", request, repeatable=True)

    def put_parameter(self, **request: Any) -> Any:
        """PutParameter."""
        return self._call("PutParameter", request)


class TableCalls(_JsonCalls):
    """DynamoDB."""

    _TARGET, _VERSION = "DynamoDB_20120810", "1.0"

    def get_item(self, **request: Any) -> Any:
        """GetItem."""
        return self._call("GetItem", request, repeatable=True)

    def query(self, **request: Any) -> Any:
        """Query, one page."""
        return self._call("Query", request, repeatable=True)

    def put_item(self, **request: Any) -> Any:
        """PutItem."""
        return self._call("PutItem", request)

    def update_item(self, **request: Any) -> Any:
        """UpdateItem."""
        return self._call("UpdateItem", request)

    def send_item(self, kind: str, request: dict[str, Any], failed: Callable[[CallFailed], None]) -> None:
        """PutItem or UpdateItem (``kind`` is the first word), whose answer nobody waits for.

        ``failed`` hears of an error when the connection is next used, or never.
        """
        self._send(f"{kind}Item", request, failed)

    def transact_write_items(self, **request: Any) -> Any:
        """TransactWriteItems."""
        return self._call("TransactWriteItems", request)


class ExecutionCalls(_JsonCalls):
    """Step Functions."""

    _TARGET, _VERSION = "AWSStepFunctions", "1.0"

    def describe_execution(self, **request: Any) -> Any:
        """DescribeExecution."""
        return self._call("DescribeExecution", request, repeatable=True)


class FunctionCalls:
    """Lambda."""

    def __init__(self, transport: Transport) -> None:
        """Takes the transport to Lambda."""
        self._transport = transport
        self._paths: dict[str, str] = {}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803 - AWS's names, as in boto3
        """Invoke, waiting for the answer."""
        answer = self._transport.post(self._path_of(FunctionName), {}, Payload, repeatable=False)
        if answer.status >= _ERRORS_FROM:
            raise error_in("Invoke", answer)
        made: dict[str, Any] = {"StatusCode": answer.status, "Payload": io.BytesIO(answer.body)}
        if "x-amz-function-error" in answer.headers:
            made["FunctionError"] = answer.headers["x-amz-function-error"]
        return made

    def _path_of(self, function: str) -> str:
        path = self._paths.get(function)
        if path is None:
            if len(self._paths) >= _PATHS_KEPT:
                self._paths.clear()
            path = self._paths[function] = f"/2015-03-31/functions/{quoted(function)}/invocations"
        return path


def error_in(operation: str, answer: Answer) -> ServiceError:
    """The error that an answer tells of, in botocore's form; its other fields stand beside ``Error``."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = {}
    if not isinstance(body, dict):
        body = {}
    named = answer.headers.get("x-amzn-errortype") or body.get("__type") or body.get("code") or answer.status
    message = body.get("message") or body.get("Message") or body.get("errorMessage") or ""
    return ServiceError(
        operation,
        {
            **body,
            # "namespace#Code" in JSON, "Code:address" in the header.
            "Error": {"Code": str(named).rpartition("#")[2].partition(":")[0], "Message": str(message)},
            "ResponseMetadata": {"HTTPStatusCode": answer.status},
        },
    )

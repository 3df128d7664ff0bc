"""Ways to make one AWS call, of which the request function needs five kinds: Invoke, over each of them.

boto3         a client
botocore      its credentials and SigV4Auth, urllib3 below; no service models
http.client   the signer of our own, the standard library's HTTP
wire          the signer and the HTTP of our own (adapters/aws/wire)
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.names import pipeline

Call = Callable[[], Any]
ARN = pipeline("asleep")
PATH = f"/2015-03-31/functions/{ARN.replace(':', '%3A')}/invocations"
BODY = b'{"transform_id": "t-00000000000000000000000000000000", "input": {"day": "2026-11-23"}}'


def over_boto3() -> Call:
    """A client of boto3's."""
    import boto3

    client = boto3.client("lambda")
    return lambda: json.loads(client.invoke(FunctionName=ARN, Payload=BODY)["Payload"].read())


def over_botocore() -> Call:
    """The signer of botocore over urllib3."""
    import urllib3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.session import Session

    credentials = Session().get_credentials()
    assert credentials is not None
    signer = SigV4Auth(credentials, "lambda", "us-east-1")
    pool = urllib3.PoolManager(ca_certs=os.environ.get("AWS_CA_BUNDLE"))
    url = os.environ["AWS_ENDPOINT_URL"] + PATH

    def call() -> Any:
        request = AWSRequest("POST", url, data=BODY)
        signer.add_auth(request)
        return json.loads(pool.request("POST", url, body=BODY, headers=dict(request.headers.items())).data)

    return call


def over_http_client() -> Call:
    """Our signer over the standard library's HTTP."""
    import http.client
    import ssl

    from canary_router.adapters.aws.wire.credentials import source_of
    from canary_router.adapters.aws.wire.endpoints import Endpoint
    from canary_router.adapters.aws.wire.signing import Signer

    endpoint, signer, source = (
        Endpoint(os.environ["AWS_ENDPOINT_URL"]),
        Signer("lambda", "us-east-1"),
        source_of(os.environ),
    )
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port)
    if endpoint.tls:
        context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
        connection = http.client.HTTPSConnection(endpoint.host, endpoint.port, context=context)

    def call() -> Any:
        headers = signer.sign(source(), ("POST", PATH), {"host": endpoint.authority}, BODY, at=time.time())
        connection.request("POST", PATH, BODY, headers)
        return json.loads(connection.getresponse().read())

    return call


def over_wire() -> Call:
    """The request function's own."""
    from canary_router.adapters.aws.wire.calls import Wire
    from canary_router.adapters.aws.wire.transport import Limits

    client = Wire(os.environ).functions(Limits(1, 8))
    return lambda: json.loads(client.invoke(FunctionName=ARN, Payload=BODY)["Payload"].read())


def over_socket() -> Call:
    """No work but the machine's and the stub's."""
    import socket

    from canary_router.adapters.aws.wire.credentials import source_of
    from canary_router.adapters.aws.wire.endpoints import Endpoint
    from canary_router.adapters.aws.wire.signing import Signer

    endpoint = Endpoint(os.environ["AWS_ENDPOINT_URL"])
    request = ("POST", PATH)
    signed = Signer("lambda", "us-east-1").sign(
        source_of(os.environ)(), request, {"host": endpoint.authority}, BODY, at=time.time()
    )
    fields = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
    whole = f"POST {PATH} HTTP/1.1\r\n{fields}content-length: {len(BODY)}\r\n\r\n".encode() + BODY
    connection = socket.create_connection((endpoint.host, endpoint.port))

    def call() -> Any:
        connection.sendall(whole)
        return connection.recv(65_536)

    return call


ALL: dict[str, Callable[[], Call]] = {
    "boto3": over_boto3,
    "botocore": over_botocore,
    "http.client": over_http_client,
    "wire": over_wire,
    "socket": over_socket,
}

if __name__ == "__main__":
    assert ALL[sys.argv[1]]()()["execution_arn"]

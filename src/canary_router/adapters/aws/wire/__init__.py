"""AWS calls with the standard library alone: what the request function needs, at a seventh of boto3's price.

Each client has the method names and the shapes of boto3's, so the adapters above cannot tell which one they hold:

    calls.py        operations: JSON in, JSON out
    transport.py    signed requests of one service over connections that are kept
    connection.py   HTTP/1.1 over one socket; what was sent when it failed
    signing.py      Signature Version 4
    credentials.py  whose signature: environment, container endpoint, else botocore's chain
    endpoints.py    where to

Why not boto3 here, and what was measured: docs/adr/0010-aws-calls-of-the-request-path.md
"""

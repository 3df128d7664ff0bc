"""Signatures are botocore's, to the last character, whatever is signed."""

import string
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.utils import percent_encode
from hypothesis import example, given, settings
from hypothesis import strategies as st

from canary_router.adapters.aws.wire.credentials import Credentials
from canary_router.adapters.aws.wire.signing import Signer
from canary_router.core.quoting import quoted

AT = 1_790_000_000
HOST = "lambda.eu-central-1.amazonaws.com"
KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEA==/+ token")

words = st.text(st.characters(codec="utf-8"), max_size=12)
segments = st.one_of(words, st.sampled_from(["", ".", "..", "...", "~", "a b", "arn:aws:lambda", "%41", "ü"]))
paths = st.lists(segments, max_size=6).map(lambda parts: "/" + "/".join(quote(part, safe="~%") for part in parts))
parts = words.map(lambda text: quote(text, safe="~"))
queries = st.lists(st.tuples(parts, parts), max_size=5).map(lambda pairs: "&".join(f"{a}={b}" for a, b in pairs))
targets = st.builds(lambda path, query: f"{path}?{query}" if query else path, paths, queries)
plain = st.text(string.ascii_letters + string.digits + " ./+=;:-_\"'", min_size=1, max_size=30)
headers = st.dictionaries(
    st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=10).map(lambda name: f"x-amz-z{name}"), plain
)
secrets = st.text(string.ascii_letters + string.digits + "/+=", min_size=1, max_size=40)
credentials = st.builds(Credentials, secrets, secrets, st.none() | secrets)


class FrozenAuth(botocore.auth.SigV4Auth):
    """botocore's signer at a moment of the test's choosing."""

    def add_auth(self, request: Any) -> None:
        request.context["timestamp"] = datetime.fromtimestamp(AT, UTC).strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)  # type: ignore[attr-defined]  # its stubs leave it out
        string_to_sign = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(string_to_sign, request))  # type: ignore[attr-defined]


def as_botocore_signs(keys: Credentials, method: str, target: str, given: dict[str, str], body: bytes) -> str:
    request = AWSRequest(method, f"https://{HOST}{target}", headers=dict(given), data=body)
    request.headers["X-Amz-Date"] = datetime.fromtimestamp(AT, UTC).strftime("%Y%m%dT%H%M%SZ")
    signer = FrozenAuth(BotocoreCredentials(keys.access_key, keys.secret_key, keys.token), "lambda", "eu-central-1")
    signer.add_auth(request)
    return str(request.headers["Authorization"])


@settings(max_examples=400, deadline=None)
@given(credentials, st.sampled_from(["POST", "GET"]), targets, headers, st.binary(max_size=64))
@example(KEYS, "POST", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1/invocations", {}, b"{}")
@example(KEYS, "POST", "/a/../../b//c/./?b=2&a=1&a=0&c=", {"x-amz-z": "  two   words "}, "ü❄".encode())
def test_a_signature_is_that_of_botocore(
    keys: Credentials, method: str, target: str, given: dict[str, str], body: bytes
) -> None:
    signed = Signer("lambda", "eu-central-1").sign(keys, (method, target), {"host": HOST, **given}, body, at=AT)
    assert signed["authorization"] == as_botocore_signs(keys, method, target, given, body)
    assert signed.get("x-amz-security-token") == keys.token


def test_a_days_key_serves_that_day_and_those_credentials_only() -> None:
    signer = Signer("ssm", "us-east-1")
    others = Credentials("AKIAOTHER", "another secret")
    for keys, at in [(KEYS, AT), (KEYS, AT + 86_400), (others, AT + 86_400), (KEYS, AT), (KEYS, AT)]:
        fresh = Signer("ssm", "us-east-1").sign(keys, ("POST", "/"), {"host": "h"}, b"", at=at)
        assert signer.sign(keys, ("POST", "/"), {"host": "h"}, b"", at=at) == fresh


def test_any_number_of_paths_is_signed_and_few_are_remembered() -> None:
    signer = Signer("lambda", "us-east-1")
    for number in range(200):
        signer.sign(KEYS, ("POST", f"/{number}"), {"host": "h"}, b"", at=AT)
    assert len(signer._paths) <= 64


@given(words)
def test_text_is_encoded_as_in_the_paths_of_boto3(text: str) -> None:
    assert quoted(text) == percent_encode(text, safe="-._~")
    assert quoted(text, safe="/~") == quote(text, safe="/~")


@pytest.mark.parametrize("name", ["authorization", "x-amz-date", "host"])
def test_what_is_signed_is_given_back_with_the_signature(name: str) -> None:
    assert name in Signer("ssm", "us-east-1").sign(KEYS, ("POST", "/"), {"host": "h"}, b"", at=AT)

"""A signature is one key's, of one message, and the same each time."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from tests.contracts.backends import Backend

from canary_router.adapters.aws.kms import KmsSigner
from canary_router.adapters.memory import MemorySigner
from canary_router.errors import Unavailable
from canary_router.ports.delivery import Signer

MESSAGE = b"a manifest of more than the 4,096 bytes that KMS signs as they are\n" * 100


@dataclass(frozen=True)
class Keys:
    """A signer, another of the same key, and one of another key."""

    one: Signer
    same: Signer
    other: Signer


@pytest.fixture(params=["memory", "ministack", "moto"])
def keys(request: pytest.FixtureRequest) -> Keys:
    if request.param == "memory":
        return Keys(MemorySigner("one"), MemorySigner("one"), MemorySigner("other"))
    backend: Backend = request.getfixturevalue(request.param)
    client = backend.client("kms")
    one, other = (client.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"] for _ in range(2))
    return Keys(KmsSigner(client, one), KmsSigner(client, one), KmsSigner(client, other))


def test_whoever_has_the_key_can_verify(keys: Keys) -> None:
    assert keys.same.verify(MESSAGE, keys.one.sign(MESSAGE))


def test_the_same_message_has_the_same_signature(keys: Keys) -> None:
    assert keys.one.sign(MESSAGE) == keys.same.sign(MESSAGE)
    assert keys.one.sign(b"") != keys.one.sign(MESSAGE) != keys.other.sign(MESSAGE)


def test_a_signature_is_of_one_message_and_one_key(keys: Keys) -> None:
    signature = keys.one.sign(MESSAGE)
    assert not keys.one.verify(MESSAGE + b" ", signature)
    assert not keys.other.verify(MESSAGE, signature)


@pytest.mark.parametrize("change", [lambda it: it[:-1], lambda it: it + b"\0", lambda it: bytes([it[0] ^ 1]) + it[1:]])
def test_a_signature_that_was_changed_is_none(keys: Keys, change: Callable[[bytes], bytes]) -> None:
    assert not keys.one.verify(MESSAGE, change(keys.one.sign(MESSAGE)))


@pytest.mark.parametrize("rubbish", [b"", b"x", b"\0" * 256, b"x" * 7000], ids=len)
def test_rubbish_is_no_signature(keys: Keys, rubbish: bytes) -> None:
    assert not keys.one.verify(MESSAGE, rubbish)


def test_anybody_can_verify_what_kms_has_signed_with_the_public_key(ministack: Backend) -> None:
    # moto hashes a digest once more.
    kms = ministack.client("kms")
    key = kms.create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, RSAPublicKey)
    public.verify(KmsSigner(kms, key).sign(MESSAGE), MESSAGE, PKCS1v15(), SHA256())


def test_a_key_that_is_not_there_or_of_another_kind_is_told_from_a_wrong_signature(moto: Backend) -> None:
    client = moto.client("kms")
    encrypting = client.create_key()["KeyMetadata"]["Arn"]
    missing = encrypting[:-36] + "11111111-1111-1111-1111-111111111111"
    for key in (encrypting, missing):
        with pytest.raises(Unavailable, match=key):
            KmsSigner(client, key).sign(MESSAGE)
        with pytest.raises(Unavailable, match=key):
            KmsSigner(client, key).verify(MESSAGE, b"x" * 256)

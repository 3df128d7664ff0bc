"""Signs with an asymmetric key of KMS, which never leaves it."""

import hashlib
from typing import TYPE_CHECKING

from canary_router.adapters.aws.trouble import code_of, read

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.literals import SigningAlgorithmSpecType

ALGORITHM: "SigningAlgorithmSpecType" = "RSASSA_PKCS1_V1_5_SHA_256"
"""Of KMS's algorithms the one for RSA keys whose signatures are the same each time: a signed artifact stays the same
bytes. Both sides have it from here; nothing that is read chooses it."""
_SIGNATURE_AT_MOST = 6144
"""Bytes that KMS takes."""


class KmsSigner:
    """One key: RSA, for signing and verifying."""

    def __init__(self, client: "KMSClient", key: str) -> None:
        """Args: a boto3 ``kms`` client, and the key's ARN; an alias names a key of the caller's own account only."""
        self._client = client
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """KMS signs the digest: it takes no message of more than 4,096 bytes."""

        def call() -> bytes:
            answer = self._client.sign(
                KeyId=self._key, Message=_digest(message), MessageType="DIGEST", SigningAlgorithm=ALGORITHM
            )
            return bytes(answer["Signature"])

        return read(f"signing with {self._key}", call)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Asks KMS, which answers a wrong signature with an error."""
        if not 0 < len(signature) <= _SIGNATURE_AT_MOST:
            return False

        def call() -> bool:
            try:
                answer = self._client.verify(
                    KeyId=self._key,
                    Message=_digest(message),
                    MessageType="DIGEST",
                    Signature=signature,
                    SigningAlgorithm=ALGORITHM,
                )
            except Exception as error:
                if code_of(error) == "KMSInvalidSignatureException":
                    return False
                raise
            return answer["SignatureValid"] is True

        return read(f"verifying with {self._key}", call)


def _digest(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()

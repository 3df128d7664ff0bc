"""KMS as its documentation has it, with one real key: moto hashes a digest once more, and the emulator has no RSA."""

from typing import Any

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256

KEY = "arn:aws:kms:eu-west-1:111122223333:key/0b1f"


def _refused(code: str, operation: str) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(answer, operation)


class RsaKms:
    """The two calls of a boto3 client."""

    def __init__(self) -> None:
        self.key = generate_private_key(public_exponent=65_537, key_size=2048)

    def sign(self, **request: Any) -> dict[str, Any]:
        self._check(request, "Sign")
        return {"Signature": self.key.sign(request["Message"], PKCS1v15(), Prehashed(SHA256()))}

    def verify(self, **request: Any) -> dict[str, Any]:
        self._check(request, "Verify")
        try:
            self.key.public_key().verify(request["Signature"], request["Message"], PKCS1v15(), Prehashed(SHA256()))
        except InvalidSignature as error:
            raise _refused("KMSInvalidSignatureException", "Verify") from error
        return {"SignatureValid": True}

    def _check(self, request: dict[str, Any], operation: str) -> None:
        if request["KeyId"] != KEY:
            raise _refused("NotFoundException", operation)
        if request["MessageType"] != "DIGEST" or len(request["Message"]) != SHA256.digest_size:
            raise _refused("ValidationException", operation)
        if request["SigningAlgorithm"] != "RSASSA_PKCS1_V1_5_SHA_256":
            raise _refused("InvalidKeyUsageException", operation)

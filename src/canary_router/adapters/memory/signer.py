"""A signer without a key service: whoever holds the object can sign."""

import hashlib
import hmac


class MemorySigner:
    """Signs with a secret of its own. Signers of the same name verify each other's signatures."""

    def __init__(self, name: str = "signer") -> None:
        """Args: a name, which stands for the key."""
        self._secret = name.encode()

    def sign(self, message: bytes) -> bytes:
        """The same message has the same signature."""
        return hmac.digest(self._secret, message, hashlib.sha256)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Compares with the signature that it would give."""
        return hmac.compare_digest(self.sign(message), signature)

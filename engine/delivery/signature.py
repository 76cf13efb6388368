"""Signs what goes to a gateway and checks what comes from it: HMAC-SHA256 over the bytes, `sha256=<hexadecimal>`."""

import hashlib
import hmac


def sign(body: bytes, secret: str) -> str:
    """The X-Signature of `body`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` is that of `body`; never with an empty secret, which anybody could sign with."""
    return bool(secret) and hmac.compare_digest(sign(body, secret).encode(), signature.encode())

"""What must be read again but by nobody else: encrypted with a key of its purpose, derived from the secret key."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.settings import Settings


def seal(settings: Settings, purpose: str, text: str) -> str:
    """`text` encrypted and signed; only `unseal` with the same purpose reads it."""
    return _box(settings, purpose).encrypt(text.encode()).decode()


def unseal(settings: Settings, purpose: str, sealed: str) -> str | None:
    """What was sealed; None where it was changed, is of another purpose or of another secret key."""
    try:
        return _box(settings, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def drawn(settings: Settings, purpose: str, key: str) -> str:
    """A secret of 256 bits that only this installation can draw from `key`, the same each time: what is kept by its
    hash alone can be shown once more to who sends the same form twice."""
    bits = hmac.digest(_key(settings, purpose), key.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(bits).decode().rstrip("=")


def _box(settings: Settings, purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key(settings, purpose)))


def _key(settings: Settings, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(settings.secret_key)

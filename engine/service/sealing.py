"""What must be read again but by nobody else: encrypted with a key of its purpose, derived from the secret key."""

import base64

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


def _box(settings: Settings, purpose: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(settings.secret_key)
    return Fernet(base64.urlsafe_b64encode(derived))

"""What must be read again but by nobody else: encrypted with a key of its purpose, derived from the secret key."""

import base64
import hashlib
import hmac
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from engine.settings import Settings
from engine.warehouse.addresses import NUMBER, Vault
from engine.warehouse.dataset import Dataset

ADDRESSES = "addresses of customers"


def seal(settings: Settings, purpose: str, text: str) -> str:
    """`text` encrypted and signed; only `unseal` with the same purpose reads it."""
    return _box(settings, purpose).encrypt(text.encode()).decode()


def unseal(settings: Settings, purpose: str, sealed: str) -> str | None:
    """What was sealed; None where it was changed, is of another purpose or of another secret key."""
    try:
        return _box(settings, purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None


def seal_file(settings: Settings, purpose: str, data: bytes) -> bytes:
    """The bytes of a file encrypted and signed; `open_file` gives them back."""
    return _box(settings, purpose).encrypt(data)


def open_file(settings: Settings, purpose: str, sealed: bytes) -> bytes | None:
    """The bytes of a sealed file; None where `unseal` gives None."""
    try:
        return _box(settings, purpose).decrypt(sealed)
    except InvalidToken:
        return None


def drawn(settings: Settings, purpose: str, key: str) -> str:
    """A secret of 256 bits that only this installation can draw from `key`, the same each time: what is kept by its
    hash alone can be shown once more to who sends the same form twice."""
    bits = hmac.digest(_key(settings, purpose), key.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(bits).decode().rstrip("=")


def keyed(settings: Settings, purpose: str, text: str) -> tuple[str, ...]:
    """Hashes of a text that only this installation can make: with the secret key in force, and with earlier ones."""
    keys = (_derived(key, purpose, 32) for key in settings.secret_keys)
    return tuple(hmac.digest(key, text.encode(), hashlib.sha256).hex() for key in keys)


def key_for(settings: Settings, purpose: str) -> bytes:
    """The key in force for what a purpose signs."""
    return _key(settings, purpose)


def keys_for(settings: Settings, purpose: str) -> tuple[bytes, ...]:
    """The same with those of earlier secret keys, which what they signed is still checked with."""
    return tuple(_derived(key, purpose, 32) for key in settings.secret_keys)


def vault(settings: Settings) -> Vault:
    """What seals the addresses of customers: with the secret key in force, opened with the earlier ones too."""
    return Vault(
        {
            _derived(key, f"{ADDRESSES}, number", NUMBER // 2).hex(): _derived(key, ADDRESSES, 64)
            for key in settings.secret_keys
        }
    )


def dataset_of(settings: Settings, folder: Path | None = None) -> Dataset:
    """The customer dataset of these settings, or of another folder, with what seals its addresses."""
    return Dataset(folder or settings.data, lambda: vault(settings))


def _box(settings: Settings, purpose: str) -> MultiFernet:
    """Seals with the key in force, opens with earlier ones too."""
    keys = (_derived(key, purpose, 32) for key in settings.secret_keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def _key(settings: Settings, purpose: str) -> bytes:
    return _derived(settings.secret_key, purpose, 32)


def _derived(key: bytes, purpose: str, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=None, info=purpose.encode()).derive(key)

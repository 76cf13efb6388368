"""What the keys of requests stood for: one key names one request, so that a slip of a script is no silent success.

That a key counts once is the case's own matter (`store.cases.transition`). Refuses to keep what was asked: only its
digest.
"""

import hashlib

from engine.errors import KeyUsed
from engine.service.app import Countersign
from engine.store import keys


def refuse_other(app: Countersign, key: str, asked: bytes) -> None:
    """KeyUsed where `key` stood for another request."""
    with app.db.read() as tx:
        known = keys.find(tx, key)
    if known is not None and known != _digest(asked):
        raise KeyUsed()


def remember(app: Countersign, key: str, asked: bytes) -> None:
    """Note what `key` stands for; the first stands."""
    with app.db.begin() as tx:
        keys.add(tx, key, _digest(asked), app.now())


def _digest(asked: bytes) -> str:
    return hashlib.sha256(asked).hexdigest()

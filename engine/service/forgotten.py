"""Who was erased, for whoever is about to contact a customer, to keep something of them, or to check a history.

Loads nothing of the dataset, so that the delivery stays light. Refuses to tell of a customer where a name was made with
a key that is not here.
"""

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection

from engine.service import sealing
from engine.service.app import Countersign
from engine.store import erasures, trail
from engine.store.history import Broken
from engine.warehouse.addresses import Vault, key_of

CHANGED = "entries that an erasure changed"
CERTIFICATE = "the certificate of the erasure was changed"


def among(tx: Connection, vault: Vault, customers: Iterable[str]) -> frozenset[str]:
    """Those of the customers who were erased. For whoever is about to contact them or to keep something of them."""
    known = erasures.names(tx)
    if not known:
        return frozenset()
    vault.must_have({key_of(one) for one in known})
    named = {name: customer for customer in customers for name in vault.names(customer)}
    return frozenset(customer for name, customer in named.items() if name in known)


def keyed(app: Countersign) -> trail.Keyed:
    """The seals that a certificate gives entries."""
    return lambda text: sealing.keyed(app.settings, CHANGED, text)


def entries_without(tx: Connection) -> int:
    """From how many entries of the organisation's history a customer was taken out."""
    return len({number for one in trail.certificates(tx) for number in one.said["after"].get("entries", ())})


def broken_certificate(tx: Connection) -> Broken | None:
    """The first certificate that is not what the history says it was; None where all are."""
    for entry in trail.certificates(tx):
        after = entry.said["after"]
        row = erasures.find(tx, after["erasure"])
        if row is None or digest_of(row.certificate) != after["certificate"]:
            return Broken(trail.NAME, entry.seq, CERTIFICATE)
    return None


def digest_of(text: str) -> str:
    """What the history says of a certificate."""
    return hashlib.sha256(text.encode()).hexdigest()

"""Signed checkpoints: what the newest entry of every history was at a moment, so that what is cut off or written anew
later is found.

A chain of hashes shows a change within it; whoever can write the database can cut its end off, or compute the whole of
it again. A checkpoint that lies elsewhere shows both. It is one line of JSON and one with an Ed25519 signature by the
key of this installation, made on first use and readable by its owner alone. Refuses a file whose signature is wrong.
"""

import base64
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from engine.errors import InvalidFile, Problem
from engine.service.app import Countersign
from engine.service.recording import By, changing
from engine.settings import Settings
from engine.store import audit, trail
from engine.store.history import Broken
from engine.values import canonical_json

VERSION = 1
MAX_BYTES = 64 * 1024 * 1024  # some 600,000 cases
MISSING, DIFFERENT = "it was there at the checkpoint and is gone", "it is not what the checkpoint saw"


class Checkpoint(msgspec.Struct, frozen=True):
    """What a file says: the number and hash of the newest entry of the organisation's history and of each case's."""

    version: int
    at: datetime
    key: str
    organisation: tuple[int, str]
    cases: tuple[tuple[str, int, str], ...]


class Compared(msgspec.Struct, frozen=True):
    """A checkpoint held against the database: the entries that are gone or different."""

    at: datetime
    cases: int
    broken: tuple[Broken, ...]


def export(app: Countersign, by: By) -> bytes:
    """A checkpoint of now. Keep it where nobody who can write the database can write."""
    with changing(app, by, "audit.read") as change:
        key = signing_key(app.settings)
        made = Checkpoint(VERSION, change.now, public_key(app.settings), trail.head(change.tx), audit.heads(change.tx))
        change.note(
            "checkpoint_exported", "checkpoint", after={"cases": len(made.cases), "entry": made.organisation[0]}
        )
    body = canonical_json(made)
    return body + b"\n" + base64.b64encode(key.sign(body)) + b"\n"


def compare(app: Countersign, by: By, data: bytes, name: str, key: str = "") -> Compared:
    """Hold a checkpoint against the database. `key`: the public key to trust, by default this installation's own.

    InvalidFile for what is no checkpoint, and where the signature is not of that key.
    """
    by.authorize("audit.read")
    made = _read(data, name, key or public_key(app.settings))
    broken: list[Broken] = []
    with app.db.read() as tx:
        seq, hashed = made.organisation
        if (found := trail.hash_of(tx, seq)) != hashed:
            broken.append(Broken(trail.NAME, seq, DIFFERENT if found else MISSING))
        there = audit.hashes(tx, [(case_id, seq) for case_id, seq, _ in made.cases])
        for case_id, seq, hashed in made.cases:
            if (found := there.get((case_id, seq), "")) != hashed:
                broken.append(Broken(case_id, seq, DIFFERENT if found else MISSING))
    return Compared(made.at, len(made.cases), tuple(broken))


def public_key(settings: Settings) -> str:
    """The key by which others check this installation's checkpoints, in base64."""
    raw = signing_key(settings).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """The installation's own key; made on first use."""
    path: Path = settings.home / "checkpoint.key"
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode())
    except FileExistsError:
        pass
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(path.read_text()))


def _read(data: bytes, name: str, key: str) -> Checkpoint:
    body, _, rest = data[:MAX_BYTES].partition(b"\n")
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(
            base64.b64decode(rest.strip(), validate=True), body
        )
        return msgspec.json.decode(body, type=Checkpoint)
    except (InvalidSignature, ValueError, msgspec.DecodeError) as error:
        problem = Problem("checkpoint", "this is no checkpoint signed with that key", file=name, line=1, column=1)
        raise InvalidFile([problem]) from error

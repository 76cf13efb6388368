"""What every kind of thing that a gateway posts has in common: the signature, the list, what is kept of what cannot be
placed.

An address is sealed before anything is kept, and so is whatever cannot be read, for it may hold one. Refuses what is
not signed with our key, what is no list, and lists that are too long.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.delivery.signature import is_signed
from engine.errors import AddressUnreadable, Forged, Invalid, Problem
from engine.masking import masked
from engine.service.app import Countersign
from engine.service.sealing import seal, vault
from engine.settings import Settings
from engine.store import parked
from engine.store.parked import Kind, Parked

MANY = 10_000
UNREADABLE = "cannot be read"
NO_MESSAGE = "no such message"
KEPT = "what a gateway sent"
NAMED = "from"


class Counts(msgspec.Struct, frozen=True):
    """What became of things: changed something, changed nothing (known already), parked."""

    applied: int
    repeated: int
    parked: int


def items(app: Countersign, body: bytes, signature: str, name: str) -> list[msgspec.Raw]:
    """The list under `name` of a signed request, each thing as it came.

    Raises Forged for a wrong or missing signature, Invalid for a body that has no such list, or one of more than MANY.
    """
    if not is_signed(body, signature, app.settings.sms_secret):
        raise Forged()
    return listed(body, name)


def listed(body: bytes, name: str) -> list[msgspec.Raw]:
    """The list under `name` of a request whose signature was looked at. Invalid as in `items`."""
    try:
        raw = msgspec.json.decode(body, type=dict[str, list[msgspec.Raw]])[name]
    except KeyError:
        raise Invalid([Problem(name, f"not a list of {name}: it has no `{name}`")]) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid([Problem(name, f"not a list of {name}: {error}")]) from error
    if len(raw) > MANY:
        raise Invalid([Problem(name, f"more than {MANY} {name} in one request", "send them in parts")])
    return raw


def digest(text: bytes | str) -> str:
    """What a thing without an id of its own is known by."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:32]


def unreadable(settings: Settings, kind: Kind, raw: Sequence[bytes]) -> list[Parked]:
    """Things that cannot be read, to be parked: sealed, for nobody knows what is in them."""
    return [
        Parked(kind, digest(one), _encoded({"sealed": seal(settings, KEPT, one.decode(errors="replace"))}), UNREADABLE)
        for one in raw
    ]


def unplaced(settings: Settings, kind: Kind, one: Any, reference: str, reason: str = NO_MESSAGE) -> Parked:
    """A thing that belongs to nothing here, to be parked; its number is sealed, with a masked one beside it."""
    said: dict[str, Any] = msgspec.to_builtins(one)
    number = said.get(NAMED, "")
    if number:
        said = said | {NAMED: vault(settings).seal(number), "shown": masked(number)}
    wave = str(said.get("message", "")).rpartition(".")[0]
    return Parked(kind, reference, _encoded({key: value for key, value in said.items() if value}), reason, wave)


def opened(settings: Settings, body: str) -> dict[str, Any] | None:
    """What was parked, its number open again; None where it never could be read, or its key is not here."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        if said.get(NAMED):
            said[NAMED] = vault(settings).open(said[NAMED])
    except (msgspec.DecodeError, AddressUnreadable):
        return None
    said.pop("shown", None)
    return None if "sealed" in said else said


def as_now(app: Countersign, at: datetime) -> datetime:
    """A time that the gateway says; never one that lies ahead, which its clock may."""
    return min(at, app.now())


def park(app: Countersign, tx: Any, things: Sequence[Parked]) -> None:
    """Keep them; those that are kept already stay as they are."""
    parked.park(tx, things, app.now())


def _encoded(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()

"""What came back and belongs to nothing here: an administrator looks at it, assigns it to a message, or puts it aside
with a reason; what names a wave is tried again by itself when the wave's ledger is there.

Refuses to show a number or a text that is sealed: the page has what is masked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection

from engine.errors import InvalidForm, NotFound, Problem
from engine.masking import masked
from engine.service import complaining, ordering, receiving, replying
from engine.service.addressed import row_of
from engine.service.app import Countersign
from engine.service.recording import By, changing
from engine.store import ledger, parked
from engine.store.parked import KINDS, Kind

LONGEST_REASON = 200
BY_ITSELF = "system"
HIDDEN = ("from", "text", "sealed")
log = structlog.get_logger()
Again = Callable[[Countersign, Connection, str, str], bool]
AGAIN: dict[Kind, Again] = {
    "receipt": receiving.again,
    "reply": replying.again,
    "order": ordering.again,
    "complaint": complaining.again,
}


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """One thing: a receipt, reply, order or complaint. `body` is what it says, without what is sealed."""

    id: int
    kind: str
    body: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ParkedPage:
    """What nobody has looked at, the newest first; how many there are, in all and of each kind."""

    rows: tuple[ParkedRow, ...]
    count: int
    counts: dict[str, int]
    next: int


def listed(app: Countersign, by: By, before: int = 0, *, kind: str = "", limit: int = parked.PAGE) -> ParkedPage:
    """`limit` things that nobody has looked at, those before the number `before`; of one kind, where it is named."""
    by.authorize("operation.watch")
    with app.db.read() as tx:
        rows = parked.listed(tx, before, limit + 1, next((one for one in KINDS if one == kind), None))
        shown = rows[:limit]
        more = shown[-1].id if len(rows) > limit else 0
        counts = parked.counts(tx)
        found = tuple(ParkedRow(r.id, r.kind, _shown(r.body), r.reason, r.at) for r in shown)
        return ParkedPage(found, sum(counts.values()), {str(name): count for name, count in counts.items()}, more)


def assign(app: Countersign, by: By, number: int, message: str = "") -> bool:
    """Try a thing again, as one about `message` where one is named; False where it still belongs to nothing.

    NotFound where somebody looked at it before, InvalidForm where there is no such message.
    """
    message = message.strip()
    with changing(app, by, "operation.act") as change:
        if change.done_before():
            return True
        row = parked.find(change.tx, number)
        if row is None:
            raise NotFound()
        if message and not _is_there(change.tx, message):
            raise InvalidForm([Problem("E395", "there is no message of this id", at="message")])
        if not AGAIN[row.kind](app, change.tx, row.body, message):
            return False
        parked.settle(change.tx, [number], by=by.person, at=change.now)
        change.note(f"{row.kind}_applied", str(number), after={"body": _shown(row.body)[:500], "message": message})
        return True


def put_aside(app: Countersign, by: By, number: int, reason: str) -> None:
    """Nothing is to be done about a thing; it is kept. NotFound where somebody looked at it before."""
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise InvalidForm([Problem("reason_missing", "say why", at="reason")])
    with changing(app, by, "operation.act") as change:
        if change.done_before():
            return
        row = parked.find(change.tx, number)
        if row is None:
            raise NotFound()
        parked.settle(change.tx, [number], by=by.person, at=change.now)
        change.note(f"{row.kind}_put_aside", str(number), reason=said)


def wave_is_here(app: Countersign, wave: str) -> int:
    """Try what was parked for a wave whose ledger is there now; how many found their message."""
    with app.db.begin() as tx:
        found = [row.id for row in parked.of_wave(tx, wave) if AGAIN[row.kind](app, tx, row.body, "")]
        parked.settle(tx, found, by=BY_ITSELF, at=app.now())
    if found:
        log.info("parked_found", wave=wave, count=len(found))
    return len(found)


def _is_there(tx: Connection, message: str) -> bool:
    place = row_of(message)
    return place is not None and bool(ledger.places(tx, place[0], [place[1]]))


def _shown(body: str) -> str:
    """What a thing says, without what is sealed in it."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return body
    left = {key: masked(str(value)) if key == "customer" else value for key, value in said.items() if key not in HIDDEN}
    return msgspec.json.encode(left).decode()

"""The ledger: one row per recipient, channel and wave; it never holds an address. What was promised is counted here.

Who moves a row: `waiting` -> `sent` (the gateway took it), `failed` (refused, or a receipt says so), `suppressed` (an
opt-out, the contact policy or the end of the hours came first), `cancelled` (its wave was, or expired); a receipt moves
it to `delivered`, which is final, or `failed`; `sent` without a receipt in time, and whatever a crash left in doubt, is
`unknown` until a receipt says more. A wave's audience is the sum of its rows' states, always; how many are in each is
kept beside the rows (`moves`). Callers hold the wave's lock (`waves.lock`) for every write.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.delivery.channels import Hall
from engine.store import bulk, moves
from engine.store.columns import UtcTime
from engine.store.moves import CAPPED, STATES, RecipientState, between, one_of
from engine.store.tables import recipients, responses, waves

LOADED_AT_ONCE = 20_000
LONGEST_REASON = 60
SUPPRESSED = "suppressed or opted out"
NO_BOUNCE = "no bounce"
"""The reason of a row that counts as delivered because nothing came back; what comes back later still counts."""
PLACED = (Hall.name,)
REJECTED = "rejected: "  # begins the reason of a row that failed without having been sent


@dataclass(frozen=True, slots=True)
class Recipient:
    """A row to load: its place in the wave's file, the customer, the cell. `unusable` says why it fails at once."""

    row: int
    customer: str
    cell: str
    unusable: str = ""


@dataclass(frozen=True, slots=True)
class Sums:
    """How many rows of a wave are in each state; together they are its audience."""

    waiting: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    suppressed: int = 0
    cancelled: int = 0

    @property
    def audience(self) -> int:
        """All rows."""
        return self.waiting + self.contacted + self.suppressed + self.cancelled

    @property
    def contacted(self) -> int:
        """Rows that left the house, or may have."""
        return self.sent + self.delivered + self.failed + self.unknown


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the gateway says became of a message; `id` is "<wave>.<row>"."""

    wave: str
    row: int
    status: Literal["delivered", "failed"]
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """A row that counts as contacted."""

    customer: str
    cell: str
    state: RecipientState
    sent_at: datetime


def load(tx: Connection, wave: str, case_id: str, channel: str, rows: Iterable[Recipient]) -> int:
    """Load a wave's rows, in pieces, inside the caller's transaction; the count. By COPY where the database has it."""
    states: Counter[RecipientState] = Counter()
    source = iter(rows)
    while piece := list(islice(source, LOADED_AT_ONCE)):
        values = [(wave, one.row, case_id, one.customer, channel, one.cell, *_start(one)) for one in piece]
        if tx.dialect.name == "postgresql":
            _copy(tx, values)
        else:
            tx.exec_driver_sql(
                "INSERT INTO recipients (wave, row, case_id, customer, channel, cell, state, reason)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        states.update("failed" if one.unusable else "waiting" for one in piece)
    moves.begin(tx, wave, states)
    return states.total()


def refresh_statistics(tx: Connection) -> None:
    """Tell PostgreSQL how large the ledger is now. Its own time for that comes after minutes; until then it takes a
    fresh wave for a hundred rows and reads all of it for every receipt (24 ms instead of 1, measured)."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("ANALYZE recipients")


def _start(one: Recipient) -> tuple[RecipientState, str]:
    return ("failed", REJECTED + one.unusable) if one.unusable else ("waiting", "")


def _copy(tx: Connection, values: Sequence[tuple[Any, ...]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(values)
    text.seek(0)
    cursor = tx.connection.cursor()
    try:
        # Quoted, an empty text is an empty text and not NULL.
        cursor.copy_expert(
            'COPY recipients (wave, "row", case_id, customer, channel, cell, state, reason)'
            " FROM STDIN (FORMAT csv, FORCE_NOT_NULL (reason, cell))",
            text,
        )
    finally:
        cursor.close()


def waiting(tx: Connection, wave: str, first: int, last: int) -> dict[int, str]:
    """The customers of the rows `first` to `last` that wait to be sent, by row."""
    chosen = (
        sa.select(recipients.c.row, recipients.c.customer)
        .where(recipients.c.wave == wave, between(first, last), recipients.c.state == "waiting")
        .order_by(recipients.c.row)
    )
    return {row.row: row.customer for row in tx.execute(chosen)}


def sent(tx: Connection, wave: str, first: int, last: int) -> frozenset[int]:
    """Those of the rows `first` to `last` that were sent and have no receipt."""
    chosen = sa.select(recipients.c.row).where(
        recipients.c.wave == wave, between(first, last), recipients.c.state == "sent"
    )
    return frozenset(tx.execute(chosen).scalars())


def settle(
    tx: Connection,
    wave: str,
    reasons: Mapping[int, str],
    *,
    state: Literal["failed", "suppressed", "unknown"],
    at: datetime,
    come_from: Literal["waiting", "sent"] = "waiting",
) -> None:
    """Give the waiting rows among `reasons` their end: not sent, or (`unknown`) nobody can say whether. The reason of a
    failed row begins with `REJECTED` from here on. `come_from` sent: rows that were placed before people, who had not
    begun with them."""
    by_reason: dict[str, list[int]] = {}
    for row, reason in reasons.items():
        words = REJECTED + reason if state == "failed" else reason
        by_reason.setdefault(words[:LONGEST_REASON], []).append(row)
    for reason, rows in by_reason.items():
        moves.move(tx, wave, one_of(tx, rows), come_from=come_from, to=state, reason=reason, settled_at=at)


def end_waiting(
    tx: Connection,
    wave: str,
    but: Sequence[tuple[int, int]],
    *,
    state: Literal["suppressed", "cancelled"],
    reason: str,
    at: datetime,
) -> int:
    """Give every row of the wave that still waits its end, but those of the ranges `but` (first and last row); the
    count."""
    others = sa.and_(sa.true(), *(~between(first, last) for first, last in but))
    return moves.move(tx, wave, others, come_from="waiting", to=state, reason=reason, settled_at=at)


def doubt(tx: Connection, wave: str, first: int, last: int, *, reason: str, at: datetime) -> int:
    """Say of the rows `first` to `last` that still wait that nobody knows whether they were sent; the count."""
    here = between(first, last)
    return moves.move(tx, wave, here, come_from="waiting", to="unknown", reason=reason, settled_at=at)


def mark_sent(tx: Connection, wave: str, first: int, last: int, *, at: datetime) -> int:
    """Mark the rows `first` to `last` that still wait as sent; the count. A receipt that was faster stays; its row only
    gets the time it was sent at."""
    return _sent(tx, wave, between(first, last), at)


def mark_rows_sent(tx: Connection, wave: str, rows: Sequence[int], *, at: datetime) -> int:
    """Mark those of `rows` that still wait as sent; the count."""
    return _sent(tx, wave, one_of(tx, rows), at)


def hand_over(tx: Connection, wave: str, *, at: datetime) -> int:
    """Settle what was sent over a channel without receipts: handing it over delivers it. The count."""
    return moves.move(tx, wave, come_from="sent", to="delivered", reason="handed over", settled_at=at)


def _sent(tx: Connection, wave: str, where: sa.ColumnElement[bool], at: datetime) -> int:
    early = sa.and_(recipients.c.sent_at.is_(None), recipients.c.state.in_(("delivered", "failed")), ~_unsent)
    noted = sa.update(recipients).where(recipients.c.wave == wave, where, early).values(sent_at=at)
    late = tx.execute(noted).rowcount
    if late:
        moves.touch(tx, wave)
    return late + moves.move(tx, wave, where, come_from="waiting", to="sent", sent_at=at)


_unsent = sa.and_(recipients.c.state == "failed", recipients.c.reason.startswith(REJECTED))


def receive(tx: Connection, receipts: Iterable[Receipt]) -> tuple[int, tuple[Receipt, ...]]:
    """Apply receipts in bulk: how many rows changed, and the receipts of rows that there are not.

    Any order and any repetition give the same rows: delivered is final, failed gives way to delivered only, and the
    first of two equal receipts counts. A receipt may be faster than the mark of its chunk.
    """
    best: dict[tuple[str, int], Receipt] = {}
    for receipt in receipts:
        key = (receipt.wave, receipt.row)
        kept = best.get(key)
        if kept is None or (kept.status == "failed" and receipt.status == "delivered"):
            best[key] = receipt
    changed, unknown = 0, []
    by_wave: dict[str, list[Receipt]] = {}
    for receipt in best.values():
        by_wave.setdefault(receipt.wave, []).append(receipt)
    for wave, some in sorted(by_wave.items()):
        there = _standing(tx, wave, [receipt.row for receipt in some])
        unknown += [receipt for receipt in some if receipt.row not in there]
        fresh = [r for r in some if _says_more(r, there.get(r.row))]
        if fresh:
            _apply(tx, wave, fresh)
            moves.exchange(tx, wave, Counter((there[r.row].kept_as, r.status) for r in fresh))
            changed += len(fresh)
    return changed, tuple(unknown)


class _Standing(NamedTuple):
    state: str
    reason: str

    @property
    def is_assumed(self) -> bool:
        return self.state == "delivered" and self.reason == NO_BOUNCE

    @property
    def kept_as(self) -> str:
        return "capped" if self.state == "suppressed" and self.reason.startswith(CAPPED) else self.state


def _says_more(receipt: Receipt, now: _Standing | None) -> bool:
    if now is None or (now.state == "delivered" and not now.is_assumed):
        return False
    return receipt.status == "delivered" or now.state != "failed"


def states(tx: Connection, wave: str, rows: Sequence[int]) -> dict[int, str]:
    """The states of these rows, an e-mail that only counts as delivered as `sent`; rows that there are not are left
    out."""
    return {row: "sent" if one.is_assumed else one.state for row, one in _standing(tx, wave, rows).items()}


def cells(tx: Connection, wave: str, rows: Sequence[int]) -> dict[int, str]:
    """The cells of these rows."""
    chosen = sa.select(recipients.c.row, recipients.c.cell).where(recipients.c.wave == wave, one_of(tx, rows))
    return dict(tx.execute(chosen).tuples().all())


def _standing(tx: Connection, wave: str, rows: Sequence[int]) -> dict[int, _Standing]:
    columns = (recipients.c.row, recipients.c.state, recipients.c.reason)
    chosen = sa.select(*columns).where(recipients.c.wave == wave, one_of(tx, rows))
    return {row: _Standing(state, reason) for row, state, reason in tx.execute(chosen)}


_APPLY_AT_ONCE = """
    UPDATE recipients SET state = r.status, reason = r.reason, settled_at = r.at
    FROM jsonb_to_recordset(CAST(:receipts AS jsonb)) AS r("row" int, status text, reason text, at timestamptz)
    WHERE recipients.wave = :wave AND recipients."row" = r."row" AND recipients."row" = ANY(:rows)
"""  # the last condition says the same again, so that the rows are looked up and not the whole wave read
_APPLY_ONE = (
    'UPDATE recipients SET state = :status, reason = :reason, settled_at = :at WHERE wave = :wave AND "row" = :row'
)


def _apply(tx: Connection, wave: str, fresh: Sequence[Receipt]) -> None:
    as_text = UtcTime()
    rows = [
        {
            "row": r.row,
            "status": r.status,
            "reason": r.reason[:LONGEST_REASON],
            "at": str(as_text.process_bind_param(r.at, tx.dialect)),
        }
        for r in fresh
    ]
    if tx.dialect.name == "postgresql":
        text = msgspec.json.encode(rows).decode()
        tx.execute(sa.text(_APPLY_AT_ONCE), {"wave": wave, "receipts": text, "rows": [r.row for r in fresh]})
    else:
        # An UPDATE ... FROM json_each would make SQLite read the whole wave for each receipt: 20 s per thousand.
        bulk.run(tx, sa.text(_APPLY_ONE), [{**row, "wave": wave} for row in rows])


def give_up(tx: Connection, wave: str, *, sent_before: datetime, at: datetime, arrived: bool = False) -> int:
    """Make `unknown` what was sent before that and has no receipt; the count. A late receipt still counts.

    `arrived`: over this channel silence says that it came, so it is `delivered` instead.
    """
    to: RecipientState = "delivered" if arrived else "unknown"
    reason = NO_BOUNCE if arrived else "no receipt"
    late = recipients.c.sent_at <= sent_before
    return moves.move(tx, wave, late, come_from="sent", to=to, reason=reason, settled_at=at)


def sums(tx: Connection, case_id: str) -> dict[str, Sums]:
    """The sums of every wave of a case whose ledger was loaded, by wave; as they are kept, nothing is counted."""
    kept = moves.of_case(tx, case_id)
    return {wave: Sums(**{name: counts[name] for name in STATES}) for wave, counts in kept.items()}


def capped(tx: Connection, case_id: str) -> dict[str, int]:
    """How many rows of every wave of a case are suppressed by the contact policy, by wave."""
    return {wave: counts["capped"] for wave, counts in moves.of_case(tx, case_id).items()}


def answers(tx: Connection, case_id: str, some: Sequence[str]) -> dict[str, int]:
    """How many customers of these waves complained or opted out, by kind; each once per kind.

    Whoever answered is looked up by case, channel and customer. Where all waves of a case are meant the index says
    enough, and is asked in its own order: 100,000 answers of ten million recipients take PostgreSQL half of what they
    take in the order that they came in, or where it reads the whole ledger for them.
    """
    every = dict(tx.execute(sa.select(waves.c.id, waves.c.channel).where(waves.c.case_id == case_id)).tuples().all())
    channels = sorted({channel for wave, channel in every.items() if wave in some})
    kinds = responses.c.kind.in_(("complaint", "opt_out"))
    who = sa.select(responses.c.kind, responses.c.customer).distinct().where(responses.c.case_id == case_id, kinds)
    each = who.order_by(responses.c.kind, responses.c.customer).subquery()
    mine = [recipients.c.case_id == case_id, recipients.c.channel.in_(channels)]
    if every.keys() <= set(some):
        moves.by_index(tx)
    else:
        mine.append(recipients.c.wave.in_(some))
    mine.append(recipients.c.customer == each.c.customer)
    chosen = sa.select(each.c.kind, sa.func.count()).where(sa.exists().where(*mine)).group_by(each.c.kind)
    return dict(tx.execute(chosen).tuples().all())


def contacts(tx: Connection, wave: str) -> Iterator[Contact]:
    """The rows of a wave that left the house, or may have, in order; streamed. What was placed before people is a
    contact when somebody saw it, which is when it was settled."""
    placed = sa.case((recipients.c.channel.in_(PLACED), recipients.c.settled_at))
    moment = sa.func.coalesce(placed, recipients.c.sent_at, recipients.c.settled_at, type_=UtcTime()).label("moment")
    chosen = (
        sa.select(recipients.c.customer, recipients.c.cell, recipients.c.state, moment)
        .where(
            recipients.c.wave == wave,
            recipients.c.state.in_(("sent", "delivered", "failed", "unknown")),
            ~_unsent,
        )
        .order_by(recipients.c.row)
        .execution_options(yield_per=LOADED_AT_ONCE)
    )
    for row in tx.execute(chosen):
        yield Contact(row.customer, row.cell, row.state, row.moment)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a row is about, and over which channel."""

    case_id: str
    channel: str
    customer: str


def addressee(tx: Connection, wave: str, row: int) -> Addressee | None:
    """Whom a row of a wave is about; None where there is none."""
    columns = (recipients.c.case_id, recipients.c.channel, recipients.c.customer)
    found = tx.execute(sa.select(*columns).where(recipients.c.wave == wave, recipients.c.row == row)).one_or_none()
    return Addressee(*found) if found else None


@dataclass(frozen=True, slots=True)
class Place:
    """The row of a message, its case and customer, and when it was sent."""

    wave: str
    row: int
    case_id: str
    customer: str
    sent_at: datetime | None


def places(tx: Connection, wave: str, rows: Sequence[int]) -> tuple[Place, ...]:
    """Those of the rows of a wave that there are."""
    chosen = sa.select(
        recipients.c.wave, recipients.c.row, recipients.c.case_id, recipients.c.customer, recipients.c.sent_at
    )
    found = tx.execute(chosen.where(recipients.c.wave == wave, one_of(tx, rows)))
    return tuple(Place(*row) for row in found)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a customer. `at` is when it went out, or when it was settled; None while it waits."""

    case_id: str
    channel: str
    state: str
    reason: str
    at: datetime | None


def of_customer(tx: Connection, customer: str, limit: int = 50) -> tuple[Message, ...]:
    """The newest messages to a customer. Asked case by case, because the ledger's index begins with the case."""
    asked = sa.select(waves.c.case_id, waves.c.channel).distinct().subquery()
    moment = sa.func.coalesce(recipients.c.sent_at, recipients.c.settled_at, type_=UtcTime()).label("moment")
    chosen = (
        sa.select(recipients.c.case_id, recipients.c.channel, recipients.c.state, recipients.c.reason, moment)
        .join(
            asked,
            sa.and_(recipients.c.case_id == asked.c.case_id, recipients.c.channel == asked.c.channel),
        )
        .where(recipients.c.customer == customer)
        .order_by(sa.desc("moment").nulls_first())
        .limit(limit)
    )
    return tuple(Message(*row) for row in tx.execute(chosen))

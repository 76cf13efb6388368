"""Letters beside the audience as rows: proofs (样张) to people of the house and messages to seeds (种子号码).

They stand in a table of their own, so that no sum, rate or history of a delivery can take them for customers. Who moves
one: `waiting` -> `claimed` (a lease by the database's clock, and a fencing token) -> `sent`, `failed`, `unknown`, or
back to `waiting` for later; `suppressed` instead of claimed; a receipt makes it `delivered`, which is final, or
`failed`. The gateway's id is "<batch>.<row>", and no wave is named as a batch is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.ledger import LONGEST_REASON, Receipt
from engine.store.session import inserting
from engine.store.tables import cases, side_letters, waves

Kind = Literal["proof", "seed"]
LetterState = Literal["waiting", "claimed", "sent", "delivered", "failed", "unknown", "suppressed"]
Answer = Literal["", "fits", "unfit"]
BATCHES = ("proof.", "seed.")
AT_ONCE = 100
_here = side_letters.c


@dataclass(frozen=True, slots=True)
class NewLetter:
    """One to be sent: to a `person` (proof) or to a `seed` of a `wave`. `about` is the hash of its text before it was
    filled with a customer's masked values."""

    row: int
    channel: str
    text: str
    segments: int
    cell: str = ""
    person: str = ""
    wave: str = ""
    seed: int | None = None
    address: str = ""
    shown: str = ""
    subject: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class SideLetter:
    """One as it stands. `held` segments are posted as spent; `fence` is the claim's; `doubtful`: an earlier attempt may
    have reached its reader."""

    batch: str
    row: int
    case_id: str
    kind: Kind
    wave: str
    channel: str
    cell: str
    person: str
    seed: int | None
    address: str
    shown: str
    subject: str
    text: str
    about: str
    segments: int
    held: int
    state: LetterState
    reason: str
    asked_by: str
    asked_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    attempts: int
    fence: int
    doubtful: int
    answer: Answer
    because: str
    answered_at: datetime | None

    @property
    def name(self) -> str:
        """What the gateway calls it."""
        return f"{self.batch}.{self.row}"


def is_batch(name: str) -> bool:
    """Whether a message's id begins as those of side letters do, and not as a wave's."""
    return name.startswith(BATCHES)


def enter(
    tx: Connection, batch: str, case_id: str, kind: Kind, letters: Iterable[NewLetter], *, by: str, at: datetime
) -> int:
    """Write the letters of a batch, to be sent; how many. Those that are there stay as they are."""
    same = {"batch": batch, "case_id": case_id, "kind": kind, "state": "waiting", "asked_by": by, "asked_at": at}
    rows = [same | {name: getattr(one, name) for name in NewLetter.__dataclass_fields__} for one in letters]
    if rows:
        tx.execute(inserting(tx, side_letters).on_conflict_do_nothing(), rows)
    return len(rows)


def due(tx: Connection, now: datetime) -> tuple[tuple[str, str, str], ...]:
    """Batch, channel and wave of what may be sent: proofs, and seeds of waves that run or ran in a case that delivers.
    `now` is the database's clock."""
    goes = sa.and_(cases.c.state == "delivering", waves.c.state.in_(("running", "gated", "done")))
    query = (
        sa.select(_here.batch, _here.channel, _here.wave)
        .join(cases, cases.c.id == _here.case_id)
        .outerjoin(waves, waves.c.id == _here.wave)
        .where(_open(now), sa.or_(_here.kind == "proof", goes))
        .distinct()
        .order_by(_here.batch, _here.channel)
    )
    return tuple((row[0], row[1], row[2]) for row in tx.execute(query))


def drop_others(tx: Connection, wave: str, variant: str) -> None:
    """Take out what of a wave waits for seeds in another variant than the one that a test has found."""
    other = sa.and_(_here.wave == wave, _here.kind == "seed", _here.state == "waiting", _here.cell != variant)
    tx.execute(sa.delete(side_letters).where(other))


def claim(tx: Connection, batch: str, channel: str, now: datetime, lease: timedelta) -> tuple[SideLetter, ...]:
    """Claim up to AT_ONCE letters of a batch and channel that are free or whose lease ended. `now` is the database's
    clock."""
    query = sa.select(_here.row).where(_here.batch == batch, _here.channel == channel, _open(now))
    rows = tx.execute(query.order_by(_here.row).limit(AT_ONCE).with_for_update(skip_locked=True)).scalars().all()
    if not rows:
        return ()
    again = sa.case((_here.state == "claimed", 1), else_=_here.doubtful)
    mine = sa.update(side_letters).where(_here.batch == batch, _here.row.in_(rows))
    values = {"state": "claimed", "fence": _here.fence + 1, "attempts": _here.attempts + 1, "doubtful": again}
    found = tx.execute(mine.values(**values, lease_until=now + lease).returning(side_letters)).mappings()
    return tuple(sorted(map(_letter, found), key=lambda one: one.row))


def extend(tx: Connection, claimed: Iterable[SideLetter], until: datetime) -> None:
    """Keep claimed letters until then, as far as nobody else has claimed them since."""
    for letter in claimed:
        _mine(tx, letter, lease_until=until)


def settle(tx: Connection, letter: SideLetter, state: LetterState, *, at: datetime, reason: str = "") -> bool:
    """Say what became of a claimed letter; False where another has claimed it since, or its receipt was faster."""
    ends: dict[str, Any] = {"sent_at": at} if state == "sent" else {"settled_at": at}
    return _mine(tx, letter, state=state, reason=reason[:LONGEST_REASON], lease_until=None, **ends)


def give_back(tx: Connection, letter: SideLetter, *, available_at: datetime, reason: str, doubtful: bool) -> bool:
    """Put a claimed letter back for later; False as for `settle`."""
    values = {"reason": reason[:LONGEST_REASON], "available_at": available_at, "doubtful": int(doubtful)}
    return _mine(tx, letter, state="waiting", lease_until=None, **values)


def waiting(tx: Connection, wave: str) -> tuple[SideLetter, ...]:
    """What of a wave waits to be sent to seeds, locked."""
    query = sa.select(side_letters).where(_here.wave == wave, _here.kind == "seed", _here.state == "waiting")
    return tuple(map(_letter, tx.execute(query.order_by(_here.row).with_for_update()).mappings()))


def end(tx: Connection, letter: SideLetter, state: LetterState, *, reason: str, at: datetime) -> None:
    """Give a waiting letter its end."""
    here = sa.update(side_letters).where(_here.batch == letter.batch, _here.row == letter.row)
    tx.execute(here.where(_here.state == "waiting").values(state=state, reason=reason, settled_at=at))


def hold(tx: Connection, letter: SideLetter, segments: int) -> None:
    """So many segments of a letter are posted as spent."""
    here = sa.update(side_letters).where(_here.batch == letter.batch, _here.row == letter.row)
    tx.execute(here.values(held=segments))


def held(tx: Connection, case_id: str) -> dict[str, int]:
    """By wave, how many segments of messages to seeds are posted as spent."""
    query = sa.select(_here.wave, sa.func.sum(_here.held)).where(_here.case_id == case_id, _here.kind == "seed")
    return {wave: int(count) for wave, count in tx.execute(query.group_by(_here.wave))}


def receive(tx: Connection, receipts: Iterable[Receipt], channels: Iterable[str] | None) -> tuple[int, list[Receipt]]:
    """Apply receipts: how many letters changed, and the receipts of letters that there are not, or not over
    `channels`. Delivered is final, failed gives way to delivered only."""
    spoken_for = None if channels is None else frozenset(channels)
    changed, strangers = 0, []
    for one in receipts:
        letter = find(tx, one.wave, one.row, lock=True)
        if letter is None or (spoken_for is not None and letter.channel not in spoken_for):
            strangers.append(one)
        elif letter.state != "delivered" and (one.status == "delivered" or letter.state != "failed"):
            row = sa.update(side_letters).where(_here.batch == one.wave, _here.row == one.row)
            sent_at = letter.sent_at or one.at
            values = {"state": one.status, "reason": one.reason[:LONGEST_REASON], "settled_at": one.at}
            changed += tx.execute(row.values(**values, sent_at=sent_at, lease_until=None)).rowcount
    return changed, strangers


def find(tx: Connection, batch: str, row: int, *, lock: bool = False) -> SideLetter | None:
    """One; None where there is none of that name."""
    query = sa.select(side_letters).where(_here.batch == batch, _here.row == row)
    found = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if found is None else _letter(found)


def of_case(tx: Connection, case_id: str, kind: Kind) -> tuple[SideLetter, ...]:
    """Those of a case, the newest first."""
    query = sa.select(side_letters).where(_here.case_id == case_id, _here.kind == kind)
    rows = tx.execute(query.order_by(_here.asked_at.desc(), _here.batch, _here.row)).mappings()
    return tuple(map(_letter, rows))


def unanswered(tx: Connection, person: str) -> tuple[SideLetter, ...]:
    """The proofs that a person got and has not answered, while the case's first wave may still wait for it."""
    query = (
        sa.select(side_letters)
        .join(cases, cases.c.id == _here.case_id)
        .where(_here.person == person, _here.kind == "proof", _here.answer == "", _here.state != "failed")
        .where(cases.c.state.in_(("approving", "ready", "delivering", "paused")))
        .order_by(_here.asked_at.desc(), _here.row)
    )
    return tuple(map(_letter, tx.execute(query).mappings()))


def count_since(tx: Connection, case_id: str, since: datetime) -> int:
    """How many proofs of a case were asked for since then."""
    query = sa.select(sa.func.count()).select_from(side_letters)
    return tx.execute(
        query.where(_here.case_id == case_id, _here.kind == "proof", _here.asked_at >= since)
    ).scalar_one()


def fitting(tx: Connection, case_id: str) -> Mapping[str, frozenset[str]]:
    """By the hash of a text, whose newest answer about it is that it fits."""
    query = sa.select(_here.about, _here.person, _here.answer).where(
        _here.case_id == case_id, _here.kind == "proof", _here.answer != ""
    )
    newest = {(row.about, row.person): row.answer for row in tx.execute(query.order_by(_here.answered_at, _here.row))}
    found: dict[str, set[str]] = {}
    for (about, person), said in newest.items():
        if said == "fits":
            found.setdefault(about, set()).add(person)
    return {about: frozenset(people) for about, people in found.items()}


def answer(tx: Connection, letter: SideLetter, said: Answer, because: str, *, at: datetime) -> None:
    """Write down what the person says of a proof; the newest answer counts."""
    mine = sa.update(side_letters).where(_here.batch == letter.batch, _here.row == letter.row)
    tx.execute(mine.values(answer=said, because=because, answered_at=at))


def seed_states(tx: Connection, case_id: str) -> dict[str, dict[str, int]]:
    """By wave and state, how many messages to seeds."""
    query = sa.select(_here.wave, _here.state, sa.func.count()).where(_here.case_id == case_id, _here.kind == "seed")
    found: dict[str, dict[str, int]] = {}
    for wave, state, count in tx.execute(query.group_by(_here.wave, _here.state)):
        found.setdefault(wave, {})[state] = int(count)
    return found


def seed_reasons(tx: Connection, case_id: str) -> dict[str, dict[str, int]]:
    """By wave, why messages to seeds were left out or failed, and how many."""
    is_over = _here.state.in_(("suppressed", "failed")) & (_here.reason != "")
    query = sa.select(_here.wave, _here.reason, sa.func.count()).where(_here.case_id == case_id, _here.kind == "seed")
    found: dict[str, dict[str, int]] = {}
    for wave, reason, count in tx.execute(
        query.where(is_over).group_by(_here.wave, _here.reason).order_by(_here.reason)
    ):
        found.setdefault(wave, {})[reason] = int(count)
    return found


def seed_segments(tx: Connection, case_id: str) -> dict[str, int]:
    """By wave, how many segments went to seeds, or may have."""
    paid = _here.state.in_(("sent", "delivered", "unknown")) | (_here.sent_at.is_not(None))
    query = sa.select(_here.wave, sa.func.sum(_here.segments)).where(_here.case_id == case_id, _here.kind == "seed")
    return {wave: int(count) for wave, count in tx.execute(query.where(paid).group_by(_here.wave))}


def seeded(tx: Connection, addresses: Sequence[str], since: datetime) -> frozenset[str]:
    """Those of the sealed addresses that something was sent to as seeds since then."""
    query = sa.select(_here.address).where(
        _here.kind == "seed", _here.address.in_(addresses), _here.sent_at.is_not(None), _here.asked_at >= since
    )
    return frozenset(tx.execute(query.distinct()).scalars())


def renew(tx: Connection, renewed: Callable[[str], str]) -> int:
    """Write every address as `renewed` gives it, under the newest key; how many changed."""
    count = 0
    for batch, row, address in tx.execute(
        sa.select(_here.batch, _here.row, _here.address).where(_here.address != "")
    ).all():
        fresh = renewed(address)
        if fresh != address:
            tx.execute(sa.update(side_letters).where(_here.batch == batch, _here.row == row).values(address=fresh))
            count += 1
    return count


def _open(now: datetime) -> sa.ColumnElement[bool]:
    waits = sa.and_(_here.state == "waiting", sa.or_(_here.available_at.is_(None), _here.available_at <= now))
    return sa.or_(waits, sa.and_(_here.state == "claimed", _here.lease_until <= now))


def _mine(tx: Connection, letter: SideLetter, **values: Any) -> bool:
    ours = sa.update(side_letters).where(
        _here.batch == letter.batch,
        _here.row == letter.row,
        _here.fence == letter.fence,
        _here.state == "claimed",
    )
    return tx.execute(ours.values(**values)).rowcount == 1


def _letter(row: Mapping[Any, Any]) -> SideLetter:
    return SideLetter(**{name: row[name] for name in SideLetter.__dataclass_fields__})

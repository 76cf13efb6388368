"""Cases: opened, moved and loaded. The only code that writes a case, its tasks, its timers and its history.

One command is one transaction. The case's row is locked, Python decides, and everything the decision means is written
under the same lock: state, tasks, timers, history, idempotency key, outbox. The decision itself comes from the caller
(`engine.machine.advance`); nothing here knows a rule of the process, and nothing here is carried out.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import msgspec
import psycopg2.errors
import sqlalchemy as sa
from msgspec.structs import asdict
from sqlalchemy import Connection

from engine.errors import ChangedMeanwhile, NotFound
from engine.machine.case import Case
from engine.machine.outcome import AnyEffect, AnyEvent
from engine.store import statements
from engine.store.exchange import Exchange
from engine.store.history import BEGINNING
from engine.store.numbering import next_number
from engine.store.rows import CaseIndex, Decided, Written, rows_of
from engine.store.session import Database, database_now, inserting
from engine.store.tables import case_offices, cases, history, idempotency, organisation, outbox, tasks, timers

LONGEST_KEY = 120

_OF_TASK = tuple(column.name for column in tasks.c if column is not tasks.c.case_id)
_OF_TIMER = ("key", "name", "step", "due_at")
_OF_HISTORY = tuple(column.name for column in history.c)

# Made once: making a statement of Core anew takes ten times as long as running it.
_LOCKED = sa.select(
    cases.c.body,
    cases.c.head,
    sa.select(organisation.c.revision).scalar_subquery(),
    sa.select(idempotency.c.seq).where(idempotency.c.key == sa.bindparam("wanted_key")).scalar_subquery(),
).where(cases.c.id == sa.bindparam("wanted_id"))
_MOVED = sa.update(cases).where(cases.c.id == sa.bindparam("wanted_id"), cases.c.seq == sa.bindparam("wanted_seq"))
_OVER = sa.update(timers).where(timers.c.key == sa.bindparam("wanted_key"), timers.c.state == "armed")
_PUT_TASK = sa.text(  # as text, because Core compiles an upsert anew each time
    f"INSERT INTO tasks (case_id, {', '.join(_OF_TASK)}) VALUES (:case_id, {', '.join(f':{one}' for one in _OF_TASK)})"
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{one} = excluded.{one}' for one in _OF_TASK)}"
).bindparams(*(sa.bindparam(column.name, type_=column.type) for column in tasks.c))
_NEW_KEY, _NEW_ENTRY, _NEW_TIMER, _NEW_EFFECT = map(sa.insert, (idempotency, history, timers, outbox))

_read_case = msgspec.json.Decoder(Case).decode
_to_json = msgspec.json.Encoder().encode


class NotAlone(Exception):
    """This decision needs a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Locked:
    """What a decision may look at: the case under its lock, and the database's clock when it was locked.

    `is_alone`: no other case is moved in the same transaction.
    """

    case: Case
    organisation_revision: int
    now: datetime
    _open: Callable[[], Connection]
    is_alone: bool = True

    @property
    def tx(self) -> Connection:
        """The same transaction, for what is read rarely. On PostgreSQL each use costs a round trip."""
        return self._open()

    def next_number(self, scope: str, year: int) -> int:
        """The next number of `scope` in `year`; returned if the decision fails or changes nothing.

        Raises NotAlone among other cases: two batches that draw for the same offices in another order would wait for
        each other, and a decision that is left out of its batch would leave a gap.
        """
        if not self.is_alone:
            raise NotAlone
        return next_number(self.tx, scope, year)


Decide = Callable[[Locked], Decided]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded: the case as it is now and the history entry that the key wrote.

    `repeated`: the key had been used; nothing happened now, `seq` is the earlier entry, and events and effects are
    empty. A command that changed nothing gives no events and the case's own `seq`.
    """

    case: Case
    seq: int
    events: tuple[AnyEvent, ...] = ()
    effects: tuple[AnyEffect, ...] = ()
    repeated: bool = False


def transition(db: Database, case_id: str, key: str, decide: Decide) -> Recorded:
    """Lock the case, let `decide` decide, record it. One transaction; two messages on PostgreSQL.

    `key` makes a repetition harmless: the second call with it returns what the first recorded, also when the two run
    at once, and whatever the case's state is by now. An empty key records none. What `decide` raises is raised, with
    nothing written. `decide` may be called again where a connection was lost, so it must only look and answer.
    """
    key = scoped(case_id, key)
    if db.dialect_name == "postgresql":
        return db.exchange(lambda exchange: _in_two_messages(exchange, case_id, key, decide))
    with db.begin() as tx:
        return _in_one_writer(tx, case_id, key, decide)


def create(db: Database, key: str, decide: Callable[[Connection], Decided]) -> Recorded:
    """Open a case: its row and its first history entry. A repeated key returns the case it opened then."""
    key = scoped("new", key)
    with db.begin() as tx:
        if key:
            # Whoever comes second waits here until the first is done, on both databases.
            claim = {"key": key, "case_id": "", "seq": 0, "at": database_now(tx)}
            claimed = tx.execute(inserting(tx, idempotency).values(claim).on_conflict_do_nothing()).rowcount
            if not claimed:
                query = sa.select(idempotency.c.case_id).where(idempotency.c.key == key)
                return Recorded(load(tx, tx.execute(query).scalar_one()), seq=1, repeated=True)
        decided = decide(tx)
        now = database_now(tx)
        written = rows_of(decided, seq=1, previous=BEGINNING, now=now)
        tx.execute(sa.insert(cases).values({**_case_row(written), **_fixed(written.case)}))
        _write_rows(tx, written, now, "")
        if key:
            named = sa.update(idempotency).where(idempotency.c.key == key)
            tx.execute(named.values(case_id=written.case.id, seq=1))
        if decided.index:
            _index(tx, written.case.id, decided.index)
        return recorded(decided)


def load(tx: Connection, case_id: str) -> Case:
    """The case, or NotFound. Whether the viewer may see it is asked elsewhere (visibility.py)."""
    body = tx.execute(sa.select(cases.c.body).where(cases.c.id == case_id)).scalar_one_or_none()
    if body is None:
        raise NotFound()
    return _read_case(body)


def locked(tx: Connection, case_id: str) -> Case | None:
    """The case under its lock, until the transaction ends; None where there is none."""
    query = sa.select(cases.c.body).where(cases.c.id == case_id).with_for_update()
    body = tx.execute(query).scalar_one_or_none()
    return None if body is None else _read_case(body)


def find(tx: Connection, name: str) -> str | None:
    """The id of the case with this id or number, whoever may see it."""
    called = sa.select(cases.c.id).where(sa.or_(cases.c.id == name, cases.c.number == name))
    return tx.execute(called.limit(1)).scalar_one_or_none()


def numbers(tx: Connection, ids: Collection[str]) -> dict[str, str]:
    """The numbers of these cases, as far as they have one."""
    found = tx.execute(sa.select(cases.c.id, cases.c.number).where(cases.c.id.in_(sorted(ids))))
    return {one: number for one, number in found.all() if number}


def any_case(tx: Connection) -> bool:
    """Whether there is a case at all."""
    return tx.execute(sa.select(cases.c.id).limit(1)).scalar_one_or_none() is not None


def waiting_for_people(tx: Connection) -> tuple[str, ...]:
    """The ids of all cases in which somebody is asked to act, or nobody could be found so far."""
    # written as in the partial indexes, or the planners do not use them
    asked = sa.select(tasks.c.case_id).where(sa.text("tasks.state='open'"), tasks.c.verb != "copy")
    unstaffed = sa.select(timers.c.case_id).where(sa.text("timers.state='armed'"), timers.c.name == "staff")
    return tuple(tx.execute(sa.union(asked, unstaffed).order_by("case_id")).scalars())


def with_deadlines(tx: Connection) -> tuple[str, ...]:
    """The ids of all cases in which time does something, or will once a question is answered."""
    armed = sa.select(timers.c.case_id).where(sa.text("timers.state='armed'"))
    asked = sa.select(tasks.c.case_id).where(sa.text("tasks.state='open'"), tasks.c.verb != "copy")
    return tuple(tx.execute(sa.union(armed, asked).order_by("case_id")).scalars())


def load_many(tx: Connection, case_ids: Sequence[str]) -> tuple[Case, ...]:
    """Those of the cases that there are."""
    bodies = tx.execute(sa.select(cases.c.body).where(cases.c.id.in_(case_ids)).order_by(cases.c.id))
    return tuple(_read_case(body) for body in bodies.scalars())


def _in_two_messages(exchange: Exchange, case_id: str, key: str, decide: Decide) -> Recorded:
    row = exchange.first(statements.LOCK, (case_id, key))
    if row is None:
        raise NotFound()
    body, head, now, revision, earlier = row
    case = _read_case(body)
    if earlier is None:
        try:
            decided = decide(Locked(case, revision or 0, now, lambda: exchange.tx))
            if decided.outcome.events:
                written = rows_of(decided, seq=case.seq + 1, previous=head, now=now)
                exchange.last(*second_message(written, key, decided.index))
                return recorded(decided)
        except psycopg2.errors.UniqueViolation:
            if (repeated := _repeated(exchange, case, key)) is None:
                raise
            return repeated
        except psycopg2.errors.DivisionByZero as error:
            raise ChangedMeanwhile() from error
        except Exception:
            # A decision that is refused may be refused because the same key was recorded while this one waited for
            # the lock; the lock's snapshot was too old to see it.
            if exchange.is_lost or (repeated := _repeated(exchange, case, key)) is None:
                raise
            return repeated
    return _repeated(exchange, case, key) or Recorded(case, seq=case.seq)


def _repeated(exchange: Exchange, case: Case, key: str) -> Recorded | None:
    row = exchange.drop(statements.EARLIER, (key,))
    # Where it was this very call that recorded it, over a connection that was lost, the caller has repeated nothing.
    return Recorded(case, seq=row[0], repeated=not exchange.is_repetition) if row else None


def second_message(written: Written, key: str, index: CaseIndex | None) -> tuple[str, Sequence[object]]:
    """The statements that record a transition on PostgreSQL, and their values."""
    values: list[object] = [*values_of(written, key), [*written.fired], [*written.disarmed]]
    if index is None:
        return statements.RECORD, values
    return f"{statements.RECORD}; {statements.REINDEX}", [*values, *index_values(written.case.id, index)]


def values_of(written: Written, key: str) -> tuple[object, ...]:
    """The values of `statements.RECORD`, without the keys of timers."""
    case, entry = written.case, written.entry
    return (
        *(case.id, entry.seq - 1, _to_json(case).decode(), entry.hash, case.state, case.round, case.number),
        *(case.updated_at, key, entry.kind, entry.at, entry.actor, entry.on_behalf_of, entry.via),
        *(entry.body, entry.previous, entry.hash),
        *(_rows(written.tasks), _rows(written.armed), _rows(written.outbox)),
    )


def index_values(case_id: str, index: CaseIndex) -> tuple[object, ...]:
    """The values of `statements.REINDEX`."""
    offices = None if index.offices is None else [*index.offices]
    return (case_id, index.title, index.budget, index.reach, index.confidential, offices)


def _rows(rows: Sequence[msgspec.Struct]) -> str | None:
    return _to_json(rows).decode() if rows else None


def _in_one_writer(tx: Connection, case_id: str, key: str, decide: Decide) -> Recorded:
    row = tx.execute(_LOCKED, {"wanted_id": case_id, "wanted_key": key}).one_or_none()
    if row is None:
        raise NotFound()
    body, head, revision, earlier = row
    case = _read_case(body)
    if earlier is not None:
        return Recorded(case, seq=earlier, repeated=True)
    now = database_now(tx)
    decided = decide(Locked(case, revision or 0, now, lambda: tx))
    if not decided.outcome.events:
        tx.rollback()  # the number that it may have drawn goes back
        return Recorded(case, seq=case.seq)
    written = rows_of(decided, seq=case.seq + 1, previous=head, now=now)
    place = {"wanted_id": case_id, "wanted_seq": case.seq}
    if tx.execute(_MOVED, {**place, **_case_row(written)}).rowcount != 1:
        raise ChangedMeanwhile()
    _write_rows(tx, written, now, key)
    if decided.index:
        _index(tx, case_id, decided.index)
    return recorded(decided)


def _write_rows(tx: Connection, written: Written, now: datetime, key: str) -> None:
    entry, case_id = written.entry, written.case.id
    if key:
        tx.execute(_NEW_KEY, {"key": key, "case_id": case_id, "seq": entry.seq, "at": entry.at})
    tx.execute(_NEW_ENTRY, {name: getattr(entry, name) for name in _OF_HISTORY})
    of_case = {"case_id": case_id}
    waiting = {**of_case, "state": "pending", "available_at": now}
    over = [(timer, "fired") for timer in written.fired] + [(timer, "disarmed") for timer in written.disarmed]
    for statement, rows in (
        (_PUT_TASK, [{**of_case, **{name: getattr(one, name) for name in _OF_TASK}} for one in written.tasks]),
        (
            _NEW_TIMER,
            [
                {**of_case, **{name: getattr(one, name) for name in _OF_TIMER}, "state": "armed"}
                for one in written.armed
            ],
        ),
        (_OVER, [{"wanted_key": timer, "state": state} for timer, state in over]),
        (_NEW_EFFECT, [{**asdict(effect), **waiting} for effect in written.outbox]),
    ):
        if rows:
            tx.execute(statement, rows)


def _index(tx: Connection, case_id: str, index: CaseIndex) -> None:
    named = {"title": index.title, "budget": index.budget, "reach": index.reach, "confidential": index.confidential}
    tx.execute(sa.update(cases).where(cases.c.id == case_id).values(named))
    if index.offices is not None:
        tx.execute(sa.delete(case_offices).where(case_offices.c.case_id == case_id))
        rows = [{"case_id": case_id, "office": office} for office in dict.fromkeys(index.offices)]
        if rows:
            tx.execute(sa.insert(case_offices), rows)


def _case_row(written: Written) -> dict[str, object]:
    case = written.case
    return {
        "body": _to_json(case).decode(),
        "head": written.entry.hash,
        "seq": written.entry.seq,
        "state": case.state,
        "round": case.round,
        "number": case.number,
        "updated_at": case.updated_at,
    }


def _fixed(case: Case) -> dict[str, object]:
    return {
        "id": case.id,
        "definition": case.process.name,
        "version": case.process.version,
        "fingerprint": case.process.fingerprint,
        "office": case.office,
        "submitter": case.submitter,
        "created_at": case.created_at,
    }


def recorded(decided: Decided) -> Recorded:
    """What the caller of a transition is given."""
    outcome = decided.outcome
    return Recorded(outcome.case, seq=outcome.case.seq, events=outcome.events, effects=outcome.effects)


def scoped(case_id: str, key: str) -> str:
    """The key as it is stored."""
    # A key belongs to its case: one that a page reuses elsewhere must not return another case's result.
    if not key:
        return ""
    scoped = f"{case_id}:{key}"
    return scoped if len(scoped) <= LONGEST_KEY else sha256(scoped.encode()).hexdigest()

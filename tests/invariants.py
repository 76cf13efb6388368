"""What must hold after every test that wrote, whatever it did."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.machine.case import Case
from engine.store import budgets, cases, history, moves
from engine.store.session import Database
from engine.store.tables import cases as case_table
from engine.store.tables import history as history_table
from engine.store.tables import idempotency, outbox, recipients, register_numbers, tasks, timers


def check_invariants(db: Database) -> None:
    """Fail with every broken invariant. Cases that a test entered without a history are left out."""
    with db.read() as tx:
        recorded = tx.execute(sa.select(history_table.c.case_id).distinct().order_by("case_id")).scalars().all()
        broken = [words for case_id in recorded for words in _of_case(tx, case_id)]
        broken += _of_keys(tx)
        broken += _of_deliveries(tx)
        broken += budgets.broken(tx)
        broken += [drift.said for drift in moves.drifts(tx)]
        broken += _of_registers([cases.load(tx, case_id) for case_id in recorded])
    assert broken == []


def _of_case(tx: Connection, case_id: str) -> list[str]:
    broken = history.verify(tx, case_id)
    found = [f"{case_id}: entry {broken.seq}: {broken.reason}"] if broken else []
    case = cases.load(tx, case_id)
    row = tx.execute(sa.select(case_table).where(case_table.c.id == case_id)).one()
    for name in ("state", "round", "seq", "number", "office", "submitter", "updated_at"):
        if getattr(row, name) != getattr(case, name):
            found.append(f"{case_id}: the row says {name} {getattr(row, name)}, the case {getattr(case, name)}")
    kept = set(tx.execute(sa.select(register_numbers.c.number).where(register_numbers.c.case_id == case_id)).scalars())
    if strange := kept - {one.number for one in case.registered}:
        found.append(f"{case_id}: the case has no register numbers {sorted(strange)}")
    return found + _of_tasks(tx, case) + _of_timers(tx, case)


def _of_tasks(tx: Connection, case: Case) -> list[str]:
    rows = {row.id: row for row in tx.execute(sa.select(tasks).where(tasks.c.case_id == case.id))}
    found = [
        f"{case.id}: task {task} is in the rows or the case alone" for task in {t.id for t in case.tasks} ^ set(rows)
    ]
    for task in case.tasks:
        kept = msgspec.structs.asdict(task)
        row = rows.get(task.id)
        differs = [
            name for name in kept if row is not None and name in row._fields and getattr(row, name) != kept[name]
        ]
        found += [f"{case.id}: task {task.id} differs in {name}" for name in differs]
        if task.state == "decided" and not (task.decision and task.decided_by and task.decided_at):
            found.append(f"{case.id}: task {task.id} is decided without a decision, a person or a time")
    return found


def _of_timers(tx: Connection, case: Case) -> list[str]:
    armed = sa.select(timers.c.key).where(timers.c.case_id == case.id, timers.c.state == "armed")
    alone = {timer.key for timer in case.timers} ^ set(tx.execute(armed).scalars())
    return [f"{case.id}: timer {key} is armed in the rows or the case alone" for key in sorted(alone)]


def _of_registers(every: Sequence[Case]) -> list[str]:
    """No register number was given to two cases."""
    given = Counter((one.office, one.number) for case in every for one in case.registered if one.number)
    return [f"register number {number} of {office} is given twice" for (office, number), n in given.items() if n > 1]


def _of_keys(tx: Connection) -> list[str]:
    """Every key and every effect belongs to a history entry."""
    entry = (history_table.c.case_id == idempotency.c.case_id) & (history_table.c.seq == idempotency.c.seq)
    lost = sa.select(idempotency.c.key).where(~sa.exists().where(entry))
    found = [f"key {key} has no history entry" for key in tx.execute(lost).scalars()]
    seqs = {(row.case_id, row.seq) for row in tx.execute(sa.select(history_table.c.case_id, history_table.c.seq))}
    known = {case_id for case_id, _ in seqs}
    for key, case_id in tx.execute(sa.select(outbox.c.key, outbox.c.case_id)):
        if case_id in known and (case_id, int(key.split(":")[1])) not in seqs:
            found.append(f"effect {key} has no history entry")
    return found


def _of_deliveries(tx: Connection) -> list[str]:
    """Nobody stands twice in a channel of a case (the database refuses it too)."""
    place = (recipients.c.case_id, recipients.c.channel, recipients.c.customer)
    twice = Counter(tuple(row) for row in tx.execute(sa.select(*place)))
    return [f"{place} is delivered to twice" for place, count in twice.items() if count > 1]

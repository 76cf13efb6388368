"""B1: a durable transition beside straightforward psycopg2, on a PostgreSQL of its own with synchronous_commit=on.

Both write the same rows: key, case, tasks, timers, history, outbox, one commit. The base knows its rows beforehand and
sends nine messages; ours locks, decodes, decides, seals the history and sends two. The base runs twice per round: where
its two medians differ by more than 15% the machine was too restless, and the remark says so. Other engines (`peers.py`)
take their turn in the same rounds with 8 threads.
Other engines take their turn in the same rounds (see `peers.py`).
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median
from threading import Barrier
from time import perf_counter
from typing import TypeVar

import msgspec
import psycopg2
import sqlalchemy as sa
from psycopg2.extras import execute_values

from benchmarks import ROUNDS, Row, interleaved
from benchmarks.county import NOW, County
from benchmarks.peers import STEPS, Dbos, Spiff
from engine.machine.case import Case, Task
from engine.store import cases
from engine.store.history import BEGINNING
from engine.store.rows import Written, rows_of
from engine.store.session import Database
from engine.store.tables import cases as case_table
from engine.store.tables import history, tasks, timers
from tests.servers.postgres import PostgresServer, create_database, make_folder

Share = TypeVar("Share")

_NUMBERS = count()
JOB = "durable transition"
BASE, AGAIN, OURS = "psycopg2, nine messages", "psycopg2 again", "countersign"


@dataclass(frozen=True, slots=True)
class Ready:
    """A case that waits for its first decision, with the rows that the base will write for it."""

    case: Case
    written: Written


@contextmanager
def server() -> Iterator[str]:
    """A durable PostgreSQL of our own; its URL."""
    folder = make_folder()
    running = PostgresServer(folder, durable=True)
    try:
        yield running.start()
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def run(quick: bool) -> list[Row]:
    """The rows of B1 with 8 threads and with 1 client."""
    rounds, each = (2, 200) if quick else (ROUNDS, 2000)
    with server() as url, closing(Database(create_database(url, "bench"), pool_size=16)) as db:
        db.migrate()
        with closing(Dbos(create_database(url, "dbos"))) as dbos:
            figures = interleaved(_contestants(db, each, 8) | _peers(db, dbos, each), rounds)
        return [*_rows(figures, 8), *_rows(interleaved(_contestants(db, each // 2, 1), rounds), 1)]


def _contestants(db: Database, size: int, clients: int) -> dict[str, Callable[[], float]]:
    county = County()
    fresh = supply(db, county, size)
    return {
        BASE: lambda: straightforward(db, fresh(), clients),
        OURS: lambda: _ours(db, county, fresh(), clients),
        AGAIN: lambda: straightforward(db, fresh(), clients),
    }


def _peers(db: Database, dbos: Dbos, size: int) -> dict[str, Callable[[], float]]:
    spiff, fresh = Spiff(), supply(db, County(), size // 2)
    steps, messages = size // 20, [size // 40] * 8
    return {
        "SpiffWorkflow with the same rows": lambda: straightforward(
            db, fresh(), 8, lambda: spiff.decide(spiff.waiting)
        ),
        "DBOS, plain steps": lambda: STEPS * _timed(lambda share: [dbos.steps(n) for n in share], range(steps), 8),
        "DBOS, send and receive": lambda: (
            messages[0] * _timed(lambda share: [dbos.decisions(n) for n in share], messages, 8)
        ),
    }


def _rows(figures: dict[str, list[float]], clients: int) -> Iterator[Row]:
    job = f"{JOB}, {clients} {'threads' if clients > 1 else 'client'}"
    bases = [(one + two) / 2 for one, two in zip(figures[BASE], figures[AGAIN], strict=True)]
    restless = abs(median(figures[BASE]) - median(figures[AGAIN])) / median(bases)
    remark = f"bases differ by {restless:.0%}" + (": does not count" if restless > 0.15 else "")
    yield Row("B1", job, BASE, median(bases), "per second", remark=remark)
    for name, speeds in figures.items():
        if name not in (BASE, AGAIN):
            ratio = median(speed / base for speed, base in zip(speeds, bases, strict=True))
            times = median(ours / speed for ours, speed in zip(figures[OURS], speeds, strict=True))
            remark = "" if name == OURS else f"ours is {times:.1f} times as fast"
            yield Row("B1", job, name, median(speeds), "per second", ratio, remark)


def _ours(db: Database, county: County, ready: Sequence[Ready], clients: int) -> float:
    def work(share: Sequence[Ready]) -> None:
        for one in share:
            cases.transition(db, one.case.id, "decide-1", lambda locked: county.approved(locked.case))

    _timed(work, ready[:clients], clients)  # connections are there before the clock starts
    return _timed(work, ready[clients:], clients)


def straightforward(
    db: Database, ready: Sequence[Ready], clients: int, decide: Callable[[], str] | None = None
) -> float:
    """Transitions per second of the nine messages. `decide` gives the body of a case that is not known beforehand."""
    url = db.url.render_as_string(hide_password=False).replace("+psycopg2", "")
    connections = [psycopg2.connect(url) for _ in range(clients)]
    free = iter(connections * 2)

    def work(share: Sequence[Ready]) -> None:
        connection = next(free)
        for one in share:
            _nine_messages(connection, one, decide)

    try:
        _timed(work, ready[:clients], clients)
        return _timed(work, ready[clients:], clients)
    finally:
        for connection in connections:
            connection.close()


def _nine_messages(connection: "psycopg2.extensions.connection", one: Ready, decide: Callable[[], str] | None) -> None:
    case, entry = one.written.case, one.written.entry
    key = f"{case.id}:decide-1"
    with connection.cursor() as cursor:  # the driver sends BEGIN by itself, as a message of its own
        cursor.execute("SELECT body, head, seq FROM cases WHERE id = %s FOR UPDATE", (case.id,))
        cursor.fetchone()
        body = decide() if decide is not None else msgspec.json.encode(case).decode()
        cursor.execute(
            "INSERT INTO idempotency (key, case_id, seq, at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (key, case.id, entry.seq, entry.at),
        )
        cursor.execute(
            "UPDATE cases SET seq = %s, body = %s, head = %s, state = %s, round = %s, number = %s, updated_at = %s "
            "WHERE id = %s AND seq = %s",
            (
                *(entry.seq, body, entry.hash, case.state, case.round, case.number),
                *(case.updated_at, case.id, entry.seq - 1),
            ),
        )
        execute_values(
            cursor,
            "INSERT INTO tasks (id, case_id, round, step, person, verb, state, opened_at, due_at, decision, decided_by,"
            " decided_at, remark, reason) VALUES %s ON CONFLICT (id) DO UPDATE SET state = excluded.state,"
            " decision = excluded.decision, decided_by = excluded.decided_by, decided_at = excluded.decided_at,"
            " remark = excluded.remark, reason = excluded.reason",
            [_task_row(task, case.id) for task in one.written.tasks],
        )
        cursor.execute(
            "INSERT INTO history (case_id, seq, at, kind, actor, on_behalf_of, via, body, previous, hash) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(case.id, entry.seq, entry.at, entry.kind, entry.actor, entry.on_behalf_of, entry.via),
                *(entry.body, entry.previous, entry.hash),
            ),
        )
        armed = one.written.armed
        cursor.execute(
            "WITH off AS (UPDATE timers SET state = 'disarmed' WHERE key = ANY(%s)) "
            "INSERT INTO timers (key, case_id, name, step, due_at, state) "
            "SELECT unnest(%s), %s, unnest(%s), unnest(%s), unnest(%s), 'armed'",
            (
                *([*one.written.disarmed], [timer.key for timer in armed], case.id, [timer.name for timer in armed]),
                *([timer.step for timer in armed], [timer.due_at for timer in armed]),
            ),
        )
        execute_values(
            cursor,
            "INSERT INTO outbox (key, case_id, kind, body, state, available_at) VALUES %s",
            [(row.key, case.id, row.kind, row.body, "pending", NOW) for row in one.written.outbox],
        )
    connection.commit()


def _timed(work: Callable[[Sequence[Share]], object], ready: Sequence[Share], clients: int) -> float:
    gate = Barrier(clients + 1)

    def start(share: Sequence[Share]) -> None:
        gate.wait()
        work(share)

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(start, ready[n::clients]) for n in range(clients)]
        gate.wait()
        began = perf_counter()
        for one in running:
            one.result()
        return len(ready) / (perf_counter() - began)


def supply(db: Database, county: County, size: int) -> Callable[[], list[Ready]]:
    """A function that puts `size` fresh cases into the database, each waiting for its first decision."""

    def supply() -> list[Ready]:
        ready = []
        bulk: dict[sa.Table, list[dict[str, object]]] = {case_table: [], tasks: [], timers: [], history: []}
        for _ in range(size):
            case_id = f"b{next(_NUMBERS):08}"
            opened = rows_of(county.created(case_id), seq=1, previous=BEGINNING, now=NOW)
            sent = rows_of(county.submitted(opened.case), seq=2, previous=opened.entry.hash, now=NOW)
            decided = county.approved(sent.case)
            ready.append(Ready(sent.case, rows_of(decided, seq=3, previous=sent.entry.hash, now=NOW)))
            _add(bulk, opened, sent)
        with db.begin() as tx:
            tx.execute(sa.text("SET LOCAL synchronous_commit = off"))
            for table, rows in bulk.items():
                tx.execute(sa.insert(table), rows)
        db_vacuum(db)
        return ready

    return supply


def db_vacuum(db: Database) -> None:
    """Settle what loading left behind, so that no contestant pays for it."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE cases, tasks, timers, history, outbox, idempotency"))
        connection.execute(sa.text("CHECKPOINT"))


def _add(bulk: dict[sa.Table, list[dict[str, object]]], opened: Written, sent: Written) -> None:
    case = sent.case
    bulk[case_table].append(
        {
            "id": case.id,
            "definition": case.process.name,
            "version": case.process.version,
            "fingerprint": case.process.fingerprint,
            "office": case.office,
            "submitter": case.submitter,
            "number": case.number,
            "state": case.state,
            "round": case.round,
            "seq": case.seq,
            "body": msgspec.json.encode(case).decode(),
            "head": sent.entry.hash,
            "created_at": case.created_at,
            "updated_at": case.updated_at,
        }
    )
    for written in (opened, sent):
        bulk[history].append({column.name: getattr(written.entry, column.name) for column in history.c})
    for task in sent.tasks:
        bulk[tasks].append(
            {c.name: getattr(task, c.name) for c in tasks.c if c.name != "case_id"} | {"case_id": case.id}
        )
    for timer in sent.armed:
        bulk[timers].append(msgspec.structs.asdict(timer) | {"case_id": case.id, "state": "armed"})


def _task_row(task: Task, case_id: str) -> tuple[object, ...]:
    return (
        *(task.id, case_id, task.round, task.step, task.person, task.verb, task.state, task.opened_at, task.due_at),
        *(task.decision, task.decided_by, task.decided_at, task.remark, task.reason),
    )

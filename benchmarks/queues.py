"""B2 and B6: the inbox and the due timers of a database with a million cases, and what firing many timers costs.

The million is made by the database from one real case (its rows copied under new keys), because only its size
matters; the cases that are decided and whose timers fire are real ones, each opened and submitted by the machine.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from benchmarks import Row
from benchmarks.county import HOLDERS, NOW, OFFICES, County
from benchmarks.transitions import db_vacuum, server, supply
from engine.machine.case import Case
from engine.organisation import Grant, Office
from engine.service import definitions, people
from engine.service.app import Countersign
from engine.service.effects import fire_timers
from engine.service.people import NewPerson
from engine.settings import Settings
from engine.store import inbox, timers
from engine.store.session import Database
from tests.servers.postgres import create_database

APPROVERS = 5_000
PROVINCES, CITIES, COUNTIES = 31, 342, 2_978  # a country's offices
CLERK = "wang"  # the head of the county: who decides the real cases
PASSWORD = "county-head-2026"  # of a database that lives for this run

_CASES = """
INSERT INTO cases (id, definition, version, fingerprint, office, submitter, number, title, state, round, seq, budget,
                   reach, confidential, body, head, created_at, updated_at)
SELECT 'm' || n, definition, version, fingerprint, office, 'clerk' || n % 20000, 'M-' || n, title,
       CASE WHEN n % 50 = 0 THEN 'approving' ELSE 'closed' END, round, seq, budget, reach, confidential, '', head,
       created_at, updated_at - n * interval '1 second'
FROM cases, generate_series(CAST(:first AS int), CAST(:size AS int)) AS n WHERE id = :seed
"""
_TASKS = """
INSERT INTO tasks (id, case_id, round, step, person, verb, state, opened_at, due_at, decision, decided_by, decided_at)
SELECT 'm' || n || '-1', 'm' || n, 1, 'county_head', 'approver' || n % :approvers, 'approve',
       CASE WHEN n % 50 = 0 THEN 'open' ELSE 'decided' END, CAST(:at AS timestamptz) - n * interval '1 second',
       CAST(:at AS timestamptz) + n * interval '1 second',
       CASE WHEN n % 50 = 0 THEN NULL ELSE 'approve' END, CASE WHEN n % 50 = 0 THEN NULL ELSE 'approver' END,
       CASE WHEN n % 50 = 0 THEN NULL ELSE CAST(:at AS timestamptz) - n * interval '1 second' END
FROM generate_series(CAST(:first AS int), CAST(:size AS int)) AS n
"""
_TIMERS = """
INSERT INTO timers (key, case_id, name, step, due_at, state)
SELECT 'm' || n || ':1:remind:1', 'm' || n, 'remind:1', 'county_head',
       CAST(:at AS timestamptz) + (n - 5000) * interval '1 second', CASE WHEN n % 50 = 0 THEN 'armed' ELSE 'fired' END
FROM generate_series(CAST(:first AS int), CAST(:size AS int)) AS n
"""


def run(quick: bool) -> list[Row]:
    """The rows of B2 and B6."""
    few, size, real = (2_000, 20_000, 500) if quick else (100_000, 1_000_000, 20_000)
    with server() as url, TemporaryDirectory() as folder:
        app = staffed(url, Path(folder), HOLDERS)
        ready = supply(app.db, County(), real)()
        fired = list(_timers(app, real))
        decided = [one.case for one in supply(app.db, County(), 300)()]
        _more(app.db, ready[0].case.id, 1, few)
        rows = list(_pages(app, decided[:150], few))
        _more(app.db, ready[0].case.id, few + 1, size)
        rows += [*_queries(app.db, size), *_pages(app, decided[150:], size), *fired]
        app.close()
    return rows


def staffed(url: str, home: Path, holders: Iterable[Grant]) -> Countersign:
    """A house of a whole country's offices, with a person for each grant, and the shipped definitions."""
    settings = Settings(home=home, database_url=create_database(url, "bench"), language="zh")
    app = Countersign.open(settings)
    app.db.migrate()
    staff = [
        NewPerson(
            id=held.person,
            name=held.person,
            email=f"{held.person}@example.com",
            language="zh",
            password=PASSWORD,
            grants=((held.role, held.office),),
        )
        for held in holders
    ]
    people.load(app, (*OFFICES, *country()), staff)
    definitions.publish_shipped(app)
    return app


def country() -> Iterator[Office]:
    """So many further offices as a country has, spread evenly."""
    for n in range(PROVINCES - 1):
        yield Office(f"P{n}", f"第{n}省公司", "province")
    for n in range(CITIES - 1):
        yield Office(f"C{n}", f"第{n}市分公司", "city", parent=f"P{n % (PROVINCES - 1)}")
    for n in range(COUNTIES - 1):
        yield Office(f"D{n}", f"第{n}县分公司", "county", parent=f"C{n % (CITIES - 1)}")


def _more(db: Database, seed: str, first: int, last: int) -> None:
    """Cases, tasks and timers numbered from `first` to `last`."""
    with db.begin() as tx:
        tx.execute(sa.text("SET LOCAL synchronous_commit = off"))
        for statement in (_CASES, _TASKS, _TIMERS):
            tx.execute(
                sa.text(statement), {"first": first, "size": last, "seed": seed, "at": NOW, "approvers": APPROVERS}
            )
    db_vacuum(db)


def _queries(db: Database, size: int) -> Iterator[Row]:
    """B2's SQL: the 20 rows of an inbox, the 100 timers that are due; whole calls, and the statements alone."""
    at = NOW + timedelta(hours=1)

    def rows_of(n: int) -> None:
        with db.read() as tx:
            inbox.to_do(tx, f"approver{n * 50 % APPROVERS}")

    def due(n: int) -> None:
        with db.begin() as tx:
            timers.claim(tx, at, limit=100, seconds=0)

    def read(n: int) -> None:
        armed = sa.text("SELECT key FROM timers WHERE state='armed' AND due_at <= :at ORDER BY due_at LIMIT 100")
        with db.read() as tx:
            tx.execute(armed, {"at": at}).all()

    jobs = (
        ("inbox of a person, 20 rows", rows_of),
        ("due timers, 100 rows, claimed", due),
        ("due timers, 100 rows, read", read),
    )
    for job, act in jobs:
        with _statements(db) as alone:
            whole = _times(act, 200)
        remark = f"{size:,} cases; p95 {_p95(alone):.2f} ms, of the whole call {_p95(whole):.2f} ms"
        more = {"p95": _p95(alone), "p95 of the call": _p95(whole)}
        yield Row("B2", job, "countersign", median(alone), "ms", remark=remark, more=more)


@contextmanager
def _statements(db: Database) -> Iterator[list[float]]:
    """The milliseconds that each SELECT and UPDATE takes from being sent to its answer, while the block runs."""
    spent: list[float] = []

    def sent(connection: sa.Connection, *_: object) -> None:
        connection.info["sent"] = perf_counter()

    def answered(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(("SELECT key", "SELECT tasks", "WITH due")):
            spent.append((perf_counter() - connection.info["sent"]) * 1000)

    sa.event.listen(db.engine, "before_cursor_execute", sent)
    sa.event.listen(db.engine, "after_cursor_execute", answered)
    yield spent
    sa.event.remove(db.engine, "before_cursor_execute", sent)
    sa.event.remove(db.engine, "after_cursor_execute", answered)


def _pages(app: Countersign, ready: list[Case], size: int) -> Iterator[Row]:
    """The pages of a real person's inbox, their sheets and decisions, through the web application."""
    with TestClient(create_app(app)) as browser:
        page = browser.get("/sign-in").text
        browser.post("/sign-in", data={"csrf": csrf(page), "login": CLERK, "password": PASSWORD, "next": "/inbox"})
        pages = _times(lambda _: browser.get("/inbox").raise_for_status(), 60)
        found = _times(lambda _: browser.get("/inbox?q=M-1").raise_for_status(), 60)
        sheets = _times(lambda n: browser.get(f"/tasks/{ready[n].tasks[0].id}").raise_for_status(), 60)
        token = csrf(browser.get("/inbox").text)

        def decide(n: int) -> None:
            task = ready[n].tasks[0].id
            posted = {
                "csrf": token,
                "decision": "approve",
                "remark": "",
                "key": f"benchmark-key-{n:06}",
                "seen_seq": str(ready[n].seq),
            }
            answer = browser.post(f"/tasks/{task}", data=posted, follow_redirects=False)
            if answer.status_code != 303:
                raise RuntimeError(f"a decision was answered with {answer.status_code}: {answer.text[:300]}")

        decisions = _times(decide, len(ready) - 1)
    for job, spent in (
        ("inbox page", pages),
        ("inbox page, searched", found),
        ("approval sheet page", sheets),
        ("decision, POST", decisions),
    ):
        remark = f"{size:,} cases; p95 {_p95(spent):.1f} ms"
        yield Row("B2", job, "countersign", median(spent), "ms", remark=remark, more={"p95": _p95(spent)})


def _timers(app: Countersign, real: int) -> Iterator[Row]:
    """B6: every reminder of `real` cases is due at once; they fire one batch after the other."""
    with app.db.begin() as tx:
        # long ago, so that the reminders that follow them come later
        tx.execute(sa.text("UPDATE timers SET due_at = :at"), {"at": NOW - timedelta(days=30)})
        armed = tx.execute(sa.text("SELECT count(*) FROM timers WHERE state = 'armed'")).scalar_one()
    with app.db.read() as tx:
        app.process(County().ref, tx)  # a worker that runs has compiled it
    start, fired = perf_counter(), 0
    while batch := fire_timers(app):
        fired += batch
        if fired >= armed:
            break
    spent = perf_counter() - start
    with app.db.read() as tx:
        left = "SELECT count(*) FROM timers WHERE state = 'armed' AND due_at < :at"
        missed = tx.execute(sa.text(left), {"at": NOW}).scalar_one()
        twice = "SELECT count(*) FROM history WHERE kind = 'TimerFired'"
        entries = tx.execute(sa.text(twice)).scalar_one()
    remark = (
        f"{fired:,} fired, {entries:,} history entries, {missed:,} missed; {100_000 * spent / fired:.0f} s per 100,000"
    )
    yield Row("B6", "due timers fired as transitions", "countersign", fired / spent, "per second", remark=remark)


def _times(act: Callable[[int], object], times: int) -> list[float]:
    """Milliseconds of each call."""
    spent = []
    for n in range(times):
        start = perf_counter()
        act(n)
        spent.append((perf_counter() - start) * 1000)
    return spent


def _p95(spent: list[float]) -> float:
    return quantiles(spent, n=20)[-1]


def csrf(page: str) -> str:
    return page.partition('name="csrf" value="')[2].partition('"')[0]

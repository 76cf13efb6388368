"""A house with 100,000 cases of 3,351 offices and 10,000,000 rows of the ledger, made by the databases themselves.

Every case is a copy of one real submitted case under a new key; what only its size matters for (rounds, decisions,
waves, recipients, responses, recommendations, calls, closings) follows from its number by fixed formulas. What they
have beside their ledger (evaluations, days, late answers) is `house_reports`. Cases, courses, responses and
recommendations come into the facts by the house's own refresh; the deliveries are written by DuckDB after the same
formulas as the ledger, as reading ten million rows one by one takes longer than measuring.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import sqlalchemy as sa

from benchmarks import house_reports
from benchmarks.county import HOLDERS, NOW, County
from benchmarks.queues import staffed
from benchmarks.transitions import supply
from engine import clock
from engine.machine.case import Case
from engine.organisation import Grant
from engine.service import facts, sealing
from engine.service.app import Countersign
from engine.store import courses
from engine.store import facts as ledger
from engine.store.session import Database
from engine.values import canonical_json
from engine.warehouse.dataset import DataFile
from engine.warehouse.freeze import FORMAT, LIST, Manifest
from engine.warehouse.star import SHAPES, Mark, Star

AUDITOR = "shen"  # sees every case
MARKETING = "lu"  # sees what is open, and of confidential cases those of the province
CUSTOMERS = 5_000_000
DAYS = 300
KEYS = {
    "pk_recipients": "PRIMARY KEY (wave, row)",
    "uq_recipients_case_id_channel_customer": "UNIQUE (case_id, channel, customer)",
}
BIG = "big"
"""The case of one wave to a million customers."""
STAFF = (*HOLDERS, Grant(AUDITOR, "auditor", "43"))

_CASE = """
INSERT INTO cases (id, definition, version, fingerprint, office, submitter, number, title, state, round, seq, budget,
                   reach, confidential, body, head, created_at, updated_at)
SELECT m.id, definition, version, fingerprint, m.office, 'clerk' || m.n % 20000, 'M-' || m.n, title || ' ' || m.n,
       m.state, 1 + (m.n % 20 = 0)::int, seq, budget, reach, m.n % 10 = 0,
       replace(replace(replace(replace(body, cases.id, m.id), '"430102"', '"' || m.office || '"'),
                       '"state":"approving"', '"state":"' || m.state || '"'),
               '"reach"\\:9000', '"expected":' || 4 + m.n % 24 || ',"reach":' || 90 + m.n % 20),
       head, m.at, m.at + interval '9 days'
FROM cases, made AS m WHERE cases.id = :seed
"""
_HISTORY = """
INSERT INTO history (case_id, seq, at, kind, actor, via, body, previous, hash)
SELECT m.id, h.seq, m.at, h.kind, h.actor, h.via, h.body, h.previous, h.hash
FROM history AS h, made AS m WHERE h.case_id = :seed
"""
_ROUTE = "INSERT INTO case_offices (case_id, office) SELECT id, unnest(ARRAY[office, '43']) FROM made"
_TASKS = """
INSERT INTO tasks (id, case_id, round, step, person, verb, state, opened_at, due_at, decision, decided_by, decided_at,
                   remark)
SELECT m.id || '-' || k, m.id, CASE WHEN m.n % 20 = 0 AND k = 1 THEN 1 ELSE 1 + (m.n % 20 = 0)::int END,
       (ARRAY['county_head', 'city_finance', 'city_network', 'city_vp'])[k], 'approver' || (m.n * 4 + k) % 5000,
       'approve',
       CASE WHEN m.state = 'approving' AND k = 4 THEN 'open' ELSE 'decided' END,
       m.at + k * interval '5 hours', m.at + k * interval '5 hours' + interval '3 days',
       CASE WHEN m.state = 'approving' AND k = 4 THEN NULL WHEN m.n % 20 = 0 AND k = 1 THEN 'return' ELSE 'approve' END,
       CASE WHEN m.state = 'approving' AND k = 4 THEN NULL ELSE 'approver' || (m.n * 4 + k) % 5000 END,
       CASE WHEN m.state = 'approving' AND k = 4 THEN NULL
            ELSE m.at + k * interval '5 hours' + (m.n % 90) * interval '1 hour' END,
       CASE WHEN m.n % 20 = 0 AND k = 1 THEN '预算依据不足 ' || m.n % 30 ELSE '' END
FROM made AS m, generate_series(1, 4) AS k
"""
_CLOSINGS = """
INSERT INTO closings (case_id, closed_at, signed_by, as_of, report, inputs, digest, verdict, worked, failed, repeat,
                      category, channels, words)
SELECT id, at + interval '9 days', 'li', at + interval '8 days', (CAST(:reports AS text[]))[1 + n % :kinds], '[]', 'd',
       (CAST(:verdicts AS text[]))[1 + n % :kinds],
       '短信触达及时 ' || n, '名单偏旧', '换个时段', 'category-' || n % 12, ',sms,', '短信触达及时 名单偏旧 ' || n
FROM made WHERE state = 'closed'
"""
_WAVES = """
INSERT INTO waves (id, case_id, position, name, channel, state, audience, plan, folder, started_at, finished_at,
                   segments)
SELECT id || '-w1', id, 1, 'first', (ARRAY['sms', 'sms', 'email', 'hall'])[1 + n % 4], 'done', :each, :plan, '',
       at + interval '3 days', at + interval '4 days', :each
FROM made
"""
_STATE = (
    """CASE (n * 7 + j) % 20 WHEN 0 THEN 'failed' WHEN 1 THEN 'suppressed' WHEN 2 THEN 'sent' ELSE 'delivered' END"""
)
_RECIPIENTS = f"""
INSERT INTO recipients (wave, row, case_id, customer, channel, cell, state, reason, sent_at, settled_at)
SELECT m.id || '-w1', j, m.id, 'C' || lpad(((m.n * CAST(:each AS bigint) + j) % {CUSTOMERS})::text, 8, '0'),
       (ARRAY['sms', 'sms', 'email', 'hall'])[1 + m.n % 4], 'all', {_STATE}, '',
       CASE WHEN (m.n * 7 + j) % 20 <> 1 THEN m.at + interval '3 days' + j * interval '1 second' END,
       m.at + interval '3 days' + j * interval '1 second'
FROM made AS m, generate_series(0, :each - 1) AS j
"""
_SUMS = """
INSERT INTO wave_sums (wave, delivered, sent, failed, suppressed, revision)
SELECT wave, count(*) FILTER (WHERE state = 'delivered'), count(*) FILTER (WHERE state = 'sent'),
       count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'suppressed'), 1
FROM recipients WHERE case_id LIKE :cases GROUP BY wave
"""
_RESPONSES = """
INSERT INTO responses (case_id, customer, kind, reference, at, value)
SELECT case_id, customer, CASE WHEN row % 3 = 0 THEN 'conversion' ELSE 'response' END, 'r' || row,
       settled_at + interval '2 days', 19.9
FROM recipients WHERE case_id LIKE :cases AND row % :every = 3
"""
_SHOWN = """
INSERT INTO recommendations (wave, row, case_id, customer, shown_by, shown_at, office, answer, reason, answered_by,
                             answered_at)
SELECT wave, row, case_id, customer, 'clerk' || clerk, settled_at, 'D' || clerk % 2977,
       (ARRAY['accept', 'refuse', 'later', ''])[1 + row % 4], '', 'clerk' || clerk, settled_at
FROM (SELECT *, row_number() OVER () % 9000 AS clerk FROM recipients
      WHERE channel = 'hall' AND row % 10 < 8 AND case_id LIKE :cases) AS shown
"""
_CALLED = """
INSERT INTO call_attempts (wave, row, reference, case_id, at, caller, disposition)
SELECT wave, row, 'a' || row, case_id, settled_at, 'caller' || row_number() OVER () % 800,
       (ARRAY['accepted', 'refused', 'no_answer', 'call_back'])[1 + row % 4]
FROM recipients WHERE channel = 'email' AND row % 10 = 4 AND case_id LIKE :cases
"""


@dataclass(frozen=True, slots=True)
class House:
    """The application over it, and its size."""

    app: Countersign
    cases: int
    each: int


def built(url: str, home: Path, *, cases: int, each: int) -> House:
    """A house of so many cases, each with `each` recipients; its facts are those of its ledger."""
    app = staffed(url, home, STAFF)
    seed = supply(app.db, County(), 1)()[0].case
    _fill(app.db, seed, cases, each)
    with app.db.begin() as tx:
        while courses.tell(tx, 20_000):
            pass
    _deliveries(app, cases, each)
    facts.refresh(app)
    return House(app, cases, each)


def _fill(db: Database, seed: Case, cases: int, each: int) -> None:
    """Everything that the case database holds of them."""
    with db.begin() as tx:
        tx.execute(sa.text("SET LOCAL synchronous_commit = off"))
        today = clock.now().replace(hour=3, minute=0, second=0, microsecond=0)
        first = today - timedelta(days=DAYS + 10)
        tx.execute(
            sa.text(f"""CREATE TABLE made AS SELECT n, 'm' || lpad(n::text, 8, '0') AS id, 'D' || n % 2977 AS office,
              CASE WHEN n % 50 = 0 THEN 'approving' WHEN n % 2 = 1 THEN 'closed' ELSE 'evaluating' END AS state,
              CAST(:first AS timestamptz) + (n % {DAYS}) * interval '1 day' AS at
            FROM generate_series(1, :cases) AS n"""),
            {"first": first, "cases": cases},
        )
        values = {"seed": seed.id, "each": each, "plan": _plan(), "cases": "m%", "every": 50}
        values |= house_reports.reports().values
        for statement in (_CASE, _HISTORY, _ROUTE, _TASKS, _CLOSINGS, _WAVES, *house_reports.OF_CASES):
            tx.execute(sa.text(statement), values)
        for key in KEYS:  # made anew afterwards: that takes a tenth of keeping them with each row
            tx.execute(sa.text(f"ALTER TABLE recipients DROP CONSTRAINT {key}"))
        tx.execute(sa.text(_RECIPIENTS), values)
        for key, columns in KEYS.items():
            tx.execute(sa.text(f"ALTER TABLE recipients ADD CONSTRAINT {key} {columns}"))
        for statement in (_SUMS, _RESPONSES, house_reports.ANSWERED, _SHOWN, _CALLED):
            tx.execute(sa.text(statement), values)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
        connection.execute(sa.text("CHECKPOINT"))


def _plan() -> str:
    return '{"name":"first","share":"rest","channel":["sms"]}'


def _deliveries(app: Countersign, cases: int, each: int) -> None:
    """The facts of the ledger's rows, a day at a time, with the marks of their waves."""
    star, zone = Star(app.settings.data), app.settings.zone
    star.folder.mkdir(parents=True, exist_ok=True)
    secret = sealing.key_for(app.settings, facts.PURPOSE).hex()
    with app.db.read() as tx:
        begun = {row.id: row for row in ledger.waves_of(tx, sorted(ledger.wave_marks(tx)))}
        marks = ledger.wave_marks(tx)
    days: dict[str, list[int]] = {}
    of_wave = {}
    first: dict[str, datetime] = {}
    for wave, row in begun.items():
        assert row.started_at is not None
        day = f"{row.started_at.astimezone(zone):%Y-%m-%d}"
        days.setdefault(day, []).append(int(row.case_id[1:]))
        of_wave[wave] = Mark(marks[wave], (day,))
        first[day] = row.started_at
    made = {
        "case_id": "id",
        "wave": "id || '-w1'",
        "channel": "['sms', 'sms', 'email', 'hall'][1 + n % 4]",
        "variant": "''",
        "cell": "'all'",
        "arm": "'target'",
        "state": _STATE,
        "reason": "''",
        "contacted": "(n * 7 + j) % 20 <> 1",
        "contacted_at": "CASE WHEN (n * 7 + j) % 20 <> 1 THEN make_timestamp($at + j * 1000000) END",
        "sent_on": "CASE WHEN (n * 7 + j) % 20 <> 1 THEN CAST($day AS DATE) END",
        "cost": "CASE WHEN (n * 7 + j) % 20 <> 1 AND n % 4 < 2 THEN 0.04 ELSE 0 END",
        "customer": f"md5_number_lower('{secret}C' || lpad(((n * {each} + j) % {CUSTOMERS})::VARCHAR, 8, '0'))",
    }
    columns = ", ".join(f'({made[name]})::{kind} AS "{name}"' for name, kind in SHAPES["fact_delivery"].items())
    with star.opened() as db:
        before = star.current()
        files: list[DataFile] = []
        db.execute("CREATE TABLE old_parts (part VARCHAR)")
        for day, numbers in sorted(days.items()):
            _some(db, numbers)
            db.execute(
                f"""CREATE OR REPLACE TABLE fresh AS SELECT {columns}, $day AS part
                FROM (SELECT n, printf('m%08d', n) AS id FROM numbers), range({each}) AS u(j)""",
                {"day": day, "at": int(first[day].timestamp() * 1_000_000)},
            )
            table, _ = star.rewritten(db, before, "fact_delivery", key="wave", gone=[], part="part")
            files += table.files
        kept = type(table)(table.columns, tuple(files))
        sums = star.summed(db, before, kept)
    named = star.keep_marks({"wave": of_wave})
    star.publish(lambda there: there | {"fact_delivery": kept, "sum_delivery": sums, "marks": named})


def _some(db: duckdb.DuckDBPyConnection, numbers: list[int]) -> None:
    db.execute("CREATE OR REPLACE TABLE numbers AS SELECT unnest($some)::BIGINT AS n", {"some": numbers})


def add_big(house: House, rows: int) -> Case:
    """A closed case with one wave of so many rows of the ledger more, its frozen list of a tenth more for control, and
    one customer of fifty who answered. The facts do not have it yet."""
    app = house.app
    at = clock.now() - timedelta(days=6)
    folder = Path("snapshots") / BIG
    (app.settings.data / folder).mkdir(parents=True)
    with duckdb.connect(config={"memory_limit": "600MB"}) as db:
        db.execute(
            f"""COPY (SELECT 'C' || lpad(i::VARCHAR, 8, '0') AS customer, 'all' AS cell,
              CASE WHEN i < {rows} THEN 'target' ELSE 'control' END AS arm FROM range({rows + rows // 10}) AS t(i))
            TO '{app.settings.data / folder / LIST}' (FORMAT parquet)"""
        )
    values = {
        "at": at,
        "rows": rows,
        "folder": str(folder),
        "manifest": canonical_json(_manifest(rows)).decode(),
        "plan": _plan(),
        "cases": f"{BIG}%",
        "every": 50,
        "control": rows // 10,
    }
    with app.db.begin() as tx:
        tx.execute(sa.text("SET LOCAL synchronous_commit = off"))
        for statement in (*_BIG, _SUMS, _RESPONSES):
            tx.execute(sa.text(statement), values)
        body: str = tx.execute(sa.text("SELECT body FROM cases WHERE id = :id"), {"id": BIG}).scalar_one()
    with app.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE recipients, waves, wave_sums, responses"))
    return msgspec.json.decode(body, type=Case)


_BIG = (
    f"""INSERT INTO cases (id, definition, version, fingerprint, office, submitter, number, title, state, round, seq,
      confidential, body, head, created_at, updated_at)
    SELECT '{BIG}', definition, version, fingerprint, office, submitter, 'M-{BIG}', title, state, round, seq, false,
      replace(body, id, '{BIG}'), head, CAST(:at AS timestamptz), CAST(:at AS timestamptz)
    FROM cases WHERE id = 'm00000001'""",
    f"""INSERT INTO snapshots (id, case_id, digest, folder, manifest, target, control, frozen_at)
    VALUES ('{BIG}-1', '{BIG}', 'd', :folder, :manifest, :rows, :control, CAST(:at AS timestamptz))""",
    f"""INSERT INTO waves (id, case_id, position, name, channel, state, audience, plan, folder, started_at, finished_at,
      segments)
    VALUES ('{BIG}-w1', '{BIG}', 1, 'first', 'sms', 'done', :rows, :plan, '', CAST(:at AS timestamptz),
      CAST(:at AS timestamptz) + interval '1 day', :rows)""",
    f"""INSERT INTO recipients (wave, row, case_id, customer, channel, cell, state, reason, sent_at, settled_at)
    SELECT '{BIG}-w1', j, '{BIG}', 'C' || lpad(j::text, 8, '0'), 'sms', 'all',
      {_STATE.replace("n * 7", "0")}, '', CAST(:at AS timestamptz) + j * interval '10 milliseconds',
      CAST(:at AS timestamptz) + j * interval '10 milliseconds'
    FROM generate_series(0, :rows - 1) AS j""",
)


def _manifest(rows: int) -> Manifest:
    control = rows // 10
    return Manifest(
        format=FORMAT,
        digest="d",
        file_sha256="d",
        rows=rows + control,
        target=rows,
        control=control,
        as_of=NOW.isoformat(),
        salt="s",
        threshold="",
        universe=CUSTOMERS,
        rungs=(),
        cells={"all": (rows, control)},
        waterfall=(),
        cube=(),
        sql="",
        inputs=(),
        versions={},
    )

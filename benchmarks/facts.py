"""B10: figures over the facts of 10,000,000 deliveries of 100,000 cases, beside plain DuckDB SQL for the same.

The plain one has the view open already and asks nothing but its own SQL; ours opens the facts, knows which cases the
viewer may see, and answers with labels. Refreshing is measured over the rows that a wave of a million makes.
"""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter
from zoneinfo import ZoneInfo

from benchmarks import Row
from engine.definition.catalogue import figures
from engine.evaluation.statements import Asked, statement
from engine.warehouse.asking import Facts
from engine.warehouse.filling import Charge, Filler, Keeping, Placing
from engine.warehouse.star import SHAPES, Star

TIMES = 12
PLAIN = """SELECT c.office, strftime(f.sent_on, '%Y-%m'), count(*) FILTER (f.contacted), count(*),
  count(*) FILTER (f.contacted AND f.state = 'delivered'), sum(f.cost) FILTER (f.contacted)
FROM fact_delivery AS f JOIN fact_case AS c ON c.case_id = f.case_id GROUP BY 1, 2 ORDER BY 1, 2"""
ASKED = Asked(metrics=("sent", "delivery_rate", "delivery_cost"), by=("office", "month"))


def run(*, quick: bool) -> list[Row]:
    """10,000,000 deliveries of 100,000 cases in 300 days (quick: 200,000 of 2,000)."""
    deliveries, cases = (200_000, 2_000) if quick else (10_000_000, 100_000)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        data = Path(scratch)
        _fill(Star(data), deliveries, cases)
        ids = [f"case-{n:08}" for n in range(cases)]
        star = Star(data)
        with star.opened() as db:
            for name in ("fact_delivery", "fact_case"):
                star.view(db, star.current(), name)
            plain = _times(lambda: db.execute(PLAIN).fetchall())
            expected = db.execute("SELECT count(*) FILTER (contacted) FROM fact_delivery").fetchall()[0][0]

        def ours() -> None:
            with Facts(data, ids) as facts:
                rows = facts.ask(statement(figures(), ASKED)).rows
            assert sum(row[2] for row in rows) == expected

        own = _times(ours)
        refreshed = _refresh(data, 20_000 if quick else 1_000_000)
    size = f"{deliveries:,} deliveries of {cases:,} cases"
    ratio = median(own) / median(plain)
    return [
        Row("B10", f"three metrics by office and month, {size}", "plain DuckDB SQL", median(plain), "s"),
        Row("B10", "the same", "countersign", median(own), "s", ratio, f"p95 {_p95(own):.3f} s"),
        Row("B10", "refresh with 1,000,000 new rows of one wave", "countersign", refreshed, "s"),
    ]


def _refresh(data: Path, count: int) -> float:
    """Seconds from rows as the driver gives them to a published version."""
    star = Star(data)
    placed = [Placing("new-w1", "case-00000001", "sms", "", "2026-11-30", False)]

    at = int(datetime(2026, 11, 30, 3, tzinfo=UTC).timestamp() * 1_000_000)
    rows = [("new-w1", n, f"C{n:08}", "all", "delivered", "", at, at + n, 1) for n in range(count)]
    start = perf_counter()
    with star.opened() as db:
        filler = Filler(star, db, star.current(), Keeping("secret", ZoneInfo("Asia/Shanghai")))
        filled = filler.deliveries(
            placed, [rows], {}, lambda left: [Charge(one.wave, one.day, Decimal("0.04"), False) for one in left]
        )
        sums = star.summed(db, star.current(), filled.table)
        star.publish(lambda tables: tables | {"fact_delivery": filled.table, "sum_delivery": sums})
    assert filled.rows == count
    return perf_counter() - start


def _fill(star: Star, deliveries: int, cases: int) -> None:
    """Facts of cases of 200 offices, each sent on one of 300 days."""
    star.folder.mkdir(parents=True, exist_ok=True)
    made = {
        "case_id": "printf('case-%08d', i)", "office": "printf('4401%02d', i % 200)", "definition": "'sms'",
        "version": "1", "state": "'closed'", "created_on": "DATE '2026-01-01' + (i % 300)::INT",
    }  # fmt: skip
    sent = {
        "case_id": "printf('case-%08d', i)", "wave": "printf('case-%08d-w1', i)", "channel": "'sms'", "cell": "'all'",
        "arm": "'target'", "state": "CASE WHEN hash(j) % 20 > 0 THEN 'delivered' ELSE 'failed' END",
        "contacted": "hash(j + 1) % 50 > 0", "sent_on": "DATE '2026-01-01' + (i % 300)::INT", "cost": "0.04",
        "customer": "hash(j + 2)", "contacted_at": "TIMESTAMP '2026-01-01 03:00:00'",
    }  # fmt: skip
    with star.opened() as db:
        before, each = star.current(), deliveries // cases
        db.execute("CREATE TABLE old_parts (part VARCHAR)")
        tables = {}
        db.execute(f"CREATE TABLE fresh AS SELECT {_columns('fact_case', made)}, '' AS part FROM range({cases}) t(i)")
        tables["fact_case"] = star.rewritten(db, before, "fact_case", key="case_id", gone=[], part="part")[0]
        files = []
        for first in range(300):
            db.execute(f"""CREATE OR REPLACE TABLE fresh AS
                SELECT {_columns("fact_delivery", sent)}, '{first:03}' AS part
                FROM range({first}, {cases}, 300) t(i), range({each}) u(j)""")
            table, _ = star.rewritten(db, before, "fact_delivery", key="wave", gone=[], part="part")
            files += table.files
        tables["fact_delivery"] = type(table)(table.columns, tuple(files))
        tables["sum_delivery"] = star.summed(db, before, tables["fact_delivery"])
    star.publish(lambda there: there | tables)


def _columns(name: str, made: dict[str, str]) -> str:
    return ", ".join(f'({made.get(column, "NULL")})::{kind} AS "{column}"' for column, kind in SHAPES[name].items())


def _times(act: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(TIMES):
        start = perf_counter()
        act()
        found.append(perf_counter() - start)
    return sorted(found)


def _p95(times: list[float]) -> float:
    return times[int(len(times) * 0.95)]

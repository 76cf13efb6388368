"""A rehearsal in a process of its own: a Rehearsal on stdin, its figures on stdout.

Locked down like the selection. The usage is read once, into one row of whole numbers per customer without their id;
every figure is summed up from that. Refuses to tell anything of one customer.
"""

import contextlib
import resource
import sys
from typing import Any

import duckdb
import msgspec

from engine.offers.figures import Group, MonthSum, Rehearsed, Side, band_sql
from engine.warehouse.child import alone, peak_rss_kb
from engine.warehouse.job import Found, Rehearsal, Summed
from engine.warehouse.lockdown import answered, end_with_parent, limit_itself, locked_down

RANKS = "[0.05, 0.5, 0.95]"
"""As decimals, so that the rank is exact: the smallest change that at least this share does not exceed."""


def main() -> int:
    """Work out the rehearsal on stdin."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Rehearsal)
    end_with_parent(job.parent)
    limit_itself(job)
    answer: Summed = answered(lambda: Found(summed(job)))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def summed(job: Rehearsal) -> Rehearsed:
    """All figures."""
    with contextlib.closing(locked_down(job)) as db:
        db.execute(alone(db, f"CREATE TEMP TABLE rehearsed AS {job.sql}"))
        bands = _bands(db)
        groups = [_group(row, bands) for row in db.execute(_groups(len(job.months))).fetchall()]
        months = tuple(_month(db, k, month) for k, month in enumerate(job.months))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Rehearsed(
        all=next((one for one in groups if not one.cell), _nobody()),
        cells=tuple(one for one in groups if one.cell),
        months=months,
        engine=f"duckdb {duckdb.__version__}",
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_rss_kb=peak_rss_kb(),
    )


def _groups(months: int) -> str:
    sides = ", ".join(
        f"count(*) {where}, coalesce(sum(now) {where}, 0)::BIGINT, coalesce(sum(change) {where}, 0)::BIGINT,"
        f" quantile_disc(change, {RANKS}) {where}"
        for where in (
            "FILTER (WHERE change < 0)",
            "FILTER (WHERE change > 0)",
            "FILTER (WHERE months > 0)",
        )
    )
    return (
        "SELECT CASE WHEN grouping(cell) = 1 THEN '' ELSE cell END AS cell,"
        " count(*), count(*) FILTER (WHERE months > 0),"
        f" count(*) FILTER (WHERE months BETWEEN 1 AND {months - 1}), {sides},"
        " count(*) FILTER (WHERE change = 0)"
        " FROM rehearsed GROUP BY GROUPING SETS ((cell), ())"
        " HAVING grouping(cell) = 1 OR cell <> '' ORDER BY 1"
    )


def _bands(db: duckdb.DuckDBPyConnection) -> dict[str, dict[int, int]]:
    rows = db.execute(
        f"SELECT cell, {band_sql('change')} AS band, count(*) FROM rehearsed WHERE months > 0"
        " GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()
    found: dict[str, dict[int, int]] = {"": {}}
    for cell, band, count in rows:
        found[""][band] = found[""].get(band, 0) + count
        if cell:
            found.setdefault(cell, {})[band] = count
    return found


def _group(row: tuple[Any, ...], bands: dict[str, dict[int, int]]) -> Group:
    cell, customers, known, partial, *rest = row
    winners, losers = _side(rest[0:4]), _side(rest[4:8])
    everybody = _side(rest[8:12])
    return Group(
        cell=cell,
        customers=customers,
        known=known,
        partial=partial,
        winners=winners,
        losers=losers,
        unchanged=rest[12],
        now=everybody.now,
        change=everybody.change,
        p5=everybody.p5,
        p50=everybody.p50,
        p95=everybody.p95,
        bands=bands.get(cell, {}),
    )


def _side(four: list[Any]) -> Side:
    customers, now, change, ranks = four
    p5, p50, p95 = ranks or (0, 0, 0)
    return Side(customers, now, change, p5, p50, p95)


def _month(db: duckdb.DuckDBPyConnection, k: int, month: str) -> MonthSum:
    row = db.execute(
        f"SELECT count(d{k}), coalesce(sum(b{k}), 0)::BIGINT, coalesce(sum(d{k}), 0)::BIGINT,"
        f" count(d{k}) FILTER (WHERE change < 0), coalesce(sum(b{k}) FILTER (WHERE change < 0), 0)::BIGINT,"
        f" coalesce(sum(d{k}) FILTER (WHERE change < 0), 0)::BIGINT FROM rehearsed"
    ).fetchone()
    assert row is not None
    return MonthSum(month, *row)


def _nobody() -> Group:
    return Group(cell="", customers=0, known=0, partial=0, winners=Side(), losers=Side(), unchanged=0, now=0, change=0)


if __name__ == "__main__":
    raise SystemExit(main())

"""What the child says of a selection besides its list and counts: thresholds of cells, balance, a masked sample.

Each is one more query over the rows that were selected. Balance and sample read customers again, at most those of
MEASURED_ROWS rows. Refuses to let a whole personal number out of the child.
"""

from collections.abc import Mapping
from math import sqrt
from typing import Any, Protocol

from engine.masking import is_sealed, masked, masked_name
from engine.warehouse.job import Balance, Failure, Job, Member

SAMPLED = 10
MEASURED_ROWS = 200_000
DRAWS = 16**4
NAME = "name"
EVERYBODY = "g"  # as in audience.grouping, which would bring SQLGlot into the child


class Queryable(Protocol):
    """Where the rows that were selected are, in a table `selected` beside `customers`."""

    def execute(self, query: str, parameters: Any = ..., /) -> Any:
        """Run SQL with ? for values; fetchone and fetchall of what this gives are its rows."""
        ...


def arm(threshold: str, thresholds: dict[str, str]) -> str:
    """The arm of a selected row, as SQL."""
    whens = "".join(f" WHEN {_text(cell)} THEN {_text(own)}" for cell, own in sorted(thresholds.items()))
    limit = f"CASE coalesce(cell, ''){whens} ELSE {_text(threshold)} END" if whens else _text(threshold)
    return f"CASE WHEN draw < {limit} THEN 'control' ELSE 'target' END"


def thresholds(db: Queryable, job: Job, threshold: str) -> dict[str, str] | Failure:
    """Cell -> a threshold of its own, where the common one leaves its control group under the minimum per cell."""
    wanted = job.control_min_per_cell
    if not wanted:
        return {}
    short = db.execute(
        "SELECT coalesce(cell, '') AS name, count(*) FROM selected WHERE bits = 0"
        " GROUP BY name HAVING count(*) FILTER (WHERE draw < ?) < ? ORDER BY name",
        [threshold, wanted],
    ).fetchall()
    for cell, left in short:
        if left < wanted:
            return Failure("control", f"the control group of cell {cell} needs {wanted} customers, {left} are left")
    found = {}
    for cell, _ in short:
        last = db.execute(
            "SELECT draw FROM selected WHERE bits = 0 AND coalesce(cell, '') = ? ORDER BY draw LIMIT 1 OFFSET ?",
            [cell, wanted - 1],
        ).fetchone()
        assert last is not None
        found[cell] = behind(last[0])
    return found


def behind(draw: str) -> str:
    """The smallest threshold that the draw is below."""
    following = int(draw, 16) + 1
    return f"{following:08x}" if following < 2**32 else EVERYBODY


def balance(
    db: Queryable, job: Job, arm_sql: str, rows: int, numbers: Mapping[str, str] | None = None
) -> tuple[int, tuple[Balance, ...]]:
    """Of how many customers, and the standardised mean difference of each field: (mean of the target - mean of the
    control) / sqrt((variance of the target + variance of the control) / 2) (Austin 2009, Statistics in Medicine 28).

    More customers than MEASURED_ROWS are represented by a part that a stable hash chooses. `numbers` says how a field
    of the customer `m` becomes a number, where that is no DuckDB.
    """
    if not job.measured or not rows:
        return 0, ()
    share = min(DRAWS, DRAWS * MEASURED_ROWS // rows)
    part = "" if share == DRAWS else f" AND {_other_draw(job)} < '{share:04x}'"
    each = ", ".join(
        f"avg({name}), var_samp({name})"
        for name in ((numbers or {}).get(field) or f"m.{_name(field)}::DOUBLE" for field in job.measured)
    )
    found = {
        of_arm: (count, sums)
        for of_arm, count, *sums in db.execute(
            f"SELECT s.arm, count(*), {each} FROM customers AS m JOIN (SELECT customer, {arm_sql} AS arm FROM selected"
            f" WHERE bits = 0{part}) AS s ON m.customer = s.customer GROUP BY s.arm"
        ).fetchall()
    }
    if found.keys() != {"target", "control"}:
        return 0, ()
    (target, of_target), (control, of_control) = found["target"], found["control"]
    pairs = zip(job.measured, of_target[::2], of_target[1::2], of_control[::2], of_control[1::2], strict=True)
    return target + control, tuple(
        Balance(field, t_mean, c_mean, _standardised(t_mean, t_var, c_mean, c_var))
        for field, t_mean, t_var, c_mean, c_var in pairs
    )


def sample(db: Queryable, job: Job, arm_sql: str) -> tuple[Member, ...]:
    """Ten members of the list, the same for the same list, with the fields of `job.shown`; all masked, but for sealed
    addresses, which this process cannot open."""
    shown = "".join(f", m.{_name(field)}::VARCHAR" for field in job.shown)
    rows = db.execute(
        f"SELECT s.customer, s.cell, s.arm{shown} FROM (SELECT customer, coalesce(cell, '') AS cell, {arm_sql} AS arm"
        f" FROM selected WHERE bits = 0 ORDER BY {_other_draw(job)}, customer LIMIT {SAMPLED}) AS s"
        " JOIN customers AS m ON m.customer = s.customer ORDER BY s.customer"
    ).fetchall()
    return tuple(
        Member(masked(customer), cell, of_arm, _masked(dict(zip(job.shown, values, strict=True))))
        for customer, cell, of_arm, *values in rows
    )


def _masked(values: dict[str, str | None]) -> dict[str, str]:
    return {
        field: value if is_sealed(value) else masked_name(value) if field == NAME else masked(value)
        for field, value in values.items()
        if value is not None
    }


def _other_draw(job: Job) -> str:
    """Chance that has nothing to do with the arm: the digits of the draw that decide about one in 65,536."""
    return "substr(draw, 5)" if job.is_drawn else "substr(md5(customer), 1, 4)"


def _standardised(
    target: float | None, target_var: float | None, control: float | None, control_var: float | None
) -> float | None:
    if target is None or control is None or target_var is None or control_var is None:
        return None
    spread = sqrt((target_var + control_var) / 2)
    if not spread:
        return 0.0 if target == control else None
    return (target - control) / spread


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

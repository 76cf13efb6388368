"""What the child says of a selection besides its list and counts: thresholds of cells, balance, a masked sample.

Each is one more query over the rows that were selected. Balance and sample read customers again, at most those of
MEASURED_ROWS rows. Refuses to let a whole personal number out of the child.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isclose, sqrt
from typing import Any, NamedTuple, Protocol

from engine.audience.waterfall import Slot
from engine.masking import is_sealed, masked, masked_name
from engine.warehouse.job import Balance, CellBalance, Failure, Job, Member

SAMPLED = 10
MEASURED_ROWS = 200_000
MEASURED_IN_CELL = 10_000
DRAWS = 16**4
ROUNDED = 1e-12
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
    db: Queryable, job: Job, arm_sql: str, slots: Iterable[Slot], numbers: Mapping[str, str] | None = None
) -> tuple[int, tuple[Balance, ...], dict[str, CellBalance]]:
    """Of how many customers, the standardised mean difference of each field: (mean of the target - mean of the control)
    / sqrt((variance of the target + variance of the control) / 2) (Austin 2009, Statistics in Medicine 28); and the
    same of each cell, where there are several, from the same read.

    More customers than MEASURED_ROWS are represented by a part that a stable hash chooses; of a cell that has few in it
    more are read, which do not count for the whole. `slots` are all of the selection. `numbers` says how a field of the
    customer `m` becomes a number, where that is no DuckDB.
    """
    sizes = _sizes(slots)
    if not job.measured or not sizes:
        return 0, (), {}
    each = ", ".join(
        f"count({name}), avg({name}), var_samp({name})"
        for name in ((numbers or {}).get(field) or f"m.{_name(field)}::DOUBLE" for field in job.measured)
    )
    of_all, part = _parts(job, sizes)
    groups = [
        _Group(cell, arm, bool(counts), count, _sums(each_sum))
        for cell, arm, counts, count, *each_sum in db.execute(
            f"SELECT s.cell, s.arm, s.counts, count(*), {each} FROM customers AS m JOIN (SELECT customer,"
            f" coalesce(cell, '') AS cell, {arm_sql} AS arm, {of_all} AS counts FROM selected WHERE bits = 0{part})"
            " AS s ON m.customer = s.customer GROUP BY s.cell, s.arm, s.counts"
        ).fetchall()
    ]
    whole = _compared(job.measured, [group for group in groups if group.counts])
    if not whole.fields:
        return 0, (), {}
    cells = {cell: _compared(job.measured, [one for one in groups if one.cell == cell]) for cell in sorted(sizes)}
    return whole.target + whole.control, whole.fields, cells if len(cells) > 1 else {}


class _Sums(NamedTuple):
    """Of the values of one field: how many, their mean, and the sum of their squared distances from it."""

    values: int
    mean: float
    squares: float


class _Group(NamedTuple):
    """Customers who were read, of one cell and arm. `counts`: for the whole list as well."""

    cell: str
    arm: str
    counts: bool
    customers: int
    sums: list[_Sums]


def _sizes(slots: Iterable[Slot]) -> dict[str, int]:
    """Cell -> its customers who are left."""
    sizes: dict[str, int] = {}
    for slot in slots:
        if slot.arm:
            sizes[slot.cell] = sizes.get(slot.cell, 0) + slot.count
    return sizes


def _parts(job: Job, sizes: Mapping[str, int]) -> tuple[str, str]:
    """Who counts for the whole list, and who is read at all, as SQL."""
    of_all = _share(sum(sizes.values()), MEASURED_ROWS)
    if of_all == DRAWS:
        return "TRUE", ""
    most = min(MEASURED_IN_CELL, MEASURED_ROWS // len(sizes))
    own = {cell: share for cell, size in sorted(sizes.items()) if (share := _share(size, most)) > of_all}
    draw = _other_draw(job)
    whens = "".join(f" WHEN {_text(cell)} THEN '{_below(share)}'" for cell, share in own.items())
    limit = f"CASE coalesce(cell, ''){whens} ELSE '{_below(of_all)}' END" if whens else f"'{_below(of_all)}'"
    return f"{draw} < '{_below(of_all)}'", f" AND {draw} < {limit}"


def _share(size: int, most: int) -> int:
    return min(DRAWS, DRAWS * most // size)


def _below(share: int) -> str:
    return f"{share:04x}" if share < DRAWS else EVERYBODY


def _sums(told: Sequence[Any]) -> list[_Sums]:
    return [
        _Sums(count, mean or 0.0, (variance or 0.0) * (count - 1))
        for count, mean, variance in zip(told[::3], told[1::3], told[2::3], strict=True)
    ]


def _compared(fields: Sequence[str], groups: Sequence[_Group]) -> CellBalance:
    """No field where an arm has nobody."""
    arms = {arm: [one for one in groups if one.arm == arm] for arm in ("target", "control")}
    target, control = (sum(one.customers for one in arms[arm]) for arm in ("target", "control"))
    if not target or not control:
        return CellBalance(target, control, ())
    told = []
    for n, field in enumerate(fields):
        of_target, of_control = (_together([one.sums[n] for one in arms[arm]]) for arm in ("target", "control"))
        target_mean, control_mean = (one.mean if one.values else None for one in (of_target, of_control))
        told.append(Balance(field, target_mean, control_mean, _standardised(of_target, of_control)))
    return CellBalance(target, control, tuple(told))


def _together(parts: Sequence[_Sums]) -> _Sums:
    """Of all values (Chan, Golub and LeVeque 1979). Distances from a mean, so that equal values stay equal."""
    some = [one for one in parts if one.values]
    if not some:
        return _Sums(0, 0.0, 0.0)
    count = sum(one.values for one in some)
    mean = some[0].mean + sum(one.values * (one.mean - some[0].mean) for one in some) / count
    return _Sums(count, mean, sum(one.squares + one.values * (one.mean - mean) ** 2 for one in some))


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


def _standardised(target: _Sums, control: _Sums) -> float | None:
    if target.values < 2 or control.values < 2:
        return None
    spread = sqrt((target.squares / (target.values - 1) + control.squares / (control.values - 1)) / 2)
    if spread <= ROUNDED * max(abs(target.mean), abs(control.mean)):  # one value, but for how engines round a mean
        return 0.0 if isclose(target.mean, control.mean, rel_tol=ROUNDED) else None
    return (target.mean - control.mean) / spread


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

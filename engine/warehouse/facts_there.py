"""What a place has of one customer, found by the whole id or a whole address: see `customers.facts`."""

from collections.abc import Mapping, Sequence

from engine.audience.later import LATER
from engine.warehouse.customers import MOST, NEWEST, Facts, Nobody, beside, is_address
from engine.warehouse.elsewhere import CUSTOMERS, Run
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Limits
from engine.warehouse.why_child import said

Row = dict[str, str]


def facts_there(base: CustomerBase, wanted: str, limits: Limits) -> Facts | Nobody:
    """The customer at the place, with what this house has of them."""
    assert base.place is not None
    tables = {
        name: base.version.columns[name]
        for name in (CUSTOMERS, *NEWEST)
        if name in base.version.tables and not base.version.tables[name].files
    }
    with base.place.running(limits) as run:
        run.read(CUSTOMERS)
        found = _found(run, base, tables[CUSTOMERS], wanted)
        if isinstance(found, Nobody):
            return found
        customer = found["customer"]
        there = {name: _newest(run, name, columns, customer) for name, columns in tables.items() if name != CUSTOMERS}
    here = beside(base.dataset, base.own, customer)
    rows = {
        name: _together(name, there.get(name, []), here.rows.get(name, ()))
        for name in NEWEST
        if name in there or name in here.rows
    }
    return Facts(customer, found, here.lists, rows)


def _found(run: Run, base: CustomerBase, columns: Mapping[str, str], wanted: str) -> Row | Nobody:
    rows = _asked(run, CUSTOMERS, columns, "customer = ?", [wanted])
    if rows:
        return rows[0]
    names = [name for name, kind in columns.items() if is_address(name, kind)]
    forms = base.dataset.vault.forms(wanted) if names else ()
    marks = ", ".join("?" * len(forms))
    same = " OR ".join(f"CAST({_name(name)} AS VARCHAR) IN ({marks})" for name in names)
    several = _asked(run, CUSTOMERS, columns, same, [*forms] * len(names)) if names else []
    return several[0] if len(several) == 1 else Nobody(several=len(several) > 1)


def _newest(run: Run, table: str, columns: Mapping[str, str], customer: str) -> list[Row]:
    run.read(table)
    newest = NEWEST[table]
    order = f"ORDER BY {_name(newest)} DESC " if newest in columns else ""
    rows = _asked(run, table, columns, "customer = ?", [customer], rest=f"{order}LIMIT {MOST}")
    return [{name: value for name, value in row.items() if name != "customer"} for row in rows]


def _asked(
    run: Run, table: str, columns: Mapping[str, str], where: str, values: Sequence[str], *, rest: str = "LIMIT 2"
) -> list[Row]:
    listed = ", ".join(map(_name, columns))
    rows = run.execute(f"SELECT {listed} FROM {_name(table)} WHERE {where} {rest}", list(values)).fetchall()
    return [
        {name: said(value) for name, value in zip(columns, row, strict=True) if value not in (None, "")} for row in rows
    ]


def _together(table: str, there: Sequence[Row], here: Sequence[Row]) -> tuple[Row, ...]:
    """The newest of both, one that both have once, though one of them may not have columns of a later release."""
    known = [_plain(table, row) for row in there]
    both = [*there, *(row for row in here if _plain(table, row) not in known)]
    return tuple(sorted(both, key=lambda row: row.get(NEWEST[table], ""), reverse=True)[:MOST])


def _plain(table: str, row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in LATER.get(table, ())}


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

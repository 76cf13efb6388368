"""Takes files into the dataset: what a file would give (`check`), its files written (`stage`), published (`publish`).

Several files are published as one version, or none of them. The same file again publishes nothing. Refuses a file of
which no row is good.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from engine.audience.later import LATER, rows_in
from engine.definition.catalogue import CustomerField
from engine.errors import InvalidFile, Problem
from engine.values import NO_TEXT
from engine.warehouse import erased
from engine.warehouse.addresses import ADDRESS
from engine.warehouse.blanks import Blanks
from engine.warehouse.dataset import Column, DataFile, Dataset, Published, Table, Taken, Told, added
from engine.warehouse.erased import IsErased
from engine.warehouse.kinds import KINDS
from engine.warehouse.lists import MEMORY, Imported, Keep, Reading, import_rows, no_column
from engine.warehouse.months import write_months
from engine.warehouse.rows import Records
from engine.warehouse.sealed import write_sealed
from engine.warehouse.shapes import Shape

NEVER_EMPTY = ("customers", "offers")
"""A file without a row is a mistake of whoever made it; taken in, it would leave nobody to select."""
ARROW = {"text": pa.string(), "int": pa.int64(), "timestamp": pa.timestamp("us"), "date": pa.date32()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file is to become. `name` is the list's, for the kind list; `columns` maps headings to fields; `blanks`
    say what stands for no value in it."""

    kind: str
    key: str
    name: str = ""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    catalogue: str = "customers"
    blanks: Blanks = field(default_factory=dict)

    @property
    def table(self) -> str:
        """The table of the dataset."""
        return f"list_{self.name}" if self.kind == "list" else self.kind

    def reading(self, there: Table | None = None, is_erased: IsErased | None = None) -> Reading:
        """How its rows are read. A column that is called as the catalogue labels a field is that field; else it is the
        field that a column of that heading is in the table `there`, wherever it stood in that file."""
        kind = KINDS[self.kind]
        known = kind.fields(self.catalogue)
        read = {**KINDS["customers"].fields(self.catalogue).addresses, **known.fields}
        columns = reversed(there.columns if there else ())  # the first of two with one heading counts
        kept = {each.heading: each.name for each in columns if each.heading and each.name != kind.key_field}
        return Reading(
            self.key,
            kind.key_field,
            unique=kind.unique,
            types={name: one.type for name, one in read.items()},
            columns=self.columns,
            labels={**kept, **{label: name for name, one in read.items() for label in _labels(one) if label}},
            with_key=kind.with_key,
            needed=kind.needed,
            allowed={name: one.values for name, one in known.fields.items() if one.values},
            is_erased=is_erased,
            blanks=self.blanks,
        )


@dataclass(frozen=True, slots=True)
class Lost:
    """A column that rules may name and that is no more what it was: its type before, and now; empty where it is
    gone."""

    name: str
    heading: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Staged:
    """A file whose good rows are written and not yet published; `erased` are the names it was held against."""

    wanted: Wanted
    imported: Imported
    taken: Taken
    erased: frozenset[str] = frozenset()
    lost: tuple[Lost, ...] = ()


def check(
    records: Records,
    source: str,
    wanted: Wanted,
    there: Table | None,
    *,
    told: Told = lambda done, of: None,
    is_erased: IsErased | None = None,
) -> Imported:
    """What the rows would give beside the table that is `there`; nothing is written. InvalidFile where a column is
    missing."""
    imported = import_rows(records, source, wanted.reading(there, is_erased), lambda good: (), told)
    _refuse_without_columns(imported, wanted, source)
    return imported


def stage(
    dataset: Dataset, records: Records, source: str, wanted: Wanted, told: Told = lambda done, of: None
) -> Staged:
    """Write the good rows into files of the dataset that nobody sees yet. InvalidFile where they are unusable."""
    there, names = dataset.current().tables.get(wanted.table), erased.names(dataset.folder)
    is_erased = dataset.vault.naming(names) if names else None
    imported = import_rows(records, source, wanted.reading(there, is_erased), _keeping(dataset, wanted), told)
    _refuse_without_columns(imported, wanted, source)
    if not imported.rows and (imported.bad or wanted.kind in NEVER_EMPTY):
        first = "; ".join(str(row) for row in imported.bad[:3])
        raise InvalidFile([Problem("D110", "not one row is good", first, source)])
    if KINDS[wanted.kind].month:
        imported = Imported(
            Table(fixed_columns(wanted.kind), imported.table.files), imported.rows, imported.bad, imported.sha256
        )
    taken = Taken(wanted.table, source[:120], imported.sha256, imported.rows, imported.refused)
    return Staged(wanted, imported, taken, names, columns_lost(there, imported.table, wanted))


def publish(dataset: Dataset, staged: Sequence[Staged], by: str) -> Published:
    """Publish all of them as one version; where they change nothing, the version there is. InvalidFile where somebody
    was erased since they were read."""

    def changed(tables: dict[str, Table]) -> dict[str, Table]:
        names = erased.names(dataset.folder)
        if outdated := next((one for one in staged if one.erased != names), None):
            _take_back(dataset, staged)
            raise erased.changed_meanwhile(outdated.taken.source)
        for one in staged:
            joined = _joined(dataset, one, tables.get(one.wanted.table))
            if joined.files:
                tables[one.wanted.table] = joined
        return tables

    return dataset.take(changed, by=by, taken=tuple(one.taken for one in staged))


def _take_back(dataset: Dataset, staged: Sequence[Staged]) -> None:
    """Remove files that were written for a version and that none names."""
    known = {file.path for table in dataset.current().tables.values() for file in table.files}
    for file in (file for one in staged for file in one.imported.table.files if file.path not in known):
        (dataset.folder / file.path).unlink(missing_ok=True)


def import_file(
    dataset: Dataset, shape: Shape, wanted: Wanted, *, by: str = "system", told: Told = lambda done, of: None
) -> tuple[Imported, Published]:
    """Import one file. Bad rows are in the result, not an error; InvalidFile where the whole file is unusable."""
    staged = stage(dataset, shape.records(told), shape.name, wanted, told)
    return staged.imported, publish(dataset, [staged], by)


def fixed_columns(kind: str) -> tuple[Column, ...]:
    """The columns of a table that is cut by month, in the order of its catalogue."""
    types = KINDS[kind].fields("").types
    return tuple(Column(name, "date" if type_ == "month" else type_) for name, type_ in types.items())


def _labels(one: CustomerField) -> tuple[str, str]:
    return one.label.zh, one.label.en


def columns_lost(there: Table | None, table: Table, wanted: Wanted) -> tuple[Lost, ...]:
    """Columns of the table that is `there` which the new rows do not have, or have as another kind of value. None where
    the rows are added to what there is: such a file must have the same columns."""
    if there is None or KINDS[wanted.kind].file != "replaces":
        return ()
    now = {column.name: column.type for column in table.columns}
    return tuple(
        Lost(column.name, column.heading, column.type, now.get(column.name, ""))
        for column in there.columns
        if _kind(column.type) != _kind(now.get(column.name, ""))
    )


def _kind(type_: str) -> str:
    """Numbers are compared with numbers, however many digits they have."""
    plain = type_.partition("(")[0]
    return "number" if plain in ("int", "decimal", "double") else plain


def left_out(imported: Imported, wanted: Wanted, records: Records) -> tuple[str, ...]:
    """Headings of columns that are not taken over: those of a kind with columns of its own, and those mapped away."""
    taken = {column.heading for column in imported.table.columns}
    if KINDS[wanted.kind].month:
        known = {column.name for column in fixed_columns(wanted.kind)}
        taken = {column.heading for column in imported.table.columns if column.name in known}
    return tuple(heading for heading in records.headings if heading not in taken)


def _keeping(dataset: Dataset, wanted: Wanted) -> Keep:
    kind = KINDS[wanted.kind]
    if not kind.month:
        types = wanted.reading().types

        def kept(good: pa.RecordBatchReader) -> list[DataFile]:
            addresses = [name for name in good.schema.names if types.get(name) == ADDRESS]
            return [write_sealed(good, dataset, wanted.table, addresses)]

        return kept
    return lambda good: write_months(dataset, wanted.table, _fixed(good.read_all(), wanted.kind), kind.month)


def _fixed(rows: pa.Table, kind: str) -> pa.Table:
    schema = pa.schema([(column.name, _arrow(column.type)) for column in fixed_columns(kind)])
    for each in schema:
        if each.name not in rows.column_names:
            rows = rows.append_column(each, pa.nulls(rows.num_rows, each.type))
    return rows.select(schema.names).cast(schema)


def _arrow(type_: str) -> pa.DataType:
    return ARROW[type_] if type_ in ARROW else pa.decimal128(18, int(type_[-2]))


def _joined(dataset: Dataset, staged: Staged, there: Table | None) -> Table:
    """What the table is with the staged file."""
    table, kind = staged.imported.table, KINDS[staged.wanted.kind]
    match kind.file:
        case "replaces":
            return table
        case "replaces months":
            fresh = {file.month for file in table.files}
            others = [file for file in there.files if file.month not in fresh] if there else []
            files = sorted([*others, *table.files], key=lambda file: file.month)
            return Table(table.columns, tuple(files))
        case "is added":
            if there is None:
                return table
            new = [_not_there(dataset, staged.wanted.table, file, there) for file in table.files]
            return added(there, Table(table.columns, tuple(file for file in new if file)), staged.wanted.table)


def _not_there(dataset: Dataset, name: str, file: DataFile, there: Table) -> DataFile | None:
    """The file without the events that the month has already; None where it has them all. What one of the two does not
    know because it is of an earlier release makes no second event."""
    of_month = [each for each in there.files if each.month == file.month]
    if not of_month or file in of_month:
        return file if not of_month else None
    later = LATER.get(name, ())
    names = [column.name for column in there.columns if column.name not in later]
    same = " AND ".join(
        [f'new."{one}" IS NOT DISTINCT FROM old."{one}"' for one in names]
        + [f'coalesce(new."{one}" = old."{one}", true)' for one in later]
    )
    with contextlib.closing(duckdb.connect(config={"memory_limit": MEMORY})) as db:
        paths = [str(dataset.path(each)) for each in of_month]
        fresh = db.sql(
            f"SELECT new.* FROM {rows_in(name, '?')} AS new ANTI JOIN {rows_in(name, '?')} AS old ON {same}",
            params=[[str(dataset.path(file))], paths],
        ).to_arrow_table()
    if fresh.num_rows == file.rows:
        return file
    if not fresh.num_rows:
        return None
    month = KINDS[name].month
    return write_months(dataset, name, _fixed(fresh, name), month)[0]


def _refuse_without_columns(imported: Imported, wanted: Wanted, source: str) -> None:
    kind = KINDS[wanted.kind]
    names = {column.name for column in imported.table.columns}
    headings = [column.heading for column in imported.table.columns]
    known = kind.fields(wanted.catalogue).fields
    missing = [need for need in kind.needs if need not in names]
    if missing:
        told = {need: known[need].label if need in known else NO_TEXT for need in missing}
        raise InvalidFile([no_column(need, headings, "", source, label) for need, label in told.items()])

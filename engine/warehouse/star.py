"""The facts as Parquet tables beside the ledger (docs/facts.md): what they are made of and how they are kept.

Their folder is kept by the rules of the dataset: whole files with a temporary name, fsync, rename, and a manifest that
makes a new version of all tables at once, so a reader never sees half of a refresh. A table is cut into parts (days,
months); what changed is written anew with what is left of its part. Customers are in it only by a keyed hash. Refuses
to know the case database.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine import clock
from engine.warehouse.dataset import Column, DataFile, Dataset, Table, Version, put_whole
from engine.warehouse.row_groups import ROW_GROUP

FOLDER = "facts"
MEMORY = "600MB"
MARKS = "marks"
BETWEEN = "\n"
KEPT = timedelta(minutes=15)
"""How long a file that no newest version names stays: longer than any query over it."""

SHAPES: Mapping[str, Mapping[str, str]] = {
    "fact_delivery": {
        "case_id": "VARCHAR",
        "wave": "VARCHAR",
        "channel": "VARCHAR",
        "variant": "VARCHAR",
        "cell": "VARCHAR",
        "arm": "VARCHAR",
        "state": "VARCHAR",
        "reason": "VARCHAR",
        "contacted": "BOOLEAN",
        "contacted_at": "TIMESTAMP",
        "sent_on": "DATE",
        "cost": "DECIMAL(18,9)",
        "customer": "UBIGINT",
    },
    "sum_delivery": {
        "case_id": "VARCHAR",
        "wave": "VARCHAR",
        "channel": "VARCHAR",
        "variant": "VARCHAR",
        "cell": "VARCHAR",
        "arm": "VARCHAR",
        "state": "VARCHAR",
        "reason": "VARCHAR",
        "contacted": "BOOLEAN",
        "sent_on": "DATE",
        "cost": "DECIMAL(38,6)",
        "n": "BIGINT",
    },
    "fact_response": {
        "case_id": "VARCHAR",
        "kind": "VARCHAR",
        "happened_at": "TIMESTAMP",
        "happened_on": "DATE",
        "value": "DECIMAL(18,2)",
        "timing": "VARCHAR",
        "wave": "VARCHAR",
        "channel": "VARCHAR",
        "cell": "VARCHAR",
        "arm": "VARCHAR",
        "customer": "UBIGINT",
    },
    "fact_case": {
        "case_id": "VARCHAR",
        "office": "VARCHAR",
        "definition": "VARCHAR",
        "version": "INTEGER",
        "offer": "VARCHAR",
        "category": "VARCHAR",
        "state": "VARCHAR",
        "route": "VARCHAR",
        "asked": "VARCHAR",
        "created_on": "DATE",
        "submitted_on": "DATE",
        "approved_on": "DATE",
        "ended_on": "DATE",
        "rounds": "INTEGER",
        "lead_days": "DOUBLE",
        "budget": "DECIMAL(18,2)",
        "reach": "BIGINT",
        "due_at": "TIMESTAMP",
    },
    "fact_target": {
        "case_id": "VARCHAR",
        "aim": "VARCHAR",
        "target": "BIGINT",
        "done": "BIGINT",
        "starts_at": "TIMESTAMP",
        "starts_on": "DATE",
        "ends_at": "TIMESTAMP",
        "method": "VARCHAR",
        "expected": "BIGINT",
        "low": "BIGINT",
        "high": "BIGINT",
    },
    "fact_recommendation": {
        "case_id": "VARCHAR",
        "wave": "VARCHAR",
        "hall": "VARCHAR",
        "clerk": "VARCHAR",
        "shown_on": "DATE",
        "answer": "VARCHAR",
        "reason": "VARCHAR",
        "value": "DECIMAL(18,2)",
        "proved": "BOOLEAN",
        "customer": "UBIGINT",
    },
    "fact_effect": {
        "case_id": "VARCHAR",
        "label": "VARCHAR",
        "evaluated_on": "DATE",
        "verdict": "VARCHAR",
        "judged": "BOOLEAN",
        "outcome": "VARCHAR",
        "channel": "VARCHAR",
        "target": "BIGINT",
        "control": "BIGINT",
        "contacted": "BIGINT",
        "responded": "BIGINT",
        "converted": "BIGINT",
        "lift": "DOUBLE",
        "low": "DOUBLE",
        "high": "DOUBLE",
        "error": "DOUBLE",
        "currency": "VARCHAR",
        "cost": "DECIMAL(18,2)",
        "revenue": "DECIMAL(18,2)",
        "profit": "DECIMAL(18,2)",
    },
    "dim_office": {
        "office": "VARCHAR",
        "zh": "VARCHAR",
        "en": "VARCHAR",
        "level": "VARCHAR",
        "city": "VARCHAR",
        "line": "VARCHAR[]",
    },
    "dim_offer": {"offer": "VARCHAR", "zh": "VARCHAR", "en": "VARCHAR", "category": "VARCHAR"},
    "dim_channel": {"channel": "VARCHAR"},
    "dim_date": {"day": "DATE", "month": "VARCHAR", "year": "INTEGER", "weekday": "INTEGER"},
    MARKS: {"what": "VARCHAR", "key": "VARCHAR", "mark": "VARCHAR", "parts": "VARCHAR[]"},
}
"""Every table, with its columns and their types in DuckDB."""


class Mark(NamedTuple):
    """What was taken of a case or a wave: its mark then, and the parts of the table where its rows are."""

    mark: str
    parts: tuple[str, ...] = ()


Marks = dict[str, dict[str, Mark]]
"""By what was taken (case, wave, response, recommendation) and by its id."""


class _AsOf(msgspec.Struct):
    version: int
    as_of: datetime


class Star:
    """The facts under the folder of the dataset."""

    def __init__(self, data: Path) -> None:
        self.files = Dataset(data / FOLDER)
        self.folder = self.files.folder

    @contextlib.contextmanager
    def only_one(self) -> Iterator[bool]:
        """True for whoever may refresh; False while another process does. A process that ends lets go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "refresh.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def current(self) -> Version:
        """The newest version."""
        return self.files.current()

    def is_of_old(self, version: Version) -> bool:
        """Whether an earlier release wrote it, with other columns: then all is taken anew."""
        return any(
            [column.name for column in version.tables[name].columns] != list(columns)
            for name, columns in SHAPES.items()
            if name in version.tables
        )

    def as_of(self) -> datetime | None:
        """The moment whose ledger the newest version shows; None before the first refresh. After a crash it may be the
        one before, never a later one."""
        told = self.folder / "as_of.json"
        return msgspec.json.decode(told.read_bytes(), type=_AsOf).as_of if told.exists() else None

    def say_as_of(self, version: int, as_of: datetime) -> None:
        """Keep that a version shows the ledger of a moment."""
        put_whole(self.folder / "as_of.json", msgspec.json.encode(_AsOf(version, as_of)), is_locked=True)

    def paths(self, version: Version, name: str) -> list[str]:
        """The files of a table."""
        return list(self.files.paths(version.tables[name])) if name in version.tables else []

    def marks(self, version: Version) -> Marks:
        """What was taken up to a version."""
        found: Marks = {}
        for path in self.paths(version, MARKS):
            table = pq.ParquetFile(path).read()  # read_table loads pandas
            parts = pc.binary_join(table["parts"], BETWEEN).to_pylist()  # a list for each takes ten times as long
            of_parts = {one: tuple(one.split(BETWEEN)) if one else () for one in set(parts)}
            columns = (table[name].to_pylist() for name in ("what", "key", "mark"))
            for what, key, mark, some in zip(*columns, parts, strict=True):
                found.setdefault(what, {})[key] = Mark(mark, of_parts[some])
        return found

    def keep_marks(self, marks: Marks) -> Table:
        """The table of these marks, written and not published."""
        kinds = [(what, sorted(of_kind.items())) for what, of_kind in sorted(marks.items())]
        whats = [what for what, of_kind in kinds for _ in of_kind]
        keys = [key for _, of_kind in kinds for key, _ in of_kind]
        told = [one for _, of_kind in kinds for _, one in of_kind]
        columns = {"what": whats, "key": keys, "mark": [one.mark for one in told]}
        parts = pa.array([one.parts for one in told], pa.list_(pa.string()))
        made = {name: pa.array(some, pa.string()) for name, some in columns.items()}
        return self.whole(MARKS, pa.table({**made, "parts": parts}))

    def whole(self, name: str, rows: pa.Table) -> Table:
        """A table of one file, written and not published."""
        with self.opened() as db:
            db.register("given", rows)
            columns = ", ".join(f'"{column}"::{kind} AS "{column}"' for column, kind in SHAPES[name].items())
            return Table(_columns(name), (self._written(db, name, f"SELECT {columns} FROM given", ""),))

    def rewritten(
        self, db: duckdb.DuckDBPyConnection, before: Version, name: str, *, key: str, gone: Sequence[str], part: str
    ) -> tuple[Table, dict[str, set[str]]]:
        """The table with the rows of the keys `gone` taken out and those of the table `fresh` put in, whose column
        `part` says where; and by key, the parts of the fresh rows. Files of parts that nothing changes stay.

        `old_parts` says in which parts the rows are that go.
        """
        there = {file.month: file for file in before.tables[name].files} if name in before.tables else {}
        db.register("gone", pa.table({"key": pa.array(sorted(gone), pa.string())}))
        of_key: dict[str, set[str]] = {}
        for one, where in db.execute(f'SELECT DISTINCT "{key}", {part} FROM fresh').fetchall():
            of_key.setdefault(one, set()).add(where)
        touched = {where for parts in of_key.values() for where in parts}
        touched |= {row[0] for row in db.execute("SELECT part FROM old_parts").fetchall()}
        names = ", ".join(f'"{column}"' for column in SHAPES[name])
        files = [file for where, file in there.items() if where not in touched]
        for where in sorted(touched):
            pieces = [f"SELECT {names} FROM fresh WHERE {part} = '{where}'"]
            if where in there:
                old = f"SELECT {names} FROM read_parquet('{_quoted(self.files.path(there[where]))}')"
                pieces.insert(0, f'{old} WHERE "{key}" NOT IN (SELECT key FROM gone)')
            written = self._written(db, name, " UNION ALL ".join(pieces), where)
            files += [written] if written.rows else []
        db.unregister("gone")
        return Table(_columns(name), tuple(sorted(files, key=lambda file: file.month))), of_key

    def summed(self, db: duckdb.DuckDBPyConnection, before: Version, deliveries: Table) -> Table:
        """The sums of `deliveries`, a file for each of its files: rows that differ in customer and moment alone count
        as one with their number and cost. Sums of files that stayed stay."""
        there = {file.path for file in before.tables["fact_delivery"].files} if "fact_delivery" in before.tables else ()
        kept = before.tables["sum_delivery"].files if "sum_delivery" in before.tables else ()
        of_part = {file.month: file for file in kept}
        files = [
            of_part[file.month]
            if file.path in there and file.month in of_part
            else self._written(
                db, "sum_delivery", summing(f"read_parquet('{_quoted(self.files.path(file))}')"), file.month
            )
            for file in deliveries.files
        ]
        return Table(_columns("sum_delivery"), tuple(files))

    def nothing(self, name: str) -> Table:
        """A table without a row."""
        return Table(_columns(name), ())

    def publish(self, change: Callable[[dict[str, Table]], dict[str, Table]]) -> Version:
        """The next version."""
        return self.files.publish(change)

    def sweep(self) -> int:
        """Remove what the two newest versions do not name and is older than any query; how many files."""
        numbers = sorted(int(path.stem) for path in (self.folder / "versions").glob("[0-9]*.json"))
        named = {
            self.files.path(file)
            for number in numbers[-2:]
            for table in self.files.version(number).tables.values()
            for file in table.files
        }
        for number in numbers[:-2]:
            (self.folder / "versions" / f"{number:08}.json").unlink(missing_ok=True)
        before = (clock.now() - clock.offset() - KEPT).timestamp()
        left = [
            path
            for name in SHAPES
            for path in (self.folder / name).glob("*")
            if path not in named and path.stat().st_mtime < before
        ]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    @contextlib.contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """DuckDB in memory, which spills beside the files."""
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": str(self.folder / "spill"),
        }
        with contextlib.closing(duckdb.connect(config=config)) as db:
            db.execute("SET enable_progress_bar = false")
            db.execute("SET python_enable_replacements = false")
            yield db

    def view(self, db: duckdb.DuckDBPyConnection, version: Version, name: str) -> None:
        """A table as a view of its name; one that was never written has no row, and a column that an earlier release
        did not write no value."""
        columns = SHAPES[name]
        if name == "sum_delivery" and name not in version.tables:  # facts of an earlier release
            db.execute(f'CREATE TEMP VIEW "{name}" AS {summing("fact_delivery")}')
        elif files := self.paths(version, name):
            listed = ", ".join(f"'{_quoted(file)}'" for file in files)
            there = {column.name for column in version.tables[name].columns}
            named = ", ".join(
                f'"{column}"' if column in there else f'NULL::{kind} AS "{column}"' for column, kind in columns.items()
            )
            db.execute(f'CREATE TEMP VIEW "{name}" AS SELECT {named} FROM read_parquet([{listed}])')
        else:
            nothing = ", ".join(f'NULL::{kind} AS "{column}"' for column, kind in columns.items())
            db.execute(f'CREATE TEMP VIEW "{name}" AS SELECT {nothing} WHERE false')

    def _written(self, db: duckdb.DuckDBPyConnection, name: str, query: str, part: str) -> DataFile:
        with self.files.fresh_file(name) as path:
            options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}"
            ((rows,),) = db.execute(f"COPY ({query}) TO '{_quoted(path)}' ({options})").fetchall()
            return self.files.keep(name, path, rows, part)


def summing(source: str) -> str:
    """The query for the sums of some deliveries."""
    shape = SHAPES["sum_delivery"]
    keys = ", ".join(f'"{name}"' for name in shape if name not in ("cost", "n"))
    return f"SELECT {keys}, sum(cost)::{shape['cost']} AS cost, count(*) AS n FROM {source} GROUP BY ALL"


def _columns(name: str) -> tuple[Column, ...]:
    return tuple(Column(column, kind) for column, kind in SHAPES[name].items())


def _quoted(path: Path | str) -> str:
    return str(path).replace("'", "''")

"""Makes facts of rows of the ledger: what a message cost, on which day it was sent, which contact a response answers.

Every function takes rows as the database's driver gave them, piece by piece, and writes the parts that they change.
Refuses to keep a customer's id: it becomes a hash that only this installation can make.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.warehouse.dataset import Table, Version
from engine.warehouse.star import Mark, Star

Rows = Iterable[list[tuple[Any, ...]]]
"""Rows piece by piece, as the database's driver gave them."""
AT_ONCE = 200_000
FIRST_YEAR, LAST_YEAR = 2000, 2100
Text, Count, Yes = pa.string(), pa.int64(), pa.bool_()
KINDS = {
    "seconds": Count,
    "is_first": Yes,
    "is_placed": Yes,
    "if_delivered": Yes,
    "day": pa.date32(),
    "each": pa.decimal128(18, 9),
}
"""The types of columns that are no texts."""


@dataclass(frozen=True, slots=True)
class Placing:
    """Where the rows of a wave belong; `part` is the file that they stand in."""

    wave: str
    case_id: str
    channel: str
    variant: str
    part: str
    is_placed: bool


@dataclass(frozen=True, slots=True)
class Left:
    """How many messages of a wave left the house on a day, and how many of them arrived."""

    wave: str
    day: date
    contacted: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What one message of a wave cost that left the house on a day; `if_delivered`: only one that arrived."""

    wave: str
    day: date
    each: Decimal
    if_delivered: bool


Charging = Callable[[Iterable[Left]], Sequence[Charge]]


@dataclass(frozen=True, slots=True)
class Window:
    """How long after a contact a response counts, and which contact it answers, by the definition of its case."""

    case_id: str
    seconds: int
    is_first: bool


@dataclass(frozen=True, slots=True)
class Keeping:
    """How facts are kept: the secret that hashes customers begin with, and the zone of days."""

    secret: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Filled:
    """A table with what changed in it, how many fresh rows it has, and in which parts each key's rows are."""

    table: Table
    rows: int
    parts: Mapping[str, tuple[str, ...]]


class Filler:
    """Fills the tables of `star` beyond the version `before`."""

    def __init__(self, star: Star, db: duckdb.DuckDBPyConnection, before: Version, keeping: Keeping) -> None:
        self.star, self.db, self.before = star, db, before
        self._keeping = keeping

    def deliveries(self, waves: Sequence[Placing], rows: Rows, gone: Mapping[str, Mark], charging: Charging) -> Filled:
        """The rows of these waves: wave, row, customer, cell, state, reason, sent, settled, whether it left the house.
        `gone`: the same waves, and others that are no more, by their marks."""
        names = ("wave", "row", "customer", "cell", "state", "reason", "sent", "settled", "left_house")
        types = (Text, Count, Text, Text, Text, Text, Count, Count, Count)
        self._given("placed", waves, Placing)
        with self._staged("fact_delivery", rows, names, types):
            self.db.execute(f"""CREATE OR REPLACE TEMP VIEW told AS
                SELECT t.*, p.* EXCLUDE (wave), left_house = 1 AS contacted,
                  {self._day("coalesce(sent_at, settled_at)")} AS charged_on,
                  CASE WHEN left_house = 1 THEN CASE WHEN is_placed THEN coalesce(settled_at, sent_at)
                    ELSE coalesce(sent_at, settled_at) END END AS contacted_at
                FROM (SELECT *, {_moment("sent")} AS sent_at, {_moment("settled")} AS settled_at FROM staged) t
                JOIN placed p ON p.wave = t.wave""")
            left = self.db.execute("""SELECT wave, charged_on, count(*), count(*) FILTER (state = 'delivered')
                FROM told WHERE contacted AND charged_on IS NOT NULL GROUP BY ALL ORDER BY ALL""").fetchall()
            self._given("charged", charging([Left(*one) for one in left]), Charge)
            self.db.execute(f"""CREATE OR REPLACE TEMP TABLE fresh AS
                SELECT case_id, told.wave, channel, variant, cell, 'target' AS arm, state, reason, contacted,
                  contacted_at, {self._day("contacted_at")} AS sent_on,
                  CASE WHEN contacted AND (state = 'delivered' OR NOT if_delivered) THEN each ELSE 0
                    END::DECIMAL(18,9) AS cost,
                  {self._hashed("customer")} AS customer, part
                FROM told LEFT JOIN charged c ON c.wave = told.wave AND c.day = charged_on""")
            return self._kept("fact_delivery", "wave", gone)

    def responses(
        self, windows: Sequence[Window], rows: Rows, gone: Mapping[str, Mark], contacts: Table, lists: Mapping[str, str]
    ) -> Filled:
        """The responses of these cases: case, customer, kind, reference, moment, value; with the contact before that
        the case's window says they answer. `contacts`: the deliveries as they are now; `lists`: the file with the
        frozen list of each case, which knows the arm of those whom nobody contacted."""
        names = ("case_id", "customer", "kind", "reference", "moment", "value")
        types = (Text, Text, Text, Text, Count, Text)
        self._given("windows", windows, Window)
        self._contacts(contacts)
        self._arms(lists)
        with self._staged("fact_response", rows, names, types):
            self.db.execute(f"""CREATE OR REPLACE TEMP TABLE fresh AS
                WITH r AS (SELECT *, {_moment("moment")} AS happened, {self._hashed("customer")} AS who FROM staged),
                answered AS (SELECT r.case_id, r.kind, r.reference, c.wave, c.channel, c.cell, c.contacted_at,
                    row_number() OVER (PARTITION BY r.case_id, r.kind, r.reference ORDER BY
                      CASE WHEN w.is_first THEN c.contacted_at END,
                      CASE WHEN NOT w.is_first THEN c.contacted_at END DESC, c.wave) AS place
                  FROM r JOIN windows w ON w.case_id = r.case_id
                  JOIN contacts c ON c.case_id = r.case_id AND c.customer = r.who AND c.contacted_at <= r.happened),
                begun AS (SELECT case_id, min(contacted_at) AS first_at FROM contacts GROUP BY case_id),
                told AS (SELECT r.*, w.seconds, a.wave, a.channel, a.cell, l.cell AS listed_cell,
                    CASE WHEN a.wave IS NOT NULL THEN 'target' ELSE coalesce(l.arm, 'target') END AS arm,
                    coalesce(a.contacted_at, CASE WHEN l.arm = 'control' THEN b.first_at END) AS counted_from
                  FROM r JOIN windows w ON w.case_id = r.case_id
                  LEFT JOIN answered a ON a.case_id = r.case_id AND a.kind = r.kind AND a.reference = r.reference
                    AND a.place = 1
                  LEFT JOIN begun b ON b.case_id = r.case_id
                  LEFT JOIN arms l ON l.case_id = r.case_id AND l.customer = r.who)
                SELECT case_id, kind, happened AS happened_at, {self._day("happened")} AS happened_on,
                  value::DECIMAL(18,2) AS value,
                  CASE WHEN counted_from IS NULL OR happened < counted_from THEN 'before'
                    WHEN happened > counted_from + to_seconds(seconds) THEN 'late' ELSE 'in_time' END AS timing,
                  coalesce(wave, '') AS wave, coalesce(channel, '') AS channel, coalesce(cell, listed_cell, '') AS cell,
                  arm, who AS customer, strftime(happened, '%Y-%m') AS part
                FROM told ORDER BY case_id, happened, kind, reference""")
            return self._kept("fact_response", "case_id", gone)

    def recommendations(self, rows: Rows, gone: Mapping[str, Mark]) -> Filled:
        """What clerks saw: case, wave, row, customer, hall, clerk, moment, answer, reason, value, whether proved."""
        names = ("case_id", "wave", "row", "customer", "hall", "clerk", "moment", "answer", "reason", "value", "proved")
        types = (Text, Text, Count, Text, Text, Text, Count, Text, Text, Text, Count)
        with self._staged("fact_recommendation", rows, names, types):
            self.db.execute(f"""CREATE OR REPLACE TEMP TABLE fresh AS
                SELECT case_id, wave, hall, clerk, {self._day(_moment("moment"))} AS shown_on, answer, reason,
                  value::DECIMAL(18,2) AS value, proved = 1 AS proved, {self._hashed("customer")} AS customer,
                  strftime({_moment("moment")}, '%Y-%m') AS part
                FROM staged""")
            return self._kept("fact_recommendation", "case_id", gone)

    def by_case(self, name: str, rows: pa.Table, gone: Mapping[str, Mark]) -> Filled:
        """The rows of some cases in a table of one file, as the table has them."""
        self.db.register("given", rows)
        self.db.execute("CREATE OR REPLACE TEMP TABLE fresh AS SELECT *, '' AS part FROM given")
        filled = self._kept(name, "case_id", {key: Mark(one.mark, ("",)) for key, one in gone.items()})
        self.db.execute("DROP TABLE fresh")
        self.db.unregister("given")
        return filled

    def over(self, now: datetime) -> frozenset[str]:
        """The cases whose targets had all come to the end of their windows by then."""
        files = self.star.paths(self.before, "fact_target")
        if not files:
            return frozenset()
        found = self.db.execute(
            "SELECT case_id FROM read_parquet(?) GROUP BY case_id HAVING bool_and(coalesce(ends_at < ?, false))",
            [files, now.astimezone(UTC).replace(tzinfo=None)],
        )
        return frozenset(case_id for (case_id,) in found.fetchall())

    def _kept(self, name: str, key: str, gone: Mapping[str, Mark]) -> Filled:
        parts = sorted({part for one in gone.values() for part in one.parts})
        self.db.register("old_parts", pa.table({"part": pa.array(parts, Text)}))
        table, of_key = self.star.rewritten(self.db, self.before, name, key=key, gone=list(gone), part="part")
        ((rows,),) = self.db.execute("SELECT count(*) FROM fresh").fetchall()
        self.db.unregister("old_parts")
        return Filled(table, rows, {one: tuple(sorted(where)) for one, where in of_key.items()})

    @contextmanager
    def _staged(self, name: str, rows: Rows, names: Sequence[str], types: Sequence[Any]) -> Iterator[Path]:
        """The rows in a file for as long as they are worked on, as the view `staged`: a wave may not fit in memory."""
        with self.star.files.fresh_file(name) as path:
            schema = pa.schema(list(zip(names, types, strict=True)))
            with pq.ParquetWriter(path, schema, compression="none") as writer:
                for piece in _pieces(rows):
                    columns = zip(zip(*piece, strict=True), types, strict=True)
                    writer.write_table(pa.table([pa.array(column, kind) for column, kind in columns], schema=schema))
            quoted = str(path).replace("'", "''")
            self.db.execute(f"CREATE OR REPLACE TEMP VIEW staged AS SELECT * FROM read_parquet('{quoted}')")
            yield path
            self.db.execute("DROP TABLE IF EXISTS fresh")
            self.db.execute("DROP VIEW staged")

    def _given(self, name: str, values: Sequence[Any], kind: type) -> None:
        """Values of one class as a table of that name."""
        columns = {
            one.name: pa.array([getattr(value, one.name) for value in values], KINDS.get(one.name, Text))
            for one in fields(kind)
        }
        self.db.register(name, pa.table(columns))

    def _contacts(self, deliveries: Table) -> None:
        paths = ", ".join("'" + str(self.star.files.path(file)).replace("'", "''") + "'" for file in deliveries.files)
        chosen = "case_id, customer, wave, channel, cell, contacted_at"
        types = {
            "case_id": "VARCHAR",
            "customer": "UBIGINT",
            "wave": "VARCHAR",
            "channel": "VARCHAR",
            "cell": "VARCHAR",
        }
        nothing = ", ".join(f"NULL::{kind} AS {name}" for name, kind in {**types, "contacted_at": "TIMESTAMP"}.items())
        asked = f"SELECT {chosen} FROM read_parquet([{paths}])" if paths else f"SELECT {nothing} WHERE false"
        self.db.execute(f"""CREATE OR REPLACE TEMP VIEW contacts AS SELECT * FROM ({asked})
            WHERE contacted_at IS NOT NULL AND case_id IN (SELECT case_id FROM windows)""")

    def _arms(self, lists: Mapping[str, str]) -> None:
        self.db.execute(
            "CREATE OR REPLACE TEMP TABLE arms (case_id VARCHAR, customer UBIGINT, cell VARCHAR, arm VARCHAR)"
        )
        for case_id, path in sorted(lists.items()):
            self.db.execute(
                f"INSERT INTO arms SELECT ?, {self._hashed('customer')}, cell, arm FROM read_parquet(?)",
                [case_id, path],
            )

    def _hashed(self, column: str) -> str:
        return f"md5_number_lower('{self._keeping.secret}' || {column})"

    def _day(self, moment: str) -> str:
        return f"({moment} + to_seconds({offset_sql(self._keeping.zone, moment)}))::DATE"


@cache
def _offsets(zone: ZoneInfo) -> tuple[tuple[datetime, int], ...]:
    """From when on the zone's clocks are how many seconds ahead of UTC, from 2000 to 2099."""
    found: list[tuple[datetime, int]] = []
    for year in range(FIRST_YEAR, LAST_YEAR):
        for day in range(366):
            at = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day)
            ahead = _ahead(zone, at)
            if not found or found[-1][1] != ahead:
                found.append((_changed(zone, at - timedelta(days=1), at) if found else at, ahead))
    return tuple(found)


def _changed(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The minute between two moments at which the zone's clocks were changed."""
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) / 2
        before, after = (middle, after) if _ahead(zone, middle) == _ahead(zone, before) else (before, middle)
    return after.replace(second=0, microsecond=0)


def _ahead(zone: ZoneInfo, at: datetime) -> int:
    return int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds())


def offset_sql(zone: ZoneInfo, moment: str) -> str:
    """How many seconds the zone's clocks are ahead of UTC at a moment, as SQL. DuckDB's own zones are an extension that
    an installation without the internet does not have."""
    (_, first), *later = _offsets(zone)
    if not later:
        return str(first)
    cases = " ".join(f"WHEN {moment} >= TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}' THEN {ahead}" for at, ahead in later[::-1])
    return f"CASE {cases} ELSE {first} END"


def _moment(column: str) -> str:
    """A moment of a number of microseconds since 1970, in UTC."""
    return f"make_timestamp({column})"


def _pieces(rows: Rows) -> Iterator[list[tuple[Any, ...]]]:
    """Larger pieces: of a hundred thousand small waves each has one of its own."""
    held: list[tuple[Any, ...]] = []
    for piece in rows:
        held += piece
        if len(held) >= AT_ONCE:
            yield held
            held = []
    if held:
        yield held

"""Reads what customers did from a CSV file, in one of two shapes, and names every row it does not take.

Events, one per row: `customer, kind, at, value, currency, reference`, where kind is response, conversion, opt_out,
complaint, or an outcome that the case measures; of a conversion also how the customer confirmed it, when, and under
which number that is kept: `how, confirmed_at, confirmation`. Outcomes, one customer per row: the customer's key and a
column per outcome; without a key column the rows are numbered, where the customers were imported so. Blanks are
unknown, not 0. Refuses customers who are not in the case's frozen list: what they did says nothing about the case;
and amounts in another currency than the case's.
"""

import contextlib
import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from math import isfinite
from pathlib import Path
from typing import Literal, get_args

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import InvalidFile, Problem
from engine.evaluation.metrics import NO, YES, Measure
from engine.warehouse.dataset import sync_folder, told_when_full
from engine.warehouse.erased import CODE, IsErased, erased_rows
from engine.warehouse.lists import ROW_NUMBER
from engine.warehouse.records import read_records
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.rows import REASONS, BadRow, Records

Kind = Literal["response", "conversion", "opt_out", "complaint"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OUTCOMES = pa.schema([("customer", pa.string()), ("metric", pa.string()), ("value", pa.float64())])
LARGEST = 10**15  # of an outcome: more is no measurement, and its squares cannot be added up
LONGEST_REFERENCE = 80
EVIDENCE = {"how": 20, "confirmed_at": 40, "confirmation": 100}
"""The columns that say how a customer confirmed a conversion, and how long they may be."""


@dataclass(frozen=True, slots=True)
class Response:
    """One thing a customer did. `reference` is the source's own id, or made from the row where it names none; `line`
    where it stands. How a conversion was confirmed is empty where the row does not say all of it."""

    customer: str
    kind: Kind
    at: datetime
    value: Decimal | None
    reference: str
    line: int = 0
    how: str = ""
    confirmed_at: datetime | None = None
    confirmation: str = ""

    @property
    def is_unconfirmed(self) -> bool:
        """Whether it is a conversion of which nobody says how the customer confirmed it."""
        return self.kind == "conversion" and self.confirmed_at is None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file may say: customers of `audience` (list.parquet), named by the heading `key` or numbered (`row`),
    these `outcomes`, times between `since` and `until`, in `zone` where a time names none, money in `currency`;
    `is_erased` tells of a customer that nothing of theirs is kept."""

    audience: Path
    key: str
    outcomes: Mapping[str, Measure]
    since: datetime
    until: datetime
    zone: tzinfo
    is_erased: IsErased | None = None
    currency: str = "CNY"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a file says. `outcomes` has the schema OUTCOMES; `rows` counts all rows, `bad` names those left out.
    `outside` are rows of a file of outcomes whose customers are not in the case: such files often hold everybody."""

    rows: int
    responses: tuple[Response, ...]
    outcomes: pa.Table
    bad: tuple[BadRow, ...]
    outside: int = 0


def read_answers(path: Path, expected: Expected) -> Answers:
    """Read a file of either shape. InvalidFile where its columns say nothing that the case could use."""
    records = read_records(path)
    _check_headings(records, expected, path)
    rows = records.rows.num_rows + len(records.bad)
    responses: tuple[Response, ...] = ()
    outside = 0
    if "kind" in records.headings:
        responses, outcomes, bad = _events(records, expected, path)
    else:
        outcomes, bad, outside = _wide(records, expected, path)
    bad = sorted([*records.bad, *bad], key=lambda row: (row.line, row.column))
    return Answers(rows, responses, outcomes, tuple(bad), outside)


def _check_headings(records: Records, expected: Expected, path: Path) -> None:
    """InvalidFile where a column that would be read stands twice: nobody can say which one is meant."""
    read = {"customer", expected.key, "kind", "at", "value", "reference", "currency", *EVIDENCE, *expected.outcomes}
    problems = []
    for name in sorted(read):
        places = [n for n, heading in enumerate(records.headings, 1) if heading == name]
        if len(places) > 1:
            message = f"{len(places)} columns are called {name}: {', '.join(map(str, places))}"
            problems.append(Problem("F110", message, "give each its own heading", at=path.name, line=1))
    if problems:
        raise InvalidFile(problems)


def keep_outcomes(folder: Path, outcomes: pa.Table) -> Path:
    """Add a file of outcomes to `folder`, after those that are there. The same outcomes again add nothing."""
    digest = hashlib.sha256()
    for column in outcomes.columns:
        for value in column.to_pylist():
            digest.update(f"{value}\n".encode())
    name = digest.hexdigest()[:16]
    with told_when_full(folder):
        folder.mkdir(parents=True, exist_ok=True)
        there = outcome_files(folder)
        if there and there[-1].stem.endswith(name):
            return there[-1]
        place = int(there[-1].stem.partition("-")[0]) + 1 if there else 1
        path = folder / f"{place:06}-{name}.parquet"
        fresh = folder / f".{path.name}.new"
        pq.write_table(outcomes, fresh, row_group_size=ROW_GROUP)
        fresh.rename(path)
        sync_folder(folder)
    return path


def outcomes_folder(data: Path, case_id: str) -> Path:
    """Where the imported outcomes of a case are, in the data folder."""
    return data / "cases" / case_id / "outcomes"


def outcome_files(folder: Path) -> list[Path]:
    """The files of outcomes in `folder`, in the order of their import."""
    return sorted(folder.glob("[0-9]*.parquet"))


# Events ----------------------------------------------------------------------------------------------------------


def _events(records: Records, expected: Expected, path: Path) -> tuple[tuple[Response, ...], pa.Table, list[BadRow]]:
    columns = _event_columns(records, expected, path)
    unknown = strangers(columns["customer"], expected.audience)
    responses: list[Response] = []
    values: list[tuple[str, str, float]] = []
    bad: list[BadRow] = []
    for line, customer, kind, at, value, reference, currency, *evidence in zip(
        records.lines.tolist(), *columns.values(), strict=True
    ):
        try:
            if expected.is_erased and expected.is_erased(customer):
                raise _Wrong("customer", REASONS[CODE])
            if customer in unknown:
                raise _Wrong("customer", _stranger(customer))
            if kind in expected.outcomes:
                number = _outcome(value, expected.outcomes[kind])
                if number is not None:
                    values.append((customer, kind, number))
            else:
                moment = _moment(at, expected)
                if currency not in ("", expected.currency):
                    raise _Wrong("currency", _other_money(currency, expected.currency))
                one = _response(customer, kind, value, reference, at=moment, possible=expected.outcomes)
                one = replace(one, at=_by_evening(at, moment, expected))
                responses.append(_confirmed(replace(one, line=line), evidence, expected))
        except _Wrong as wrong:
            bad.append(BadRow(line, wrong.column, wrong.reason))
    table = pa.table([list(column) for column in zip(*values, strict=True)] or [[], [], []], schema=OUTCOMES)
    return tuple(responses), table, bad


class _Wrong(Exception):
    def __init__(self, column: str, reason: str) -> None:
        self.column, self.reason = column, reason


def _event_columns(records: Records, expected: Expected, path: Path) -> dict[str, list[str]]:
    headings = {heading: str(n) for n, heading in enumerate(records.headings)}
    key = "customer" if "customer" in headings else expected.key
    missing = [name for name in (key, "at") if name not in headings]
    if missing:
        raise InvalidFile(
            [
                Problem(
                    "F110",
                    f"there is no column {name}",
                    "needed: customer, kind, at; possible: value, currency, reference, how, confirmed_at, confirmation;"
                    f" the file has {', '.join(headings)}",
                    at=path.name,
                    line=1,
                )
                for name in missing
            ]
        )
    names = {"customer": key} | {name: name for name in ("kind", "at", "value", "reference", "currency", *EVIDENCE)}
    blank = [""] * records.rows.num_rows
    return {
        name: [(text or "").strip() for text in records.rows[headings[heading]].to_pylist()]
        if heading in headings
        else blank
        for name, heading in names.items()
    }


def _response(
    customer: str, kind: str, value: str, reference: str, *, at: datetime, possible: Iterable[str]
) -> Response:
    known = next((name for name in KINDS if name == kind), None)
    if known is None:
        words = (*KINDS, *possible)
        near = difflib.get_close_matches(kind, words, n=1)
        hint = f"did you mean {near[0]}?" if near else f"possible: {', '.join(words)}"
        raise _Wrong("kind", f"{kind[:40]!r} is not a kind of response; {hint}")
    amount = _amount(value)
    if len(reference) > LONGEST_REFERENCE:
        raise _Wrong("reference", f"is longer than {LONGEST_REFERENCE} characters")
    made = hashlib.sha256(f"{customer}\n{at.isoformat()}\n{amount}".encode()).hexdigest()[:32]
    return Response(customer, known, at, amount, reference or f"row:{made}")


def _confirmed(one: Response, evidence: Sequence[str], expected: Expected) -> Response:
    """With how it was confirmed, where the row says all of it."""
    if one.kind != "conversion" or not all(evidence):
        return one
    for text, (name, most) in zip(evidence, EVIDENCE.items(), strict=True):
        if len(text) > most or "\0" in text:
            raise _Wrong(name, f"is longer than {most} characters, or holds a NUL")
    how, at, confirmation = evidence
    return replace(one, how=how, confirmed_at=_time(at, "confirmed_at", expected), confirmation=confirmation)


def _time(text: str, column: str, expected: Expected) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(column, f"{text[:40]!r} is not a time; write 2026-10-01 or 2026-10-01T09:30:00+08:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=expected.zone)
    if moment > expected.until:
        raise _Wrong(column, f"{text} lies in the future")
    return moment


def _moment(text: str, expected: Expected) -> datetime:
    moment = _time(text, "at", expected)
    if len(text) <= 10 and moment.date() == expected.since.astimezone(moment.tzinfo).date():
        moment = expected.since  # a date alone: some time of that day
    if moment < expected.since:
        raise _Wrong("at", f"{text} is before the audience was frozen")
    return moment


def _by_evening(text: str, moment: datetime, expected: Expected) -> datetime:
    """A date alone is some time of that day: its end, so that what was sent that day is not taken to be later."""
    if len(text) > 10:
        return moment
    local = moment.astimezone(expected.zone)
    return min(datetime.combine(local.date(), time(23, 59, 59), expected.zone), expected.until)


def _other_money(found: str, own: str) -> str:
    return f"{found[:10]!r} is not the currency of the case, {own}; write the amount in {own}"


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= 10**14 or amount != round(amount, 2):
        raise _Wrong("value", f"{text[:40]!r} is not an amount of money")
    return amount


def _outcome(text: str, measure: Measure) -> float | None:
    """None where it is blank."""
    if not text:
        return None
    if measure == "rate":
        if text.lower() in YES:
            return 1.0
        if text.lower() in NO:
            return 0.0
        raise _Wrong("value", f"{text[:40]!r} is neither 0 nor 1")
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number) or abs(number) > LARGEST:
        raise _Wrong("value", f"{text[:40]!r} is not a number of at most {LARGEST:,}")
    return number


def strangers(customers: Sequence[str], audience: Path) -> frozenset[str]:
    """Those of `customers` who are not in the frozen list."""
    with contextlib.closing(duckdb.connect()) as db:
        db.register("named", pa.table({"customer": pa.array(customers, pa.string())}))
        rows = db.execute(f"SELECT DISTINCT customer FROM named ANTI JOIN {_parquet(audience)} AS l USING (customer)")
        return frozenset(row[0] for row in rows.fetchall())


def _stranger(customer: str) -> str:
    return f"{customer[:40]!r} is not in the audience of this case" if customer else "the customer is blank"


# One customer per row --------------------------------------------------------------------------------------------


def _wide(records: Records, expected: Expected, path: Path) -> tuple[pa.Table, list[BadRow], int]:
    headings = {heading: str(n) for n, heading in enumerate(records.headings)}
    found = {name: headings[name] for name in expected.outcomes if name in headings}
    if not found:
        wanted = ", ".join(expected.outcomes) or "none; add rate or mean metrics to its definition"
        raise InvalidFile(
            [
                Problem(
                    "F111",
                    "neither a column kind nor a column of an outcome that this case measures",
                    f"its outcomes: {wanted}; the file has {', '.join(records.headings)}",
                    at=path.name,
                    line=1,
                )
            ]
        )
    rows = records.rows.append_column("line", pa.array(records.lines, pa.int64()))
    rows = rows.append_column("customer", _customers(records, headings, expected, path))
    with contextlib.closing(duckdb.connect()) as db:
        db.register("raw", rows)
        db.execute(
            "CREATE TEMP TABLE known AS SELECT raw.* FROM raw"
            f" SEMI JOIN {_parquet(expected.audience)} AS l ON raw.customer = l.customer"
        )
        named = "SELECT count(*) FROM raw WHERE coalesce(trim(customer), '') <> ''"
        erased = _erased(db, expected.is_erased) if expected.is_erased else []
        outside = _count(db, named) - _count(db, "SELECT count(*) FROM known") - len(erased)
        if outside and outside == rows.num_rows:
            hint = f"its customers are named by {expected.key}, one of the file is {rows['customer'][0].as_py()!r}"
            raise InvalidFile([Problem("F112", "no row is about a customer of this case", hint, at=path.name)])
        db.execute("CREATE TEMP TABLE told (line BIGINT, customer VARCHAR, metric VARCHAR, raw VARCHAR, value DOUBLE)")
        for name, column in found.items():
            text = f'trim("{column}")'
            db.execute(
                f"INSERT INTO told SELECT line, customer, ?, {text}, {_value(text, expected.outcomes[name])}"
                f" FROM known WHERE coalesce({text}, '') <> ''",
                [name],
            )
        bad = [*erased, *(BadRow(*row) for row in _bad_rows(db))]
        table = db.sql(
            "SELECT customer, metric, value FROM told WHERE NOT isnan(value) ORDER BY metric, customer, line"
        ).to_arrow_table()
    return table.cast(OUTCOMES), bad, outside


def _customers(
    records: Records, headings: Mapping[str, str], expected: Expected, path: Path
) -> pa.ChunkedArray | pa.Array:
    for heading in ("customer", expected.key):
        if heading in headings:
            return records.rows[headings[heading]]
    if expected.key == ROW_NUMBER:
        return pa.array(records.ordinals, pa.int64()).cast(pa.string())
    hint = f"name it customer or {expected.key}; the file has {', '.join(headings)}"
    raise InvalidFile([Problem("F110", "no column names the customer", hint, at=path.name, line=1)])


def _erased(db: duckdb.DuckDBPyConnection, is_erased: IsErased) -> list[BadRow]:
    """Rows of customers who were erased. None of them is in the list, where a name stands in place of the number."""
    outside = db.sql("SELECT trim(customer) AS customer, line FROM raw WHERE coalesce(trim(customer), '') <> ''")
    rows = outside.to_arrow_table()
    return list(erased_rows(rows["customer"], rows["line"], is_erased, "customer", "line"))


def _bad_rows(db: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, str, str]]:
    for (line,) in db.execute("SELECT line FROM raw WHERE coalesce(trim(customer), '') = ''").fetchall():
        yield line, "customer", _stranger("")
    for line, metric, raw in db.execute("SELECT line, metric, raw FROM told WHERE isnan(value)").fetchall():
        yield line, metric, f"{raw[:40]!r} is not a value of {metric}"


def _count(db: duckdb.DuckDBPyConnection, query: str) -> int:
    row = db.execute(query).fetchone()
    return int(row[0]) if row else 0


def _value(text: str, measure: Measure) -> str:
    """NaN where the text is no such value."""
    if measure == "rate":
        yes, no = (", ".join(f"'{word}'" for word in words) for words in (YES, NO))
        good = f"WHEN lower({text}) IN ({yes}) THEN 1::DOUBLE WHEN lower({text}) IN ({no}) THEN 0::DOUBLE"
    else:
        good = f"WHEN abs(try_cast({text} AS DOUBLE)) <= {LARGEST} THEN try_cast({text} AS DOUBLE)"
    return f"CASE {good} ELSE 'nan'::DOUBLE END"


def _parquet(path: Path) -> str:
    quoted = str(path).replace("'", "''")
    return f"read_parquet('{quoted}')"

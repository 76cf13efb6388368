"""Closure and SQL agree on rules and rows that nobody thought of."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sqlglot import exp

from engine.errors import ExpressionFailed
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, DATE, DECIMAL, INT, TEXT, TIMESTAMP, Record

CUSTOMER = Record(
    {"paid": DECIMAL, "months": INT, "calls": INT, "city": TEXT, "joined": DATE, "seen": TIMESTAMP, "is_5g": BOOL},
    "customer",
)
SCOPE = Scope({"c": CUSTOMER})
TABLE = "paid DECIMAL(10, 2), months BIGINT, calls BIGINT, city VARCHAR, joined DATE, seen TIMESTAMP, is_5g BOOLEAN"
COLUMNS = {f"c.{name}": exp.column(name) for name in CUSTOMER.fields}

cents = st.integers(-9_999, 9_999).map(lambda n: Decimal(n) / 100)
small = st.integers(-9, 30)
texts = st.text(alphabet="ab'中", max_size=3)
days = st.dates(date(2026, 1, 1), date(2026, 1, 9))
moments = st.integers(0, 40).map(lambda hours: datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(hours=hours))
row = st.fixed_dictionaries(
    {
        "paid": st.none() | cents,
        "months": st.none() | small,
        "calls": st.none() | small,
        "city": st.none() | texts,
        "joined": st.none() | days,
        "seen": st.none() | moments,
        "is_5g": st.none() | st.booleans(),
    }
)


def joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def quoted(text: str) -> str:
    return '"' + text + '"'


relation = st.sampled_from([" == ", " != ", " < ", " <= ", " > ", " >= "])
whole = st.recursive(
    st.sampled_from(["c.months", "c.calls"]) | small.map(lambda n: f"({n})"),
    lambda inner: joined("(", inner, st.sampled_from([" + ", " - ", " * ", " / ", " % "]), inner, ")"),
    max_leaves=3,
)
exact = st.recursive(
    st.just("c.paid") | whole | cents.map(lambda n: f"({n})"),
    lambda inner: joined("(", inner, st.sampled_from([" + ", " - ", " * "]), inner, ")"),
    max_leaves=3,
)
text = st.just("c.city") | texts.map(quoted) | joined("(c.city + ", texts.map(quoted), ")")
span = st.integers(-50, 50).map(lambda hours: f"duration('{hours}h')")
day = st.just("c.joined") | days.map(lambda one: f"date('{one}')") | joined("(c.joined + ", span, ")")
moment = (
    st.just("c.seen")
    | moments.map(lambda one: f"timestamp('{one.isoformat()}')")
    | joined("(c.seen", st.sampled_from([" + ", " - "]), span, ")")
)
several = st.lists(texts.map(quoted), max_size=3).map(lambda all_of_them: f"[{', '.join(all_of_them)}]")
method = st.sampled_from(["startsWith", "endsWith", "contains"])
claim = st.one_of(
    joined(exact, relation, exact),
    joined("c.paid / ", st.sampled_from(["3", "-7", "0.25"]), relation, cents.map(str)),
    joined(text, st.sampled_from([" == ", " != "]), text),
    joined(text, ".", method, "(", texts.map(quoted), ")"),
    joined(text, " in ", several),
    joined(several, st.sampled_from([".exists", ".all"]), "(x, c.city.", method, "(x))"),
    joined("[c.months, c.calls, 3]", st.sampled_from([".exists", ".all"]), "(x, x", relation, exact, ")"),
    joined(day, relation, day),
    joined(moment, relation, moment),
    joined("c.seen - ", moment, relation, span),
    joined(
        "c.joined.", st.sampled_from(["getDate", "getMonth", "getFullYear", "getDayOfMonth"]), "()", relation, whole
    ),
    joined("has(c.", st.sampled_from(sorted(CUSTOMER.fields)), ")"),
    st.just("c.is_5g"),
)
rule = st.recursive(
    claim,
    lambda inner: st.one_of(
        joined("(", inner, st.sampled_from([" && ", " || "]), inner, ")"),
        joined("!(", inner, ")"),
        joined("(", inner, " ? ", inner, " : ", inner, ")"),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE customers (n INT, {TABLE})")
        yield connection


def cells(row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in CUSTOMER.fields]


def kept(value: Any) -> Any:
    """As a dataset keeps it: times in UTC without a zone."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


@settings(max_examples=60, deadline=None)
@given(text=rule, rows=st.lists(row, min_size=1, max_size=12))
def test_a_rule_selects_the_same_customers_in_both_readings(
    db: duckdb.DuckDBPyConnection, text: str, rows: list[dict[str, Any]]
) -> None:
    compiled = compile_expression(text, SCOPE, gives=BOOL)
    try:
        sql = compiled.sql(COLUMNS).sql("duckdb")
    except ExpressionFailed:
        reject()  # a part without columns, as 1 / 0, is worked out now, and its failure told now
    db.execute("DELETE FROM customers")
    db.executemany(
        f"INSERT INTO customers VALUES (?{', ?' * 7})", [[n, *map(kept, cells(row))] for n, row in enumerate(rows)]
    )
    found = {n for (n,) in db.execute(f"SELECT n FROM customers WHERE {sql}").fetchall()}
    there = [{name: value for name, value in row.items() if value is not None} for row in rows]
    assert found == {n for n, customer in enumerate(there) if compiled.holds({"c": customer})}, sql

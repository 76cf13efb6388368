"""SQL and closure are two readings of one tree: on real rows they select the same customers."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from sqlglot import exp

from engine.errors import InvalidExpression
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, Record

ROWS: list[dict[str, Any]] = [
    {"arpu": a, "tenure_months": t, "city": c, "joined": d, "is_5g": g, "tags": tags, "seen": s}
    for a in (Decimal("12.50"), Decimal("38.00"), Decimal("88.10"), None)
    for t in (0, 6, 7, 25, None)
    for c, d, g, tags, s in (
        ("440100", date(2020, 2, 29), True, ["vip", "old"], datetime(2026, 10, 1, 23, 59, 59, 999999, UTC)),
        ("440300", date(2026, 1, 1), False, [], datetime(2026, 10, 2, 0, 0, tzinfo=UTC)),
        ("it's", None, None, ["vip"], None),
        (None, date(2026, 1, 2), True, None, datetime(2026, 10, 1, 12, 0, tzinfo=UTC)),
    )
]
RULES = [
    "c.arpu >= 38 && c.tenure_months > 6",
    "c.arpu >= 38 || c.tenure_months > 6 && c.is_5g",
    "(c.arpu >= 38 || c.tenure_months > 6) && c.is_5g",
    "!(c.arpu >= 38 || c.is_5g)",
    "!c.is_5g",
    "c.city in ['440100', \"it's\"]",
    "!(c.city in form.channels)",
    "c.city.startsWith('44') && c.city.endsWith('00')",
    "c.city.contains('\\'') || c.city.matches('^4401')",
    "c.tenure_months / 12 >= 2",
    "c.tenure_months % 7 == 0",
    "c.arpu / 2 > 19.5",
    "c.arpu * 12 - form.reach > -8900",
    "c.arpu > form.budget / 2000",
    "-c.arpu < -30",
    "c.joined < date('2026-01-01')",
    "has(c.joined) && !has(c.arpu)",
    "c.city == null || c.joined != null",
    "c.is_5g ? c.arpu > 50 : c.tenure_months > 6",
    "'vip' in c.tags",
    "size(c.city) == 6",
    "string(c.tenure_months) + 'x' == '7x'",
    "int(c.arpu) == 38 || int(c.arpu) == 12",
    "form.reach > 1 || c.arpu > 5",
    "true",
    "c.tenure_months / c.tenure_months == 1",
    "-c.tenure_months / 2 == -3",
    "c.arpu / 3 > 12.6 && 50 > c.arpu / 3",
    "c.arpu / -3 < -12.6",
    "c.arpu == 38.0000000000000000000000000000001",
    "c.seen >= timestamp('2026-10-02T08:00:00+08:00')",
    "c.seen + duration('1us') == timestamp('2026-10-02T00:00:00Z')",
    "timestamp('2026-10-02T12:00:00Z') - c.seen <= duration('12h')",
    "c.joined + duration('24h') == date('2026-01-02')",
    "c.joined - date('2025-12-31') < duration('36h')",
    "date(c.seen) == date('2026-10-01') && c.seen.getHours() >= 12",
    "c.joined.getMonth() == 0 || c.joined.getDate() == 29",
    "['44', 'it'].exists(x, c.city.startsWith(x))",
    "form.channels.all(x, x != c.city)",
    "!['44', 'it'].exists(x, c.city.startsWith(x) && c.arpu > 13)",
    "[c.tenure_months, 7].all(x, x > 6)",
    "form.channels.filter(x, x == 'x').exists(x, x == c.city)",
    "['4401'].exists(x, ['00', '03'].exists(y, c.city == x + y))",
]


def kept(row: dict[str, Any]) -> list[Any]:
    """As a dataset keeps it: times in UTC without a zone."""
    return [value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in row.values()]


@pytest.mark.parametrize("text", RULES)
def test_sql_selects_the_rows_for_which_the_closure_holds(text: str, scope: Scope, values: dict[str, Any]) -> None:
    rule = compile_expression(text, scope, gives=BOOL)
    customer = scope.names["c"]
    assert isinstance(customer, Record)
    sql = rule.sql({f"c.{name}": exp.column(name) for name in customer.fields}, values)
    with duckdb.connect() as db:
        db.execute(
            "CREATE TABLE k (n INT, arpu DECIMAL(10, 2), tenure_months INT, city VARCHAR, joined DATE, "
            "is_5g BOOLEAN, tags VARCHAR[], seen TIMESTAMP)"
        )
        db.executemany("INSERT INTO k VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [[n, *kept(row)] for n, row in enumerate(ROWS)])
        found = {n for (n,) in db.execute(f"SELECT n FROM k WHERE {sql.sql('duckdb')}").fetchall()}
    expected = {
        n
        for n, row in enumerate(ROWS)
        if rule.holds({**values, "c": {name: value for name, value in row.items() if value is not None}})
    }
    assert found == expected


def test_what_reads_no_column_is_worked_out_first(scope: Scope, values: dict[str, Any]) -> None:
    rule = compile_expression("c.arpu * 2 > form.budget + params.limit", scope)
    assert rule.sql({"c.arpu": exp.column("arpu")}, values).sql() == "(arpu * 2) > 130000.00"


def test_a_value_cannot_break_out_of_the_statement(scope: Scope, values: dict[str, Any]) -> None:
    values["form"]["title"] = "x' OR 1=1 --"
    rule = compile_expression("c.city == form.title", scope)
    assert rule.sql({"c.city": exp.column("city")}, values).sql("duckdb") == "city = 'x'' OR 1=1 --'"


@pytest.mark.parametrize(
    "text",
    [
        "c.tags.exists(x, x == 'vip')",
        "{'a': c.arpu}['a'] > 1",
        "timestamp(c.city) > timestamp('2026-01-01T00:00:00Z')",
        "int(c.city) > 1",
        "c.seen.getHours('Asia/Shanghai') > 8",
        "[1, 2].exists_one(x, c.arpu > x)",
        "c.seen - timestamp('2026-01-01T00:00:00Z') > c.seen - timestamp('2026-01-02T00:00:00Z')",
        "double('1.5') < c.arpu",
    ],
)
def test_what_sql_cannot_ask_is_refused_with_its_place(text: str, scope: Scope) -> None:
    rule = compile_expression(text, scope)
    columns = {f"c.{name}": exp.column(name) for name in ("tags", "arpu", "city", "seen")}
    with pytest.raises(InvalidExpression) as caught:
        rule.sql(columns, {})
    assert caught.value.problems[0].code == "E310"

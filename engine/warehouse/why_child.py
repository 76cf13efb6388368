"""The question about one customer, in a process of its own: a Question on stdin, a Reply on stdout.

Locked down like the selection. Refuses to read rows of other customers than the one asked about and their household.
"""

import contextlib
import sys
from datetime import date, datetime

import duckdb
import msgspec

from engine.audience.later import rows_in
from engine.warehouse import lockdown
from engine.warehouse.job import Asked, Question, Reply
from engine.warehouse.lockdown import end_with_parent, limit_itself, locked_down, quoted

MOST_AT_HOME = 1000
MOST_SHOWN = 20
PHONE = "phone"


def main() -> int:
    """Answer the question on stdin."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    end_with_parent(question.parent)
    limit_itself(question)
    answer: Reply = lockdown.answered(lambda: answered(question))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def answered(question: Question) -> Asked:
    """Find the customer, then ask the rules of them."""
    with contextlib.closing(locked_down(question)) as db:
        customer = _found(db, question)
        if not customer:
            return Asked()
        _cut_down(db, question, customer)
        rows = {row[0]: row[1:] for row in db.execute(question.asking.sql).fetchall()}
        is_within, *rest = rows[customer]
        parts, (bits, cell, draw) = rest[:-3], rest[-3:]
        kept = next((one for one, row in rows.items() if one != customer and row[0] and row[-3] == 0), "")
        arm, listed_cell = _listed(db, question.list, customer)
        return Asked(
            customer=customer,
            is_within=is_within,
            parts=tuple(parts),
            bits=bits,
            cell=cell or "",
            draw=draw or "",
            shown={
                proof.rung: _shown(db, proof.table, proof.columns, proof.of_cell(cell or ""), customer)
                for proof in question.asking.proofs
            },
            kept=kept,
            arm=arm,
            listed_cell=listed_cell,
        )


def _found(db: duckdb.DuckDBPyConnection, question: Question) -> str:
    """The customer's id; empty where there is none, or the phone is that of several."""
    if db.execute("SELECT 1 FROM customers WHERE customer = ? LIMIT 1", [question.customer]).fetchone():
        return question.customer
    if PHONE not in _columns(db, "customers"):
        return ""
    marks = ", ".join("?" * len(question.addresses))
    several = db.execute(
        f"SELECT customer FROM customers WHERE {PHONE}::VARCHAR IN ({marks}) LIMIT 2", list(question.addresses)
    ).fetchall()
    return str(several[0][0]) if len(several) == 1 else ""


def _cut_down(db: duckdb.DuckDBPyConnection, question: Question, customer: str) -> None:
    """The table `asked`: the customer and their household. Other tables keep the rows of those alone."""
    db.execute("CREATE TEMP TABLE asked AS SELECT ?::VARCHAR AS customer", [customer])
    if question.asking.home:
        home = question.asking.home
        db.execute(
            f"INSERT INTO asked SELECT c.customer FROM customers AS c WHERE c.customer <> ? AND ({home}) ="
            f" (SELECT {home} FROM customers AS c WHERE c.customer = ? LIMIT 1)"
            f" ORDER BY c.customer LIMIT {MOST_AT_HOME}",
            [customer, customer],
        )
    for name, files in question.tables.items():
        if question.asking.narrow and name != "customers" and "customer" in _columns(db, name):
            listed = ", ".join(f"'{quoted(file)}'" for file in files)
            db.execute(
                f'CREATE OR REPLACE TEMP VIEW "{name}" AS SELECT * FROM {rows_in(name, f"[{listed}]")}'
                " WHERE customer IN (SELECT customer FROM asked)"
            )


def _shown(
    db: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], where: str, customer: str
) -> list[dict[str, str]]:
    there = [name for name in columns if name in _columns(db, table)]
    if not there:
        return []
    named = ", ".join(f'"{name}"' for name in there)
    rows = db.execute(
        f'SELECT DISTINCT {named} FROM "{table}" WHERE customer = ? AND ({where}) ORDER BY ALL DESC LIMIT {MOST_SHOWN}',
        [customer],
    ).fetchall()
    return [
        {name: said(value) for name, value in zip(there, row, strict=True) if value not in (None, "")} for row in rows
    ]


def _listed(db: duckdb.DuckDBPyConnection, path: str, customer: str) -> tuple[str, str]:
    found = db.execute(
        f"SELECT arm, cell FROM read_parquet('{quoted(path)}') WHERE customer = ?", [customer]
    ).fetchone()
    return found or ("", "")


def _columns(db: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    return {row[0] for row in db.execute(f'DESCRIBE "{table}"').fetchall()}


def said(value: object) -> str:
    """A value as text."""
    return (
        value.isoformat(timespec="seconds") + "+00:00"
        if isinstance(value, datetime)
        else (value.isoformat() if isinstance(value, date) else str(value))
    )


if __name__ == "__main__":
    raise SystemExit(main())

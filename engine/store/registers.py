"""The register numbers (备案号) of cases, to find a case by them. The case says which of its filings has which."""

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.session import inserting
from engine.store.tables import cases, register_numbers


def put(tx: Connection, case_id: str, number: str) -> None:
    """Keep a number for a case; twice is once."""
    tx.execute(inserting(tx, register_numbers).values(case_id=case_id, number=number).on_conflict_do_nothing())


def has(number: str) -> ColumnElement[bool]:
    """Whether the case of the row at hand in `cases` has this register number."""
    return sa.exists().where(register_numbers.c.case_id == cases.c.id, register_numbers.c.number == number)


def cases_of(tx: Connection, number: str) -> frozenset[str]:
    """The cases with this register number, whoever may see them; offices with patterns of their own may share one."""
    query = sa.select(register_numbers.c.case_id).where(register_numbers.c.number == number)
    return frozenset(tx.execute(query).scalars())

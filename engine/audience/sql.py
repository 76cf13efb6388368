"""The first wall around the SQL of users: a statement becomes part of a selection only as a tree that was looked at.

What runs is written from that tree, never the user's text. The other walls are DuckDB's lockdown and the process of
its own with limits (engine.warehouse.child): each must hold by itself. Refuses everything that its allow-lists do not
name.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlglot import exp

from engine.audience.sql_names import Resolver, Tables
from engine.audience.sql_reading import Reading
from engine.errors import Problem
from engine.expr.types import BOOL, DATE, DECIMAL, INT, TEXT, Record, Scope, nearest

AS_OF = "as_of"
"""The parameter :as_of is the moment that the selection is made for; there is no other clock."""


_SIMPLE = (BOOL, DATE, DECIMAL, INT, TEXT)


@dataclass(frozen=True, slots=True)
class CheckedSql:
    """A statement that may run: its tree, with placeholders for its parameters, and the tables that it reads."""

    tree: exp.Query
    tables: frozenset[str]
    parameters: frozenset[str]


def check_sql(text: str, tables: Tables, parameters: Collection[str] = (AS_OF,)) -> CheckedSql | tuple[Problem, ...]:
    """The statement, or everything that is wrong with it. Never raises for what the text says.

    Each problem has its line and column in the text, and `offset` among its fields.
    """
    reading = Reading(text)
    if reading.tree is None:
        return _in_order(reading)
    for parameter in reading.tree.find_all(exp.Placeholder):
        name = parameter.name
        if name not in parameters:
            message = f"there is no parameter :{name[:60]}" if name else "a parameter needs a name"
            reading.refuse("E329", _place(text, name, parameter, reading), message, _meant(name, parameters))
    resolver = Resolver(reading, tables)
    resolver.resolve(reading.tree)
    if reading.problems:
        return _in_order(reading)
    named = frozenset(parameter.name for parameter in reading.tree.find_all(exp.Placeholder))
    return CheckedSql(reading.tree, frozenset(resolver.used), named)


def parameters_of(scope: Scope) -> tuple[str, ...]:
    """The parameters that a statement may name: the moment, and what form and params hold, as :form_budget."""
    records = {name: record for name, record in scope.names.items() if name in ("form", "params")}
    return (
        AS_OF,
        *(
            f"{name}_{field}"
            for name, record in records.items()
            if isinstance(record, Record)
            for field, type_ in record.fields.items()
            if type_ in _SIMPLE
        ),
    )


def _place(text: str, name: str, parameter: exp.Expr, reading: Reading) -> int:
    """Where a parameter stands; the parser keeps no place of it."""
    written = [at for at in (text.find(f":{name}"), text.find(f"${name}")) if name and at >= 0]
    return min(written) if written else reading.offset(parameter)


def _meant(name: str, parameters: Collection[str]) -> str:
    return nearest(name, tuple(parameters)).replace("known: ", "known: :").replace("mean ", "mean :")


def _in_order(reading: Reading) -> tuple[Problem, ...]:
    return tuple(sorted(reading.problems, key=lambda problem: (problem.line, problem.column)))

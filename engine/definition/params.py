"""The `params:` of a definition: the figures its rules compare with, kept in one place so that they can be changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic_core import PydanticCustomError

from engine.expr.types import BOOL, DECIMAL, DYN, INT, TEXT, List, Record, Type

_AMOUNT = re.compile(r"-?[0-9]+\.[0-9]+")


@dataclass(frozen=True, slots=True, eq=False)
class Params:
    """Types and values of the params, as expressions see them."""

    record: Record
    values: Mapping[str, Any]


NO_PARAMS = Params(Record({}, "params"), {})


def written(value: Any) -> Any:
    """A param as YAML gives it: a whole number, a text, true or false, a list of texts; an exact decimal is quoted.

    Nothing is right in a template alone: what extends it gives the value.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if isinstance(value, Decimal | float):
        raise PydanticCustomError("exact", 'an exact decimal stands in quotes, as "5000.00"')
    raise PydanticCustomError("param", "a param is a whole number, a text, true, false or a list of texts")


def params_of(raw: Mapping[str, Any]) -> Params:
    """A text that is a number with a point (`"5000.00"`) is an exact decimal."""
    values = {name: _value(value) for name, value in raw.items()}
    return Params(Record({name: _type(value) for name, value in values.items()}, "params"), values)


def _value(value: Any) -> Any:
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        return Decimal(value)
    return list(value) if isinstance(value, tuple) else value


def _type(value: Any) -> Type:
    match value:
        case None:
            return DYN  # a template's, whose value comes with what extends it
        case bool():
            return BOOL
        case int():
            return INT
        case Decimal():
            return DECIMAL
        case list():
            return List(TEXT)
        case _:
            return TEXT

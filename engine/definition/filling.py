"""A whole proposal from the few values that matter: what a scenario leaves out is filled in and told.

Refuses to guess at random: the same fields always get the same values, and where no simple value passes the form's
own checks the form is left as it is, so that the checks say what is missing.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice, product
from typing import Any

from engine.definition.fields import (
    Choice,
    Date,
    DateRange,
    ExactNumber,
    Int,
    LongText,
    Office,
    PersonField,
    Ref,
    Set,
    Text,
    Wrong,
)
from engine.definition.form_fields import Attachment, FormField, Table
from engine.definition.proposal import Proposal

TRIES = 256
_MONTH = timedelta(days=30)


def filled(proposal: Proposal, given: Mapping[str, Any], today: date) -> dict[str, Any]:
    """What is filled in beside `given`: a value for every required field that is not given, none where none fits."""
    missing = {name: field for name, field in proposal.fields.items() if field.required and name not in given}
    possible = [list(_of_kind(name, field, today)) or [None] for name, field in missing.items()]
    for values in islice(product(*possible), TRIES):
        chosen = dict(zip(missing, values, strict=True))
        if not proposal.parse({**given, **chosen}, whole=True).problems:
            return chosen
    return dict(zip(missing, (values[0] for values in possible), strict=True))


def _of_kind(name: str, field: FormField, today: date) -> Iterator[Any]:
    """Values that the field takes, the plainest first."""
    for value in _plain(name, field, today):
        try:
            field.read(value)
        except Wrong:
            continue
        yield value


def _plain(name: str, field: FormField, today: date) -> Iterator[Any]:
    match field:
        case Text() | LongText():
            yield from ((field.label.zh or field.label.en or name)[: field.max], "a", "1", "A1")
        case Int() | ExactNumber():
            numbers = (field.min, Decimal(1), Decimal(0), field.max)
            yield from (f"{number:f}" for number in numbers if number is not None)
        case Date():
            yield today.isoformat()
        case DateRange():
            yield [today.isoformat(), (today + _MONTH).isoformat()]
        case Choice():
            yield from field.of
        case Set():
            yield from ([value] for value in field.of)
            yield list(field.of)
        case PersonField():
            yield "person-1"
        case Office():
            yield "office-1"
        case Ref():
            yield f"{field.to}-1"[:64].replace("_", "-")
        case Attachment():
            yield [{"id": "file-1", "name": f"{name}.pdf", "size": 1, "type": "application/pdf", "sha256": "0" * 64}]
        case Table():
            cells = {column: list(_of_kind(column, kind, today)) for column, kind in field.columns.items()}
            yield [{column: values[0] for column, values in cells.items() if values}]

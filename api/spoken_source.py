"""A source that was built, as one sentence in the reader's language: with labels, units and words for the operators.

Refuses to leave anything out: what is no condition is said by its name, a text as it stands.
"""

from collections.abc import Mapping, Sequence

from api import words_building
from api.formats import Formats
from api.i18n import N_
from engine.audience.built import (
    WITHOUT_VALUE,
    Block,
    Condition,
    Earlier,
    Expression,
    InGroup,
    InList,
    Join,
    Nest,
    Row,
    Statement,
)
from engine.audience.reading import read
from engine.service.building import FieldView, described

AND, OR = N_("; and "), N_("; or ")
ALGEBRA = {"or": N_("Or: "), "and": N_("And also: "), "without": N_("But not: "), "one": N_("Or this, but not both: ")}
GLUE: Mapping[Join, str] = {"all": AND, "any": OR}


def spoken(blocks: Sequence[Block], fields: Sequence[FieldView], formats: Formats) -> tuple[str, ...]:
    """One sentence for each block that says something."""
    known = {field.name: field for field in fields}
    found: list[str] = []
    for block in blocks:
        said = joined(block.rows, block.join, known, formats)
        if said:
            found.append(f"{formats.words(ALGEBRA[block.how]) if found else ''}{said}{formats.words('.')}")
    return tuple(found)


def in_words(rule: str, formats: Formats) -> str:
    """A rule over customers with the labels of the catalogues; empty where it is more than conditions can say."""
    fields = described()
    (block,) = read({"rule": rule}, {field.name: field.kind for field in fields})
    rows = [row for one in block.rows for row in (one.rows if isinstance(one, Nest) else (one,))]
    known = {field.name: field for field in fields}
    return joined(block.rows, block.join, known, formats) if all(isinstance(row, Condition) for row in rows) else ""


def field_called(name: str, formats: Formats) -> str:
    """What a customer field is called; its name where no catalogue describes it."""
    return next((formats.label(field.label) for field in described() if field.name == name), "") or name


def joined(rows: Sequence[Row | Nest], join: Join, known: Mapping[str, FieldView], formats: Formats) -> str:
    """Rows with the words between them; empty where none says anything yet."""
    parts = []
    for row in rows:
        if isinstance(row, Nest):
            inner = joined(row.rows, row.join, known, formats)
            parts.append(formats.words(N_("(%(inner)s)"), inner=inner) if inner and len(row.rows) > 1 else inner)
        else:
            parts.append(said(row, known, formats))
    return formats.words(GLUE[join]).join(filter(None, parts))


def said(row: Row, known: Mapping[str, FieldView], formats: Formats) -> str:
    """One row; empty where it says nothing yet."""
    words = formats.words
    match row:
        case Condition():
            return _condition(row, known.get(row.field), formats)
        case InList():
            return words(N_("on the list %(name)s"), name=row.name) if row.name else ""
        case InGroup():
            return words(N_("in the customer group %(name)s"), name=row.name) if row.name else ""
        case Earlier():
            if not row.case or not row.outcome:
                return ""
            outcome = words(words_building.EARLIER_OUTCOMES.get(row.outcome, row.outcome))
            told = words(N_("%(outcome)s in case %(case)s"), outcome=outcome, case=row.case)
            told += words(N_(", wave %(name)s"), name=row.wave) if row.wave else ""
            return told + (words(N_(", within %(span)s"), span=formats.period(row.within)) if row.within else "")
        case Expression():
            return row.text.strip()
        case Statement():
            return words(N_("given by a statement of its own")) if row.sql.strip() else ""
        case _:
            return words(N_("given by a part that is kept as it is"))


def _condition(row: Condition, field: FieldView | None, formats: Formats) -> str:
    if not row.operator or (not row.values and row.operator not in WITHOUT_VALUE):
        return ""
    label = formats.label(field.label) if field else row.field
    table = words_building.DAY_OPERATORS if field and field.kind == "date" else words_building.OPERATORS
    operator = formats.words(table[row.operator])
    if row.operator in ("yes", "no"):
        return formats.words(N_("%(field)s: %(answer)s"), field=label, answer=operator)
    values = formats.words(", ").join(_value(value, field) for value in row.values)
    unit = formats.label(field.unit) if field and row.values else ""
    gap = " " if formats.words.language == "en" or label[-1:].isascii() or operator[-1:].isascii() else ""
    unit = f" {unit}" if unit else ""
    return f"{label}{gap}{operator}{' ' if values else ''}{values}{unit}"


def _value(value: str, field: FieldView | None) -> str:
    return value if field is None or field.kind != "text" else f"“{value}”"

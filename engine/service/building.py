"""A source that is being built on a page: what there is to build with, what is wrong with it, how many it has.

What is not finished yet is left out of the count, and no mistake before somebody saves. Everything wrong is told at
once, each at its row. Refuses to keep anything.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from engine.audience.built import (
    OPERATORS,
    SEVERAL,
    WITHOUT_VALUE,
    Block,
    Condition,
    Earlier,
    Expression,
    InGroup,
    InList,
    Nest,
    Other,
    Row,
    Statement,
    parted,
    written,
)
from engine.audience.compile import customer_type, readable_tables
from engine.audience.groups import name_of
from engine.audience.reading import read
from engine.audience.sources import Feedback, Sql
from engine.audience.sql import CheckedSql, check_sql
from engine.definition.catalogue import CustomerField, catalogue, known_catalogues
from engine.errors import (
    CountersignError,
    Invalid,
    InvalidExpression,
    InvalidForm,
    Problem,
)
from engine.expr import compile_expression
from engine.expr.types import BOOL, Scope
from engine.service import counting, groups, whereabouts
from engine.service.app import Countersign
from engine.service.authorizing import allowed, authorize
from engine.service.counting import CATALOGUE, COUNTS, WRITES_SQL, Counted
from engine.service.views import Viewer
from engine.values import NO_TEXT, Bilingual
from engine.warehouse.dataset import Version

MOST_ROWS, MOST_BLOCKS = 60, 10
LONGEST = 10_000
LIST = "list_"
MANY = {"万": 10_000, "亿": 100_000_000}
"""Numbers may be written as 3万."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """A customer field to ask about. `kind` is its type without digits; `values` are those it may have, where only some
    are allowed. A personal one is not offered, and shown where a source names it."""

    name: str
    kind: str
    label: Bilingual
    unit: Bilingual = NO_TEXT
    values: tuple[str, ...] = ()
    is_personal: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """What there is to build with; no fields where there are no customers yet. `groups` are (name, title)."""

    fields: tuple[FieldView, ...]
    lists: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]
    writes_sql: bool
    dataset: int
    types: Mapping[str, str]
    tables: Mapping[str, Mapping[str, str]]

    def field(self, name: str) -> FieldView | None:
        """The field of that name."""
        return next((one for one in self.fields if one.name == name), None)


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """How many customers a row, a group of rows or a block has, and how many there are after it."""

    customers: int
    after: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look. `source` is what would be saved, None while nothing is finished; `counts` are by place (see
    `Parted`). `problems` stand at PLACE.PART; `unfinished` are places. `failed`: why there is no count."""

    blocks: tuple[Block, ...]
    source: Mapping[str, Any] | None
    problems: tuple[Problem, ...] = ()
    unfinished: frozenset[str] = frozenset()
    counted: Counted | None = None
    counts: Mapping[str, PlaceCount] = field(default_factory=dict)
    failed: CountersignError | None = None


def offered(app: Countersign, viewer: Viewer) -> Offered:
    """What the newest version of the dataset, and the viewer's roles, let them build with."""
    authorize(viewer, COUNTS)
    version = whereabouts.last_seen(app)
    return Offered(
        fields=tuple(_fields(version)),
        lists=tuple(sorted(name.removeprefix(LIST) for name in version.tables if name.startswith(LIST))),
        groups=tuple((one.name, one.title) for one in groups.listed(app, viewer) if not one.ended),
        writes_sql=allowed(viewer, WRITES_SQL),
        dataset=version.number,
        types=version.columns.get("customers", {}),
        tables=version.columns,
    )


def opened(app: Countersign, viewer: Viewer, source: Mapping[str, Any]) -> tuple[Block, ...]:
    """A source as blocks to go on with."""
    return read(source, offered(app, viewer).types)


def look(
    app: Countersign,
    viewer: Viewer,
    blocks: Sequence[Block],
    *,
    known: Mapping[str, Any] | None = None,
    count: bool = True,
) -> Looked:
    """Check what was built and count it. `known` is the source that it began as: its statements may stay in it."""
    given = offered(app, viewer)
    checking = _Checking(given, _statements(known))
    clean = tuple(checking.blocks(blocks))
    whole = tuple(_finished(clean, checking.good))
    source = written(whole, given.types) if whole else None
    looked = Looked(clean, source, tuple(checking.problems), frozenset(checking.unfinished))
    parts = parted(clean, given.types, keep=frozenset(checking.good))
    if checking.problems or parts is None or not count:
        return looked
    try:
        counted = counting.count(app, viewer, parts.source, kept=checking.kept)
    except Invalid as error:
        return replace(looked, problems=tuple(_placed(problem, clean) for problem in error.problems))
    except CountersignError as error:
        return replace(looked, failed=error)
    counts = {
        place: PlaceCount(part.customers, part.customers if inner else part.after)
        for part, places in zip(counted.parts, parts.places, strict=True)
        for inner, place in enumerate(places)  # a row that stands alone in its block is the first of that block
    }
    return replace(looked, counted=counted, counts=counts)


def _placed(problem: Problem, blocks: Sequence[Block]) -> Problem:
    """A problem of an earlier case at the row that names it; any other as it is."""
    for at, row in _rows(blocks):
        if isinstance(row, Earlier) and problem.code.startswith("D13") and f"case {row.case} " in problem.message:
            return replace(problem, at=f"{at}.case")
    return problem


def _rows(blocks: Sequence[Block]) -> Iterator[tuple[str, Row]]:
    """Every row with its place."""
    for b, block in enumerate(blocks):
        for r, row in enumerate(block.rows):
            if isinstance(row, Nest):
                yield from ((f"{b}.{r}.{n}", one) for n, one in enumerate(row.rows))
            else:
                yield f"{b}.{r}", row


def finished(looked: Looked) -> Mapping[str, Any]:
    """The source to save. InvalidForm with all that is wrong or not finished."""
    gaps = [Problem("build.unfinished", "this row is not finished", at=place) for place in sorted(looked.unfinished)]
    problems = [*looked.problems, *gaps]
    if looked.source is None and not problems:
        problems = [Problem("build.nothing", "there is no condition yet")]
    if problems or looked.source is None:
        raise InvalidForm(problems)
    return looked.source


def _fields(version: Version) -> Iterator[FieldView]:
    table = version.tables.get("customers")
    for column in table.columns if table else ():
        known = _described(column.name)
        own = Bilingual(zh=column.heading or column.name, en=column.heading or column.name)
        yield FieldView(
            name=column.name,
            kind=column.type.partition("(")[0],
            label=known.label if known and known.label != NO_TEXT else own,
            unit=known.unit if known else NO_TEXT,
            values=known.values if known else (),
            is_personal=known.personal if known else column.name == "customer",
        )


@cache
def described() -> tuple[FieldView, ...]:
    """The fields that the catalogues describe, whether or not there are customers who have them."""
    known = {
        name: one
        for each in (*known_catalogues(), CATALOGUE)
        if (found := catalogue(each))
        for name, one in found.fields.items()
    }
    return tuple(
        FieldView(name, one.type.partition("(")[0], one.label, one.unit, one.values, one.personal)
        for name, one in known.items()
    )


def _described(name: str) -> CustomerField | None:
    """What a catalogue says of a field, that of the house before others."""
    for each in (CATALOGUE, *known_catalogues()):
        known = catalogue(each)
        if known and name in known.fields:
            return known.fields[name]
    return None


def _statements(source: Mapping[str, Any] | None) -> frozenset[str]:
    if source is None:
        return frozenset()
    return frozenset(part.sql for part in counting.source_of(source).walk() if isinstance(part, Sql))


def _finished(blocks: Sequence[Block], good: set[str]) -> Iterator[Block]:
    """The blocks without what is not finished."""
    for b, block in enumerate(blocks):
        rows: list[Row | Nest] = []
        for r, row in enumerate(block.rows):
            if isinstance(row, Nest):
                inner = tuple(one for n, one in enumerate(row.rows) if f"{b}.{r}.{n}" in good)
                rows += [replace(row, rows=inner)] if inner else []
            elif f"{b}.{r}" in good:
                rows.append(row)
        if rows:
            yield replace(block, rows=tuple(rows))


class _Checking:
    """Goes through the rows once and keeps what it finds: `good` are places that can be counted."""

    def __init__(self, given: Offered, kept: frozenset[str]) -> None:
        self.given = given
        self.kept = kept
        self.problems: list[Problem] = []
        self.unfinished: list[str] = []
        self.good: set[str] = set()
        self.rows = 0

    def blocks(self, blocks: Sequence[Block]) -> Iterator[Block]:
        """The blocks with their values as they are kept."""
        for number, block in enumerate(blocks):
            rows: list[Row | Nest] = []
            for place, row in enumerate(block.rows):
                at = f"{number}.{place}"
                if isinstance(row, Nest):
                    inner = tuple(self.row(one, f"{at}.{n}") for n, one in enumerate(row.rows))
                    rows.append(replace(row, rows=inner))
                else:
                    rows.append(self.row(row, at))
            yield replace(block, rows=tuple(rows))
        if self.rows > MOST_ROWS or len(blocks) > MOST_BLOCKS:
            fields = {"rows": MOST_ROWS, "blocks": MOST_BLOCKS}
            self.problems.append(Problem("build.many", "there are too many rows or blocks", fields=fields))

    def row(self, row: Row, at: str) -> Row:
        """One row; what is wrong with it is kept at its place."""
        self.rows += 1
        before = len(self.problems), len(self.unfinished)
        match row:
            case Condition():
                row = self.condition(row, at)
            case InList():
                self.named(row.name, at)
                if row.name and row.name not in self.given.lists:
                    self.wrong("build.list", "there is no such list", f"{at}.value")
            case InGroup():
                self.named(row.name, at)
                if row.name and name_of(row.name) not in dict(self.given.groups):
                    self.wrong("build.group", "there is no such group", f"{at}.value")
            case Earlier():
                self.earlier(row, at)
            case Expression():
                self.expression(row.text, at)
            case Statement():
                self.statement(row.sql, at)
            case Other():
                self.other(row.text, at)
        if (len(self.problems), len(self.unfinished)) == before:
            self.good.add(at)
        return row

    def wrong(self, code: str, message: str, at: str, **fields: Any) -> None:
        """Something is wrong there."""
        self.problems.append(Problem(code, message, at=at, fields=fields))

    def named(self, name: str, at: str) -> None:
        """A name, which may not be chosen yet."""
        if not name:
            self.unfinished.append(at)

    def condition(self, row: Condition, at: str) -> Condition:
        """With values in the way that the language has them."""
        known = self.given.field(row.field)
        if not row.field:
            self.unfinished.append(at)
            return row
        if known is None:
            self.wrong("build.field", "there is no such field any more", f"{at}.field")
            return row
        operators = OPERATORS.get(known.kind, ())
        if row.operator not in operators:  # as where another field was chosen
            row = replace(row, operator=operators[0] if operators else "", values=() if row.operator else row.values)
        if row.operator == "" or row.operator in WITHOUT_VALUE:
            return replace(row, values=())
        typed = tuple(value for value in row.values if value.strip())
        if not typed:
            self.unfinished.append(at)
            return replace(row, values=())
        typed = tuple(dict.fromkeys(typed)) if row.operator in SEVERAL else typed[:1]
        return replace(row, values=tuple(self.value(one, known, at) for one in typed))

    def value(self, typed: str, known: FieldView, at: str) -> str:
        """The value as the language has it; as it was typed where it is wrong."""
        place = f"{at}.value"
        if len(typed) > LONGEST:
            self.wrong("build.long", "this is too long", place, most=LONGEST)
        elif known.values and typed not in known.values:
            self.wrong("build.value", "this is none of the values of the field", place)
        elif known.kind in ("int", "decimal", "double"):
            number = _number(typed)
            if number is None or abs(number) >= 10**18:
                self.wrong("build.number", "this is no number", place)
            elif known.kind == "int" and number != number.to_integral_value():
                self.wrong("build.whole", "this is no whole number", place)
            else:
                return f"{number.to_integral_value():f}" if number == number.to_integral_value() else f"{number:f}"
        elif known.kind == "date" and not _is_day(typed):
            self.wrong("build.day", "this is no day", place)
        return typed

    def earlier(self, row: Earlier, at: str) -> None:
        """A case with its outcome."""
        if not row.case or not row.outcome:
            self.unfinished.append(at)
            return
        asked = {"of": row.case, "outcome": row.outcome, "wave": row.wave or None, "within": row.within or None}
        try:
            Feedback.model_validate({"feedback": asked})
        except ValueError:
            self.wrong("build.earlier", "the span is written as 30d", f"{at}.within")
            return
        if row.case.startswith("form."):
            self.wrong("build.form", "no form is at hand here", f"{at}.case")

    def expression(self, text: str, at: str) -> None:
        """A rule as text."""
        if not text.strip():
            self.unfinished.append(at)
            return
        types = self.given.types
        try:
            compile_expression(text, Scope({"c": customer_type(types)}), gives=BOOL)
        except InvalidExpression as error:
            self.problems += [replace(one, at=f"{at}.text") for one in error.problems]

    def other(self, text: str, at: str) -> None:
        """A source as JSON, which no page lets anybody write; it is checked as a whole when it is counted."""
        try:
            is_source = len(text) <= LONGEST and isinstance(json.loads(text), dict)
            if is_source:
                counting.source_of(json.loads(text))
        except (ValueError, RecursionError, InvalidForm):
            is_source = False
        if not is_source:
            self.wrong("build.other", "this part cannot be read", f"{at}.text")

    def statement(self, text: str, at: str) -> None:
        """A statement, which only authors write."""
        if not text.strip():
            self.unfinished.append(at)
            return
        if not self.given.writes_sql and text not in self.kept:
            self.wrong("source.sql", "statements are written by authors of definitions", f"{at}.text")
            return
        tables = frozenset(self.given.tables)
        found = check_sql(text, readable_tables(self.given.types, tables, self.given.tables))
        if not isinstance(found, CheckedSql):
            self.problems += [replace(one, at=f"{at}.text") for one in found]


def _number(typed: str) -> Decimal | None:
    """38, 1,200.50, ３８ or 3万; None where it is none."""
    plain = unicodedata.normalize("NFKC", typed).replace(",", "").replace("−", "-").replace(" ", "")
    times = MANY.get(plain[-1:], 1)
    try:
        number = Decimal(plain[:-1] if times > 1 else plain) * times
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 40 else None


def _is_day(typed: str) -> bool:
    try:
        return date.fromisoformat(typed).isoformat() == typed
    except ValueError:
        return False

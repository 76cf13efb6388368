"""What a customer group says, looked at before it is kept: its source against the customers that there are, and its own
tests, which are run by the engine that selects.

A test is a customer made up for it, {in: {arpu: 120}} or {out: {arpu: 12}}: fields that it does not name are blank.
Refuses a source that needs a form: a group means the same customers whatever case names it.
"""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.compile import Selection, Subject, compile_audience, customer_type, readable_tables
from engine.audience.groups import Lookup, expanded_source, field_of, name_of
from engine.audience.plan import AudiencePlan
from engine.audience.sources import Rule, SourceKind
from engine.audience.sql import CheckedSql, check_sql
from engine.definition.document import Document
from engine.definition.shape import shape_of
from engine.errors import InvalidDefinition, InvalidExpression, InvalidForm, Problem
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, nearest
from engine.service import earlier, whereabouts
from engine.service.app import Countersign
from engine.values import canonical_json
from engine.warehouse.dataset import Column, DataFile, Version
from engine.warehouse.freeze import LIST
from engine.warehouse.run import Limits

MOST_BYTES = 64 * 1024
MOST_DEEP = 20
MOST_TESTS = 50
LONGEST = 20
"""Seconds that a page waits for the tests or a count."""
SALT = "group"
Test = Mapping[str, Any]


def read_source(app: Countersign, source: Any, lookup: Lookup, *, name: str, tests: Sequence[Test] = ()) -> SourceKind:
    """The source with the groups in it written out. InvalidForm has every problem of it and of its tests at its place,
    as `source.union.0.rule`; NoCustomers where there are none to check it against."""
    version = current(app)
    plan, problems = _plan(source)
    if plan:
        problems += [*_rules(plan, version), *_statements(plan, version), *_groups(plan, lookup, name)]
    problems += _rows(tests, version.tables["customers"].columns)[1]
    if problems or plan is None:
        raise InvalidForm(problems)
    try:
        found = expanded_source(plan.source, lookup, of=name)
        compiled(app, version, plan_of(found))
    except InvalidDefinition as error:
        raise InvalidForm([_at(problem, "source") for problem in error.problems]) from error
    return found


def current(app: Countersign) -> Version:
    """The customers as they are now. NoCustomers where there are none."""
    return whereabouts.existing(app).version


def compiled(app: Countersign, version: Version, plan: AudiencePlan) -> Selection:
    """The selection of a plan that belongs to no case."""
    return compile_audience(
        plan,
        fields=version.columns["customers"],
        tables=frozenset(version.tables),
        subject=Subject(),
        as_of=app.now(),
        salt=SALT,
        columns=version.columns,
        measured=(),
    )


def plan_of(source: SourceKind) -> AudiencePlan:
    """A plan whose customers are those of a source that was read before, groups and all."""
    return AudiencePlan(source=Rule(rule="true")).model_copy(update={"source": source})


def limits_of(app: Countersign) -> Limits:
    """What a count that a page waits for may use."""
    return Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))


def failing(app: Countersign, source: SourceKind, tests: Sequence[Test], *, person: str) -> tuple[Problem, ...]:
    """The tests that the source does not pass, each at its place. InvalidForm where a test cannot be read; `person`:
    whose earlier cases it may look at."""
    if not tests:
        return ()
    base = whereabouts.existing(app)
    version = base.version
    rows, wrong = _rows(tests, version.tables["customers"].columns)
    if wrong:
        raise InvalidForm(wrong)
    selection = compiled(app, version, plan_of(source))
    with tempfile.TemporaryDirectory(prefix=".tests-", dir=base.dataset.folder) as scratch:
        folder = Path(scratch)
        beside = {
            "customers": _written(folder, rows),
            **earlier.outcomes(app, person, selection, folder, base),
        }
        base.select(selection, folder, beside=beside, limits=limits_of(app))
        chosen = set(pq.read_table(folder / LIST, columns=["customer"])["customer"].to_pylist())
    return tuple(_told(number, test) for number, test in enumerate(tests) if _fails(rows, number, test, chosen))


def _fails(rows: pa.Table, number: int, test: Test, chosen: set[str]) -> bool:
    return (rows["customer"][number].as_py() in chosen) != ("in" in test)


def _told(number: int, test: Test) -> Problem:
    wanted = "in" if "in" in test else "out"
    shown = ", ".join(f"{name}: {value}" for name, value in test[wanted].items())[:200] or "a customer without values"
    message = f"test {number + 1} fails: {shown} should be {wanted} and is not"
    return Problem("D150", message, at=f"tests.{number}", fields={"number": number + 1, "row": shown, "wanted": wanted})


def _plan(source: Any) -> tuple[AudiencePlan | None, list[Problem]]:
    if not isinstance(source, Mapping):
        hint = "write one kind with what belongs to it, as rule: c.FIELD >= 1"
        return None, [Problem("E112", "a source is a mapping of one kind", hint, at="source")]
    if _depth(source) > MOST_DEEP or len(canonical_json(source)) > MOST_BYTES:
        message = f"the source is larger than {MOST_BYTES // 1024} KB, or deeper than {MOST_DEEP} levels"
        return None, [Problem("E331", message, "save a part of it as a group of its own", at="source")]
    wrong = shape_of(Document("", {"source": source}), AudiencePlan).problems
    if wrong:
        return None, [_at(problem, problem.at or "source") for problem in wrong]
    return AudiencePlan.model_validate({"source": source}), []


def _depth(value: Any) -> int:
    """How deep it is; counted without recursion, because nobody has looked at it yet."""
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for one in level
            if isinstance(one, Mapping | list | tuple)
            for inner in (one.values() if isinstance(one, Mapping) else one)
        ]
        if deepest > MOST_DEEP + 1:
            break
    return deepest - 1


def _rules(plan: AudiencePlan, version: Version) -> Iterator[Problem]:
    scope = Scope({"c": customer_type(version.columns["customers"])})
    for path, text in plan.expressions():
        if path[0] != "source":
            continue  # the cell that a plan has by itself
        try:
            compile_expression(text, scope, gives=BOOL)
        except InvalidExpression as error:
            yield from (_at(problem, _dotted(path)) for problem in error.problems)


def _statements(plan: AudiencePlan, version: Version) -> Iterator[Problem]:
    tables = readable_tables(version.columns["customers"], frozenset(version.tables), version.columns)
    for path, text in plan.statements():
        checked = check_sql(text, tables)
        if not isinstance(checked, CheckedSql):
            yield from (_at(problem, _dotted(path)) for problem in checked)


def _groups(plan: AudiencePlan, lookup: Lookup, name: str) -> Iterator[Problem]:
    """Names that stand for nothing; circles and what is wrong further in are found when all is written out."""
    for path, text in plan.groups():
        if not field_of(text) and name_of(text) != name and lookup(text) is None:
            message = f"there is no customer group {text}"
            yield Problem("E216", message, "it was never saved, or it was ended", at=_dotted(path))
    named = [(path, wanted.of) for path, wanted in plan.feedbacks() if wanted.field]
    for path, text in (*named, *((path, text) for path, text in plan.groups() if field_of(text))):
        message = f"a saved group knows no form: {text} stands for nothing"
        yield Problem("E330", message, "name the case or the group itself", at=_dotted(path))


def _dotted(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))


def _at(problem: Problem, at: str) -> Problem:
    return Problem(problem.code, problem.message, problem.hint, at, fields=problem.fields)


def _rows(tests: Sequence[Test], columns: Sequence[Column]) -> tuple[pa.Table, list[Problem]]:
    """The customers of the tests, typed as the dataset's, and every test that cannot be read."""
    types = {column.name: column.type for column in columns}
    if len(tests) > MOST_TESTS:
        return pa.table({}), [Problem("D151", f"at most {MOST_TESTS} tests", at="tests")]
    problems: list[Problem] = []
    rows: list[dict[str, Any]] = []
    for number, test in enumerate(tests):
        row, wrong = _row(test, types, f"tests.{number}")
        rows.append({"customer": f"test-{number + 1}", **row})
        problems += wrong
    named = [row["customer"] for row in rows]
    twice = sorted({one for one in named if named.count(one) > 1})
    if twice:
        problems.append(
            Problem("D154", f"two tests are about customer {twice[0]}", at="tests", fields={"id": twice[0]})
        )
    made = {name: pa.array([row.get(name) for row in rows], _arrow(kind)) for name, kind in types.items()}
    return pa.table(made), problems


def _row(test: Any, types: Mapping[str, str], at: str) -> tuple[dict[str, Any], list[Problem]]:
    keys = set(test) if isinstance(test, Mapping) else set()
    wanted = next(iter(keys & {"in", "out"}), "")
    if len(keys) != 1 or not wanted or not isinstance(test[wanted], Mapping):
        hint = "write in: or out:, and the fields with their values"
        return {}, [Problem("D151", "this is no test of a group", hint, at=at)]
    row, problems = {}, []
    for name, value in test[wanted].items():
        if name not in types:
            message, hint = f"the customers have no field {name}", nearest(str(name), tuple(types))
            problems.append(Problem("D152", message, hint, f"{at}.{wanted}.{name}", fields={"name": str(name)}))
            continue
        try:
            row[name] = None if value is None else _typed(value, types[name])
        except (ValueError, TypeError, InvalidOperation):
            message = f"{str(value)[:60]!r} is no value for {name}, which is {types[name]}"
            told = {"name": name, "type": types[name], "value": str(value)[:60]}
            problems.append(Problem("D153", message, at=f"{at}.{wanted}.{name}", fields=told))
    return row, problems


def _typed(value: Any, kind: str) -> Any:
    if isinstance(value, Mapping | list) or isinstance(value, bool) != (kind == "bool"):
        raise TypeError(kind)
    match kind.partition("(")[0]:
        case "text":
            return str(value)
        case "int":
            return _whole(value)
        case "decimal":
            return _exact(value, _scale(kind))
        case "double":
            return float(value)
        case "date":
            return date.fromisoformat(str(value))
        case "timestamp":
            return datetime.fromisoformat(str(value)).replace(tzinfo=None)
        case _:
            return value


def _whole(value: Any) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value() or abs(number) >= 2**63:
        raise ValueError(value)
    return int(number)


def _exact(value: Any, scale: int) -> Decimal:
    number = Decimal(str(value)).quantize(Decimal(1).scaleb(-scale))
    if number != Decimal(str(value)) or abs(number) >= 10 ** (18 - scale):
        raise ValueError(value)
    return number


def _scale(kind: str) -> int:
    """Of `decimal(2)`; a plain `decimal` takes what most figures have."""
    return int(kind[-2]) if kind.endswith(")") else 6


def _arrow(kind: str) -> pa.DataType:
    plain = {
        "text": pa.string(),
        "int": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
    }
    return plain[kind] if kind in plain else pa.decimal128(18, _scale(kind))


def _written(folder: Path, rows: pa.Table) -> DataFile:
    path = folder / "customers.parquet"
    pq.write_table(rows, path)
    content = path.read_bytes()
    return DataFile(path.name, rows.num_rows, len(content), hashlib.sha256(content).hexdigest())

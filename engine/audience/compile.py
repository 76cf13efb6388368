"""From an audience section to ONE selection statement, as a sqlglot tree.

The statement reads the customer table once. For every customer of the source it gives `bits` (bit n set = the n-th
exclusion applies), and, for those nobody removes, `cell` and `draw`. The frozen list, the waterfall and every other
figure follow from that result without another scan of customers or contacts. Refuses a plan with any problem, and
reports all of them at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from engine.audience.exclusions import ContactedWithin
from engine.audience.grouping import NO_CELL, cell_of, draw_of, in_no_cell, threshold_in
from engine.audience.plan import AudiencePlan
from engine.audience.sources import FeedbackOf
from engine.audience.sql import AS_OF, CheckedSql, check_sql, parameters_of
from engine.audience.sql_names import ANY_LIST, Tables
from engine.errors import InvalidDefinition, InvalidExpression, Problem
from engine.expr import compile_expression
from engine.expr.types import BOOL, DATE, DECIMAL, INT, TEXT, TIMESTAMP, Record, Scope, Type, nearest
from engine.values import NO_TEXT, Bilingual

FIELD_TYPES: Mapping[str, Type] = {
    "text": TEXT,
    "int": INT,
    "decimal": DECIMAL,
    "double": DECIMAL,
    "bool": BOOL,
    "date": DATE,
    "timestamp": TIMESTAMP,
}

KNOWN_TABLES: Mapping[str, Mapping[str, str]] = {
    "contacts": {
        "customer": "text",
        "at": "timestamp",
        "case_number": "text",
        "category": "text",
        "offer": "text",
        "channel": "text",
        "outcome": "text",
    },
    "owned": {"customer": "text", "offer": "text", "since": "timestamp", "until": "timestamp"},
    "conflicts": {"offer": "text", "other": "text"},
    "blacklist": {"customer": "text", "channel": "text", "reason": "text"},
    "greylist": {"customer": "text", "channel": "text", "reason": "text"},
}
"""Tables that an exclusion may read. One that a dataset does not have yet has no rows: nobody was ever contacted."""
SUPPRESSED = frozenset({"blacklist", "greylist"})
"""Tables that no statement of a user reads: to be left out is what they are for."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the case itself is about, as far as exclusions compare with it."""

    offer: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """One exclusion as it stands in the bitmask: its position is its bit."""

    name: str
    label: Bilingual = NO_TEXT


@dataclass(frozen=True, slots=True)
class Wanted:
    """Customers by their outcome in an earlier case: the selection reads them from `table`, which whoever runs it
    makes. `case` is a number, as the definition or the form gives it."""

    table: str
    case: str
    outcome: str
    wave: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Selection:
    """A compiled audience. `tables` are the tables the statement reads: the dataset's, and those of `earlier`."""

    statement: exp.Select
    rungs: tuple[Rung, ...]
    tables: frozenset[str]
    threshold: str
    control_min: int
    salt: str
    as_of: datetime
    cells: tuple[str, ...]
    contacts_since: datetime | None = None
    """No older contact matters, so older files need not be read."""
    earlier: tuple[Wanted, ...] = ()

    def sql(self, dialect: str = "duckdb") -> str:
        """The statement as text."""
        return self.statement.sql(dialect=dialect, pretty=True)


@dataclass
class _Compiler:
    """Implements Claims over one dataset version; keeps the tables it met and every problem."""

    fields: Mapping[str, str]
    known: frozenset[str]
    facts: Subject
    as_of: datetime
    scope: Scope
    values: Mapping[str, Any]
    readable: Tables = field(default_factory=dict)
    earlier_: dict[FeedbackOf, Wanted] = field(default_factory=dict)
    reads_all_contacts: bool = False
    tables: set[str] = field(default_factory=lambda: {"customers"})
    problems: list[Problem] = field(default_factory=list)

    def claim(self, rule: str) -> exp.Expr:
        columns = {f"c.{name}": exp.column(name, "c", quoted=True) for name in self.fields}
        try:
            tree = compile_expression(rule, self.scope, gives=BOOL).sql(columns, self.values)
        except InvalidExpression as error:
            self.problems += [problem for problem in error.problems if problem not in self.problems]
            return exp.false()
        return tree if isinstance(tree, exp.Boolean) else exp.func("COALESCE", tree, exp.false())

    def in_list(self, name: str) -> exp.Expr:
        if f"list_{name}" not in self.known:
            lists = tuple(table.removeprefix("list_") for table in self.known if table.startswith("list_"))
            message = f"there is no imported list {name!r}"
            self.problems.append(Problem(code="E207", message=message, hint=nearest(name, lists) or "none is imported"))
        return self.among(f"list_{name}", "customer")

    def among(self, table: str, column: str, where: exp.Expr | None = None) -> exp.Expr:
        self.tables.add(table)
        chosen = exp.select(exp.column(column)).from_(table).where(exp.column(column).is_(exp.null()).not_())
        if where is not None:
            chosen = chosen.where(where)
            self.tables |= {found.name for found in where.find_all(exp.Table)}
        return exp.column("customer", "c").isin(query=chosen)

    def statement(self, sql: str) -> exp.Expr:
        checked = check_sql(sql, self.readable, parameters_of(self.scope))
        if not isinstance(checked, CheckedSql):
            self.problems += [problem for problem in checked if problem not in self.problems]
            return exp.false()
        self.tables |= checked.tables
        self.reads_all_contacts |= "contacts" in checked.tables
        given = {name: self.parameter(name) for name in checked.parameters}
        tree = checked.tree.transform(lambda node: given[node.name] if isinstance(node, exp.Placeholder) else node)
        named = exp.TableAlias(this=exp.to_identifier("chosen"), columns=[exp.to_identifier("customer")])
        customer = exp.column("customer", "chosen")
        chosen = exp.select(customer).from_(exp.Subquery(this=tree, alias=named))
        return exp.column("customer", "c").isin(query=chosen.where(customer.copy().is_(exp.null()).not_()))

    def parameter(self, name: str) -> exp.Expr:
        """The value of a parameter, as it stands in the statement."""
        if name == AS_OF:
            return exp.cast(exp.Literal.string(self.as_of.isoformat(" ", "seconds")), exp.DType.TIMESTAMP)
        record, _, of = name.partition("_")
        return exp.paren(compile_expression(f"{record}.{of}", self.scope).sql({}, self.values))

    def earlier(self, wanted: FeedbackOf) -> exp.Expr:
        case = str((self.values.get("form") or {}).get(wanted.field) or "") if wanted.field else wanted.of
        if not case:
            message = f"the form names no earlier case: {wanted.field} is empty"
            self.problems.append(Problem("E214", message, "fill it in", at=wanted.field))
        table = f"feedback_{len(self.earlier_) + 1}"
        since = self.as_of - wanted.within.on_the_clock() if wanted.within else None
        found = self.earlier_.setdefault(wanted, Wanted(table, case, wanted.outcome, wanted.wave or "", since))
        return self.among(found.table, "customer")

    def subject(self, fact: str, needed_by: str) -> tuple[str, ...]:
        values: tuple[str, ...] = getattr(self.facts, fact)
        if not values and needed_by:
            message = f"exclusion {needed_by} compares the {fact} of the case, which it does not state"
            self.problems.append(Problem(code="E208", message=message))
            return ("",)
        return values


def customer_type(fields: Mapping[str, str]) -> Record:
    """The type of `c`, from field names and the types that the dataset or the catalogue gives them."""
    return Record({name: FIELD_TYPES[kind.partition("(")[0]] for name, kind in fields.items()}, "customer")


def readable_tables(
    fields: Mapping[str, str],
    tables: frozenset[str] | None = None,
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> Tables:
    """What a statement of a user may read, with the columns as far as they are known.

    `tables` and `columns` are what the dataset has; without them, where no dataset is at hand, any list may be named.
    """
    known: dict[str, Mapping[str, str] | None] = {**KNOWN_TABLES}
    known |= {"offers": None, ANY_LIST: None} if tables is None else dict.fromkeys(tables - set(known))
    known |= columns or {}
    return {name: found for name, found in known.items() if name not in SUPPRESSED} | {"customers": fields or None}


def compile_audience(
    plan: AudiencePlan,
    *,
    fields: Mapping[str, str],
    tables: frozenset[str],
    subject: Subject,
    as_of: datetime,
    salt: str,
    scope: Scope | None = None,
    values: Mapping[str, Any] | None = None,
    columns: Mapping[str, Mapping[str, str]] | None = None,
) -> Selection:
    """The selection of `plan` over a dataset with these customer `fields` (name -> type) and `tables`.

    `columns` are those of the tables, as far as they are known, for statements of users. `scope` and `values` are what
    expressions may name beside the customer `c` (the form, the params). Raises InvalidDefinition with every problem.
    `as_of` is aware; the same arguments give the same statement.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a zone")
    moment = as_of.astimezone(UTC).replace(tzinfo=None)
    compiler = _Compiler(
        fields=fields,
        known=tables,
        facts=subject,
        as_of=moment,
        scope=(scope or Scope()).plus(c=customer_type(fields)),
        values=values or {},
        readable=readable_tables(fields, tables, columns),
    )
    compiler.problems += [problem for _, problem in plan.unsupported()]
    if compiler.problems:
        raise InvalidDefinition(compiler.problems)
    base = plan.source.claim(compiler)
    rungs = [(Rung(exclusion.name, exclusion.label), exclusion.applies(compiler)) for exclusion in plan.remove]
    cell = cell_of(dict(plan.cells), compiler)
    if next(reversed(plan.cells.values())).strip() != "true":
        rungs.append((Rung(NO_CELL, Bilingual(zh="不属任何客户群", en="In no cell")), in_no_cell(cell, plan, compiler)))
    draw = draw_of(plan.control, compiler, salt)
    if compiler.problems:
        raise InvalidDefinition(compiler.problems)
    windows = [exclusion.window for exclusion in plan.remove if isinstance(exclusion, ContactedWithin)]
    return Selection(
        statement=_statement(base, [applies for _, applies in rungs], cell, draw),
        rungs=tuple(rung for rung, _ in rungs),
        tables=frozenset(compiler.tables),
        threshold=threshold_in(plan.control),
        control_min=plan.control.min if plan.control else 0,
        salt=salt,
        as_of=as_of,
        cells=tuple(plan.cells),
        contacts_since=as_of - max(windows) if windows and not compiler.reads_all_contacts else None,
        earlier=tuple(compiler.earlier_.values()),
    )


def _statement(base: exp.Expr, exclusions: list[exp.Expr], cell: exp.Expr, draw: exp.Expr) -> exp.Select:
    """Base, bits, cell and draw in one SELECT over one scan of customers."""
    mask: exp.Expr = exp.Literal.number(0)
    for position, applies in enumerate(exclusions):
        bit = exp.Case().when(applies, exp.Literal.number(1 << position)).else_(exp.Literal.number(0))
        mask = bit if position == 0 else exp.Add(this=mask, expression=bit)
    marked = (
        exp.select(
            exp.column("customer", "c"),
            exp.cast(mask, exp.DataType.Type.BIGINT).as_("bits"),
            cell.as_("cell"),
            draw.as_("draw"),
        )
        .from_(exp.to_table("customers").as_("c"))
        .where(exp.column("customer", "c").is_(exp.null()).not_())
        .where(base)
    )
    kept = exp.EQ(this=exp.column("bits"), expression=exp.Literal.number(0))

    def if_kept(name: str) -> exp.Expr:
        return exp.Case().when(kept.copy(), exp.column(name)).as_(name)

    # Wrapped so that hash and cell are worked out for the customers that stay, not for those removed.
    kept_only = [if_kept(name) for name in ("customer", "cell", "draw")]
    return exp.select("bits", *kept_only).from_(marked.subquery("marked"))

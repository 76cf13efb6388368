"""From an audience section to ONE selection statement, as a sqlglot tree.

The statement reads the customer table once. For every customer of the source it gives `bits` (bit n set = the n-th
exclusion applies), and, for those nobody removes, `cell` and `draw`. The frozen list, the waterfall and every other
figure follow from that result without another scan of customers or contacts. Refuses a plan with any problem, and
reports all of them at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from engine.audience.asking import Home, Questions, questions
from engine.audience.capping import PolicyInForce
from engine.audience.conditions import condition
from engine.audience.exclusions import ContactedWithin, Household
from engine.audience.grouping import (
    NO_CELL,
    HoldoutInForce,
    cell_of,
    draw_of,
    in_no_cell,
    is_drawn,
    threshold_in,
)
from engine.audience.later import with_later
from engine.audience.plan import AudiencePlan, Cell
from engine.audience.question import Asking
from engine.audience.sources import FeedbackOf
from engine.audience.sql import AS_OF, CheckedSql, check_sql, parameters_of
from engine.audience.sql_names import ANY_LIST, Tables
from engine.audience.tally import Tally, tally
from engine.errors import InvalidDefinition, InvalidExpression, Problem
from engine.expr import compile_expression
from engine.expr.types import ADDRESS, BOOL, DATE, DECIMAL, INT, TEXT, TIMESTAMP, Record, Scope, Type, nearest
from engine.values import NO_TEXT, Bilingual

FIELD_TYPES: Mapping[str, Type] = {
    "text": TEXT,
    "int": INT,
    "decimal": DECIMAL,
    "double": DECIMAL,
    "bool": BOOL,
    "date": DATE,
    "timestamp": TIMESTAMP,
    "address": ADDRESS,
}

MEASURED_TYPES = ("int", "decimal", "double", "bool")
MOST_MEASURED = 40
MOST_IN_SMALLINT = 15

KNOWN_TABLES: Mapping[str, Mapping[str, str]] = {
    "contacts": {
        "customer": "text",
        "at": "timestamp",
        "case_number": "text",
        "category": "text",
        "offer": "text",
        "channel": "text",
        "outcome": "text",
        "purpose": "text",
    },
    "owned": {"customer": "text", "offer": "text", "since": "timestamp", "until": "timestamp"},
    "conflicts": {"offer": "text", "other": "text"},
    "blacklist": {"customer": "text", "channel": "text", "reason": "text", "since": "timestamp"},
    "greylist": {"customer": "text", "channel": "text", "reason": "text", "since": "timestamp"},
    "arbitration": {"customer": "text", "case_number": "text", "lost_by": "text"},
}
"""Tables that an exclusion may read. One that a dataset does not have yet has no rows: nobody was ever contacted."""
SUPPRESSED = frozenset({"blacklist", "greylist", "arbitration"})
"""Tables that no statement of a user reads: to be left out is what they are for."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the case itself is about, as far as exclusions compare with it. `family` and `tag` are the offers that share
    the family or a tag with the case's own; `requires` are the rules of its offers by code. `named` are the offers that
    the form names, which a cell without one of its own has; by default all."""

    offer: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    requires: Mapping[str, str] = field(default_factory=dict)
    named: tuple[str, ...] | None = None


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
    """A compiled audience. `tables` are the tables the statement reads: the dataset's, and those of `earlier`.
    `measured` are the customer fields whose balance between target and control is looked at; `is_drawn`: chance makes
    the control group."""

    statement: exp.Select
    rungs: tuple[Rung, ...]
    tables: frozenset[str]
    threshold: str
    control_min: int
    salt: str
    as_of: datetime
    cells: tuple[str, ...]
    offers: Mapping[str, str] = field(default_factory=dict)
    """The offers of cells that have one of their own."""
    contacts_since: datetime | None = None
    """No older contact matters, so older files need not be read."""
    earlier: tuple[Wanted, ...] = ()
    control_min_per_cell: int = 0
    is_drawn: bool = False
    measured: tuple[str, ...] = ()
    holdout: HoldoutInForce | None = None
    policy: PolicyInForce | None = None
    questions: Questions | None = None
    tally: Tally | None = None
    score: exp.Expr | None = None
    """What arbitration ranks a customer `c` by, where the plan says it."""
    groups: tuple[str, ...] = ()
    """The versions of saved groups in it, as NAME@VERSION."""

    def sql(self, dialect: str = "duckdb") -> str:
        """The statement as text."""
        return self.statement.sql(dialect=dialect, pretty=True)

    def asking(self, dialect: str = "duckdb") -> Asking | None:
        """What answers for one customer, as text."""
        return self.questions.asking(dialect) if self.questions else None


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
    consents: Mapping[str, str] = field(default_factory=dict)
    holdout: HoldoutInForce | None = None
    policy: PolicyInForce | None = None
    divided: Mapping[str, Cell] = field(default_factory=dict)
    earlier_: dict[FeedbackOf, Wanted] = field(default_factory=dict)
    reads_all_contacts: bool = False
    runs_statements: bool = False
    tables: set[str] = field(default_factory=lambda: {"customers"})
    problems: list[Problem] = field(default_factory=list)

    def claim(self, rule: str) -> exp.Expr:
        tree = self.value(rule, BOOL)
        return tree if isinstance(tree, exp.Boolean) else exp.func("COALESCE", tree, exp.false())

    def value(self, text: str, gives: Type | None = None) -> exp.Expr:
        """The value of an expression over the customer."""
        columns = {f"c.{name}": exp.column(name, "c", quoted=True) for name in self.fields}
        try:
            return compile_expression(text, self.scope, gives=gives).sql(columns, self.values)
        except InvalidExpression as error:
            self.problems += [problem for problem in error.problems if problem not in self.problems]
            return exp.false()

    def cells(self, needed_by: str) -> tuple[tuple[str, exp.Expr, tuple[str, ...]], ...]:
        form, found = self.values.get("form") or {}, []
        for name, cell in self.divided.items():
            own = cell.offer_in(form)
            shared = self.facts.offer if self.facts.named is None else self.facts.named
            offers = (own,) if own else shared or self.subject("named", needed_by)
            found.append((name, self.claim(cell.when), offers))
        return tuple(found)

    def requirements(self, offers: tuple[str, ...]) -> tuple[exp.Expr, ...]:
        rules = dict.fromkeys(self.facts.requires[code] for code in offers if code in self.facts.requires)
        return tuple(self.claim(rule) for rule in rules)

    def consent(self, name: str) -> exp.Expr:
        field_name = self.consents.get(name)
        if field_name is None or field_name not in self.fields:
            message = f"no customer field says whether customers agreed to {name}"
            self.problems.append(Problem(code="E209", message=message, hint=nearest(name, tuple(self.consents))))
            return exp.false()
        return self.claim(f"c.{field_name}")

    def held_out(self) -> exp.Expr:
        return self.holdout.claim() if self.holdout else exp.false()

    def no_group(self, name: str) -> exp.Expr:
        self.problems.append(Problem(code="E216", message=f"there is no customer group {name}"))
        return exp.false()

    def capped(self) -> PolicyInForce | None:
        return self.policy if self.policy and self.policy.window else None

    def in_list(self, name: str) -> exp.Expr:
        if f"list_{name}" not in self.known:
            lists = tuple(table.removeprefix("list_") for table in self.known if table.startswith("list_"))
            message = f"there is no imported list {name!r}"
            self.problems.append(Problem(code="E207", message=message, hint=nearest(name, lists) or "none is imported"))
        return self.among(f"list_{name}", "customer")

    def among(
        self, table: str, column: str, where: exp.Expr | None = None, together: exp.Expr | None = None
    ) -> exp.Expr:
        self.tables.add(table)
        chosen = exp.select(exp.column(column)).from_(table).where(exp.column(column).is_(exp.null()).not_())
        if where is not None:
            chosen = chosen.where(where)
            self.tables |= {found.name for found in where.find_all(exp.Table)}
        if together is not None:
            chosen = chosen.group_by(exp.column(column)).having(together)
        return exp.column("customer", "c").isin(query=chosen)

    def statement(self, sql: str) -> exp.Expr:
        checked = check_sql(sql, self.readable, parameters_of(self.scope))
        if not isinstance(checked, CheckedSql):
            self.problems += [problem for problem in checked if problem not in self.problems]
            return exp.false()
        self.tables |= checked.tables
        self.runs_statements = True
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
            self.problems.append(Problem("E215", message, "fill it in", at=wanted.field))
        table = f"feedback_{len(self.earlier_) + 1}"
        since = self.as_of - wanted.within.on_the_clock() if wanted.within else None
        found = self.earlier_.setdefault(wanted, Wanted(table, case, wanted.outcome, wanted.wave or "", since))
        return self.among(found.table, "customer")

    def subject(self, fact: str, needed_by: str) -> tuple[str, ...]:
        values: tuple[str, ...] = getattr(self.facts, fact) or ()
        if not values and needed_by:
            called = "offer" if fact == "named" else fact
            message = f"exclusion {needed_by} compares the {called} of the case, which it does not state"
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
    known |= {name: with_later(name, found) for name, found in (columns or {}).items()}
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
    consents: Mapping[str, str] | None = None,
    holdout: HoldoutInForce | None = None,
    policy: PolicyInForce | None = None,
    measured: Collection[str] | None = None,
) -> Selection:
    """The selection of `plan` over a dataset with these customer `fields` (name -> type) and `tables`.

    `columns` are those of the tables, as far as they are known, for statements of users. `scope` and `values` are what
    expressions may name beside the customer `c` (the form, the params). `consents` are the fields that hold them by
    channel or purpose, `holdout` and `policy` are the versions in force, `measured` the fields whose balance is looked
    at: by default all numbers and flags. Raises InvalidDefinition with every problem. `as_of` is aware; the same
    arguments give the same statement.
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
        consents=consents or {},
        holdout=holdout,
        policy=policy,
        divided=plan.divided,
    )
    base = plan.source.claim(compiler)
    plain = [exclusion for exclusion in plan.remove if not isinstance(exclusion, Household)]
    rungs = [(Rung(exclusion.name, exclusion.label), exclusion.applies(compiler)) for exclusion in plain]
    cell = cell_of({name: one.when for name, one in plan.divided.items()}, compiler)
    if next(reversed(plan.divided.values())).when.strip() != "true":
        rungs.append((Rung(NO_CELL, Bilingual(zh="不属任何客户群", en="In no cell")), in_no_cell(cell, plan, compiler)))
    home = _home(plan.household, compiler, len(rungs))
    draw = draw_of(plan.control, compiler, salt)
    marks = (_mask([applies for _, applies in rungs]), cell.as_("cell"), draw.as_("draw"))
    if plan.household:
        rungs.append((Rung(plan.household.name, plan.household.label), exp.false()))
    asked = questions(
        plan.source,
        base,
        claims=[part.claim(compiler) for part in plan.source.walk()],
        marks=marks,
        proofs=[(exclusion.name, exclusion.evidence(compiler)) for exclusion in plain],
        home=home,
        narrow=not compiler.runs_statements,
    )
    wanted = plan.arbitration
    score = compiler.value(wanted.score) if wanted and wanted.score is not None else None
    if compiler.problems:
        raise InvalidDefinition(compiler.problems)
    windows = [exclusion.window for exclusion in plan.remove if isinstance(exclusion, ContactedWithin)]
    asks_policy = any(exclusion.kind == "policy" for exclusion in plan.remove)
    windows += [policy.window] if policy and policy.window and asks_policy else []
    return Selection(
        statement=_statement(base, marks, home, late=is_drawn(plan.control), cells_of_all=plan.looks_at_cells),
        rungs=tuple(rung for rung, _ in rungs),
        tables=frozenset(compiler.tables),
        threshold=threshold_in(plan.control),
        control_min=plan.control.min if plan.control else 0,
        salt=salt,
        as_of=as_of,
        cells=tuple(plan.cells),
        offers=plan.offers_in((values or {}).get("form") or {}),
        contacts_since=as_of - max(windows) if windows and not compiler.reads_all_contacts else None,
        earlier=tuple(compiler.earlier_.values()),
        control_min_per_cell=plan.control.min_per_cell if plan.control else 0,
        is_drawn=is_drawn(plan.control),
        measured=_measured(fields, measured),
        holdout=holdout if any(exclusion.kind == "holdout" for exclusion in plan.remove) else None,
        policy=policy if asks_policy else None,
        questions=asked,
        tally=tally(plan.source, compiler),
        score=score,
        groups=plan.used_groups,
    )


def _home(household: Household | None, compiler: _Compiler, bit: int) -> Home | None:
    if household is None:
        return None
    keep = exp.null() if household.keep is None else compiler.value(household.keep)
    return Home(compiler.value(household.household), keep, bit)


def _measured(fields: Mapping[str, str], wanted: Collection[str] | None) -> tuple[str, ...]:
    comparable = [name for name, kind in fields.items() if kind.partition("(")[0] in MEASURED_TYPES]
    return tuple(name for name in comparable if wanted is None or name in wanted)[:MOST_MEASURED]


def _mask(exclusions: list[exp.Expr]) -> exp.Expr:
    """The column `bits`: bit n is set where the n-th exclusion applies."""
    mask: exp.Expr = exp.Literal.number(0)
    for position, applies in enumerate(exclusions):
        bit = exp.Case().when(applies, exp.Literal.number(1 << position)).else_(exp.Literal.number(0))
        mask = bit if position == 0 else exp.Add(this=mask, expression=bit)
    # Small where it can be: ten million of them are held in memory.
    kind = exp.DataType.Type.SMALLINT if len(exclusions) <= MOST_IN_SMALLINT else exp.DataType.Type.BIGINT
    return exp.cast(mask, kind).as_("bits")


def _statement(
    base: exp.Expr, marks: Sequence[exp.Expr], home: Home | None, *, late: bool, cells_of_all: bool
) -> exp.Select:
    """Base, bits, cell and draw in one SELECT over one scan of customers. `late`: the draw is a hash of their id;
    `cells_of_all`: the cell is told of those removed as well."""
    bits, cell, draw = marks
    inner = (bits, cell) if late else (bits, cell, draw)
    marked = (
        exp.select(exp.column("customer", "c"), *inner, *(home.columns() if home else ()))
        .from_(exp.to_table("customers").as_("c"))
        .where(exp.column("customer", "c").is_(exp.null()).not_())
        .where(condition(base.copy()))
    )
    kept = exp.EQ(this=exp.column("bits"), expression=exp.Literal.number(0))
    if home:
        numbered = exp.select("customer", home.bits(kept).as_("bits"), *(mark.alias for mark in inner[1:]))
        marked = numbered.from_(marked.subquery("by_home"))

    def if_kept(value: exp.Expr, name: str) -> exp.Expr:
        return exp.Case().when(kept.copy(), value).as_(name)

    # The outer query is called c as well, and works the hash out for the customers that stay, not for those removed.
    drawn = draw.this.copy() if late else exp.column("draw")
    told = exp.column("cell") if cells_of_all else if_kept(exp.column("cell"), "cell")
    return exp.select("bits", if_kept(exp.column("customer"), "customer"), told, if_kept(drawn, "draw")).from_(
        marked.subquery("c")
    )

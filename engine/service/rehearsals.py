"""Rehearsals (预演): what the customers of a target would have paid under a tariff in the last months.

Every one is kept with all that went in, and none is overwritten, so that two can be laid side by side. One that
belongs to a case is seen by whoever sees the case. Refuses a target of so few customers that it would tell the bill of
one of them.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec
from sqlalchemy import Connection
from sqlglot import exp

from engine.audience.compile import customer_type
from engine.errors import (
    InvalidExpression,
    InvalidForm,
    NotFound,
    Problem,
    RehearsalFailed,
    SelectionFailed,
    TooFewCustomers,
)
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL
from engine.machine.case import Case
from engine.offers.figures import Rehearsed
from engine.offers.terms import Terms, kept_terms
from engine.service import estimating, fields
from engine.service.app import Countersign
from engine.service.authorizing import Action, allowed
from engine.service.cases import load_visible
from engine.service.offers import MANAGES, READS, choosable
from engine.service.recording import By, changing
from engine.service.rehearsal_views import Inputs, RehearsalLine, RehearsalView, view_of
from engine.service.rehearsed import line
from engine.service.sealing import dataset_of
from engine.service.views import Viewer
from engine.store import cases, rehearsals, snapshots, trail, visibility
from engine.store.offers import OFFERS
from engine.store.rehearsals import RehearsalRow
from engine.values import canonical_json
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.rehearsing import FROM_LIST, Target, last_months, months_there, rehearse
from engine.warehouse.run import Limits

RUNS: Action = "rehearsals.run"
LEAST = 10
"""Customers of whom usage is known: with fewer, figures would tell of one of them."""
LONGEST = 120
"""Seconds that a page waits for a rehearsal."""
LONGEST_RULE = 1000
LIST = "list.parquet"
MOST_COST = Decimal(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to rehearse, as it was typed. A `case` takes its frozen list or else its form; without one `rule` says who,
    empty: all customers. `fixed_cost` in CNY and `margin` in percent may be empty."""

    offer: str
    version: str
    months: str = "3"
    case: str = ""
    rule: str = ""
    fixed_cost: str = ""
    margin: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be rehearsed: tariffs as (code, version, name, state), months of usage that are there, the case."""

    tariffs: tuple[tuple[str, int, Terms, str], ...]
    months: tuple[str, ...]
    case_id: str = ""
    case_title: str = ""
    is_frozen: bool = False
    case_offer: str = ""


@dataclass(frozen=True, slots=True)
class _Read:
    """What was typed, read."""

    terms: Terms
    version: int
    months: tuple[str, ...]
    fixed_cost: str
    margin: str


def choices(app: Countersign, by: By, case_id: str = "") -> Choices:
    """For the form. NotFound where they may not run one or not see the case."""
    by.authorize(RUNS)
    there = months_there(dataset_of(app.settings).current())
    tariffs = choosable(app)
    if not case_id:
        return Choices(tariffs, there)
    with app.db.read() as tx:
        case = _case(app, tx, by, case_id)
        frozen = snapshots.newest(tx, case.id) is not None
    if not frozen and case.submitter != by.person:
        raise NotFound()
    title = str(case.form.get("title") or case.number or "")
    return Choices(tariffs, there, case.id, title, frozen, str(case.form.get("offer") or ""))


def run(app: Countersign, by: By, wanted: Wanted) -> int:
    """Make a rehearsal, keep it and give its number; the same key again gives the same one.

    InvalidForm names wrong fields, also months that are not there; TooFewCustomers where too little is known;
    RehearsalFailed and its like where the customers cannot be read.
    """
    by.authorize(RUNS)
    with app.db.read() as tx:
        done = trail.done_under(tx, by.key)
        case = _case(app, tx, by, wanted.case) if wanted.case and not done else None
    if done:
        return int(done.said["after"]["rehearsal"])
    dataset = dataset_of(app.settings)
    version = dataset.current()
    read = _read(app, version, wanted)
    limits = Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))
    try:
        with _target(app, by, dataset, version=version, rule=_rule(wanted), case=case) as (kind, target, scratch):
            made = rehearse(dataset, version, read.terms.tariff, target, read.months, scratch=scratch, limits=limits)
    except SelectionFailed as error:
        raise RehearsalFailed(reason=error.fields.get("reason") or error.message) from error
    if made.figures.all.known < LEAST:
        raise TooFewCustomers(known=made.figures.all.known, least=LEAST)
    inputs = Inputs(
        target=kind,
        rule="" if case else _rule(wanted),
        list=target.digest,
        months=read.months,
        dataset=version.number,
        files=tuple((one.path, one.sha256) for one in made.inputs),
        sql=made.sql,
        terms=read.terms.written(),
        fixed_cost=read.fixed_cost,
        margin=read.margin,
    )
    with changing(app, by, None) as change:
        OFFERS.lock(change.tx)
        again = change.done_before()
        if again:
            return int(again.said["after"]["rehearsal"])
        number = rehearsals.save(
            change.tx,
            offer=wanted.offer,
            version=read.version,
            case_id=case.id if case else "",
            by=by.person,
            at=change.now,
            digest=digest_of(wanted.offer, read.version, inputs, made.figures),
            inputs=msgspec.json.encode(inputs).decode(),
            figures=msgspec.json.encode(made.figures).decode(),
        )
        told = {"rehearsal": number, "version": read.version}
        change.note("rehearsal_made", f"offer {wanted.offer}", after=told)
    return number


def show(app: Countersign, by: By, number: int) -> RehearsalView:
    """One rehearsal. NotFound where it is not theirs to see."""
    by.authorize(READS)
    with app.db.read() as tx:
        row = rehearsals.find(tx, number)
        if row is None or not _may_see(app, tx, by, row):
            raise NotFound()
        return view_of(row, line(app, tx, row), LEAST)


def of_offer(app: Countersign, by: By, code: str) -> tuple[RehearsalLine, ...]:
    """Those of an offer that they may see, the newest first."""
    by.authorize(READS)
    with app.db.read() as tx:
        rows = rehearsals.of_offer(tx, code)
        return tuple(line(app, tx, row) for row in rows if _may_see(app, tx, by, row))


def beside(app: Countersign, by: By, view: RehearsalView) -> tuple[RehearsalLine, ...]:
    """The others that this one may be laid beside: of the same offer, or of the same case."""
    found = {one.number: one for one in of_offer(app, by, view.line.offer)}
    if view.line.case_id:
        with app.db.read() as tx:
            found |= {row.number: line(app, tx, row) for row in rehearsals.of_case(tx, view.line.case_id)}
    return tuple(found[number] for number in sorted(found, reverse=True) if number != view.line.number)


def digest_of(offer: str, version: int, inputs: Inputs, figures: Rehearsed) -> str:
    """sha256 of what went in and what came out, without what differs by machine."""
    plain = msgspec.to_builtins(
        msgspec.structs.replace(figures, engine="", cpu_seconds=0, peak_rss_kb=0), str_keys=True
    )
    told = {"offer": offer, "version": version, "inputs": msgspec.to_builtins(inputs), "figures": plain}
    return hashlib.sha256(canonical_json(told)).hexdigest()


def _read(app: Countersign, version: Version, wanted: Wanted) -> _Read:
    problems: list[Problem] = []
    number = int(wanted.version) if wanted.version.isdecimal() and len(wanted.version) < 9 else 0
    with app.db.read() as tx:
        row = OFFERS.find(tx, number, code=wanted.offer)
    terms = kept_terms(row.terms) if row else None
    if terms is None or not terms.replaces_the_bill:
        problems.append(Problem("rehearsal_tariff", "choose a version of a tariff with a monthly fee", at="tariff"))
    months: tuple[str, ...] = ()
    try:
        months = last_months(version, int(wanted.months) if wanted.months.isdecimal() and len(wanted.months) < 4 else 0)
    except InvalidForm as error:
        problems += error.problems
    cost = _decimal(wanted.fixed_cost, MOST_COST, "fixed_cost", problems)
    percent = _decimal(wanted.margin, Decimal(100), "margin", problems)
    if not wanted.case:
        problems += _wrong_rule(app, version, wanted)
    if problems or terms is None:
        raise InvalidForm(problems)
    return _Read(terms, number, months, cost, f"{Decimal(percent) / 100:f}" if percent else "")


@contextmanager
def _target(
    app: Countersign, by: By, dataset: Dataset, *, version: Version, rule: str, case: Case | None
) -> Iterator[tuple[str, Target, Path]]:
    """Whose bills, and a folder to spill into."""
    if case is None:
        with tempfile.TemporaryDirectory(prefix=".rehearsal-", dir=dataset.folder) as scratch:
            yield "rule", Target(_customers(version, rule)), Path(scratch)
        return
    with app.db.read() as tx:
        kept = snapshots.newest(tx, case.id)
    if kept is not None:
        with tempfile.TemporaryDirectory(prefix=".rehearsal-", dir=dataset.folder) as scratch:
            path = app.settings.data.resolve() / kept.folder / LIST
            yield "list", Target(FROM_LIST.sql, path, kept.digest), Path(scratch)
        return
    if case.submitter != by.person:
        raise NotFound()
    with estimating.counted(app, case) as count:
        digest = count.selected.result.digest
        yield "estimate", Target(FROM_LIST.sql, count.folder / LIST, digest), count.folder


def _rule(wanted: Wanted) -> str:
    return " ".join(wanted.rule.split()) or "true"


def _customers(version: Version, rule: str) -> str:
    """The customers for whom a rule holds; unknown is no."""
    there = _types(version)
    columns = {f"c.{name}": exp.column(name, "c", quoted=True) for name in there}
    held = compile_expression(rule, Scope().plus(c=customer_type(there)), gives=BOOL).sql(columns)
    query = exp.select(exp.column("customer", "c"), exp.Literal.string("").as_("cell"))
    query = query.from_(exp.to_table("customers").as_("c")).where(exp.func("COALESCE", held, exp.false()))
    return query.where(exp.column("customer", "c").is_(exp.null()).not_()).sql(dialect="duckdb")


def _wrong_rule(app: Countersign, version: Version, wanted: Wanted) -> list[Problem]:
    if "customers" not in version.tables:
        return [Problem("rehearsal_customers", "there are no customers yet", at="rule")]
    if len(wanted.rule) > LONGEST_RULE:
        fields_ = {"max": LONGEST_RULE, "length": len(wanted.rule)}
        return [Problem("form.too_long", f"at most {LONGEST_RULE} signs", at="rule", fields=fields_)]
    try:
        compile_expression(_rule(wanted), Scope().plus(c=customer_type(_types(version))), gives=BOOL)
    except InvalidExpression as error:
        return [
            Problem("D186", one.message, one.hint, at="rule", fields={"reason": one.message}) for one in error.problems
        ]
    return []


def _types(version: Version) -> dict[str, str]:
    return {column.name: column.type for column in version.tables["customers"].columns}


def _decimal(text: str, most: Decimal, at: str, problems: list[Problem]) -> str:
    typed = text.strip().removesuffix("%").replace(",", "").strip()
    if not typed:
        return ""
    try:
        value = Decimal(typed)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        problems.append(Problem("form.not_number", f"not a number: {typed[:40]}", at=at, fields={"value": typed[:40]}))
    elif value < 0:
        problems.append(Problem("D182", "it cannot be below 0", at=at))
    elif value > most:
        problems.append(Problem("form.too_large", f"at most {most}", at=at, fields={"max": most}))
    return typed


def _case(app: Countersign, tx: Connection, by: By, case_id: str) -> Case:
    if by.viewer is None:
        return cases.load(tx, case_id)
    case = load_visible(app, tx, by.viewer, case_id)
    if "offer" in fields.hidden(app, tx, by.person, case):
        raise NotFound()
    return case


def _may_see(app: Countersign, tx: Connection, by: By, row: RehearsalRow) -> bool:
    viewer: Viewer | None = by.viewer
    if viewer is None:
        return True
    if not row.case_id:
        return row.made_by == viewer.person or allowed(viewer, MANAGES)
    if not visibility.may_see(tx, viewer.person, row.case_id):
        return False
    return "offer" not in fields.hidden(app, tx, viewer.person, cases.load(tx, row.case_id))

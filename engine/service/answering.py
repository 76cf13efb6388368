"""Why one customer is in the audience of a case or out of it: of the frozen list, or of the proposal as it stands.

Whoever sees the case may ask; that they asked is written down, because the answer tells something about a person.
Refuses to give back more of the customer's number than everybody may see, and to name a case that is not theirs to see.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from engine.audience.groups import field_of
from engine.definition.model import Definition
from engine.errors import InvalidForm, NotFound, Problem
from engine.machine.case import Case
from engine.masking import masked
from engine.service import cell_views, estimating, fields, whereabouts
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.recording import By, changing
from engine.service.sealing import dataset_of
from engine.service.suppressing import CUSTOMER
from engine.service.views import Viewer
from engine.store import snapshots, visibility
from engine.values import NO_TEXT, Bilingual
from engine.warehouse.dataset import Version
from engine.warehouse.freeze import open_frozen
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Limits
from engine.warehouse.why import Removal, Why, of_count, of_frozen

NOTED = "customer_explained"
CASE = "case_number"


@dataclass(frozen=True, slots=True)
class PartView:
    """A part of the source, `depth` deep in the others, and whether it has the customer."""

    depth: int
    kind: str
    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class RemovalView:
    """An exclusion that applies, with the rows that show why: column -> value."""

    name: str
    label: Bilingual
    shown: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class WhyView:
    """The answer; numbers of customers are masked. `outcome`: target, control, removed, not_in_source, unknown. The
    first of `removals` is the one that removed the customer. `cell` is where grouping puts the customer, `offer` what
    its customers get where cells have offers of their own; an exclusion by cell (`conflicts_cell`, `eligible_cell`) was
    asked about that offer. `kept` stays in their place. `is_estimate`: nothing is frozen yet, it is as things stand
    now. `agrees`: the frozen list says the same."""

    case_id: str
    customer: str
    outcome: str
    is_estimate: bool
    as_of: str
    parts: tuple[PartView, ...] = ()
    removals: tuple[RemovalView, ...] = ()
    cell: str = ""
    offer: Bilingual = NO_TEXT
    draw: str = ""
    threshold: str = ""
    kept: str = ""
    agrees: bool = True


def explain_customer(app: Countersign, by: By, case_id: str, customer: str) -> WhyView:
    """The answer for the id, or the whole phone number, of a customer. InvalidForm where it is neither; NotFound where
    the viewer does not see the case, or it has no audience yet and is not their own."""
    viewer = by.viewer
    if viewer is None:
        raise NotFound()
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        row = snapshots.newest(tx, case.id)
    wanted = customer.strip()
    if not CUSTOMER.fullmatch(wanted) or "*" in wanted:
        told = "write the whole number of the customer or of their phone, without spaces"
        raise InvalidForm([Problem("customer_whole", told, at="customer")])
    if row is not None and case.facts.get("snapshot", row.id) is not None:
        found, as_of = _of_list(app, app.settings.data.resolve() / row.folder, wanted)
    else:
        row, (found, as_of) = None, _of_draft(app, viewer, case, wanted)
    with app.db.read() as tx:
        removals = tuple(_told(tx, viewer.person, one) for one in found.removals)
        unseen = fields.hidden(app, tx, viewer.person, case)
        is_told = _names_seen_groups(app.definition(case.process), unseen)
        offered = cell_views.offer_of(app, tx, case, unseen, cell=found.cell, offers=found.offers)
    with changing(app, by, None) as change:
        if not change.done_before():
            told_of = {"case": case.number or case.id}
            # Who was not found may have been asked for by the phone.
            subject = masked(wanted) if found.outcome == "unknown" else found.customer
            change.note(NOTED, f"customer {subject}", after=told_of)
    return WhyView(
        case_id=case.id,
        customer=masked(found.customer),
        outcome=found.outcome,
        is_estimate=row is None,
        as_of=as_of,
        parts=tuple(PartView(part.depth, part.kind, part.text, holds) for part, holds in found.parts)
        if is_told
        else (),
        removals=removals,
        cell=found.cell,
        offer=offered,
        draw=found.draw,
        threshold=found.threshold,
        kept=masked(found.kept) if found.kept else "",
        agrees=row is None or found.agrees,
    )


def _names_seen_groups(definition: Definition, unseen: frozenset[str]) -> bool:
    """Whether no group of the source comes from a field that the viewer does not see: its parts would tell which."""
    plan = definition.audience
    return plan is None or unseen.isdisjoint(field_of(text) for path, text in plan.groups() if path[0] == "source")


def _told(tx: Connection, person: str, removal: Removal) -> RemovalView:
    """A removal with what shows it; a case that is not the viewer's to see has an empty number there."""
    rows = []
    for row in removal.shown:
        number = row.values.get(CASE, "")
        rows.append(row.values | {CASE: ""} if number and is_hidden(tx, person, number) else row.values)
    return RemovalView(removal.name, removal.label, tuple(rows))


def is_hidden(tx: Connection, person: str, number: str) -> bool:
    """Whether a case of this number is here and not that person's to see."""
    return visibility.is_taken(tx, number) and visibility.named(tx, person, number) is None


def _of_list(app: Countersign, folder: Path, customer: str) -> tuple[Why, str]:
    frozen = open_frozen(folder)
    rules = of_frozen(frozen)
    here = CustomerBase(dataset_of(app.settings), Version())
    base = whereabouts.customers_of(app) if rules.place else here
    limits = Limits(app.settings.memory_limit, min(estimating.LONGEST, app.settings.selection_seconds))
    return base.why(folder, rules, customer, limits=limits), frozen.manifest.as_of


def _of_draft(app: Countersign, viewer: Viewer, case: Case, customer: str) -> tuple[Why, str]:
    if case.submitter != viewer.person or app.definition(case.process).audience is None:
        raise NotFound()
    with estimating.counted(app, case) as count:
        rules = of_count(count.selection, count.selected)
        found = count.base.why(count.folder, rules, customer, limits=count.limits)
    return found, count.selection.as_of.isoformat()


def shown_at(app: Countersign, viewer: Viewer, case_id: str) -> str:
    """The page that the question was asked on. NotFound where the viewer does not see the case."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        row = snapshots.newest(tx, case.id)
    is_draft = row is None and case.submitter == viewer.person
    return f"/cases/{case.id}/edit" if is_draft else f"/cases/{case.id}?tab=customers#parts"

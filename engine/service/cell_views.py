"""The cells of a selection as pages show them: what each is offered, how large it is, how alike its two groups are.

Refuses to show an offer that comes from a field which the reader does not see.
"""

from collections.abc import Collection, Mapping
from math import sqrt
from typing import Any

from sqlalchemy import Connection

from engine.audience.plan import FORM, AudiencePlan, Cell
from engine.audience.waterfall import Cube
from engine.definition.model import Definition
from engine.machine.case import Case
from engine.service import offering
from engine.service.app import Countersign
from engine.service.balancing import APART, balance_views
from engine.service.stage_views import CellView
from engine.values import NO_TEXT, Bilingual
from engine.warehouse.job import CellBalance


def counted(
    app: Countersign,
    tx: Connection,
    case: Case,
    unseen: Collection[str],
    *,
    cube: Cube,
    offers: Mapping[str, str],
    balances: Mapping[str, CellBalance],
) -> tuple[CellView, ...]:
    """The cells of a selection, as declared; `offers` are those that cells had of their own in it."""
    definition = app.definition(case.process)
    assert definition.audience is not None
    labels = _labels(app, tx, case, unseen, offers=offers)
    return tuple(
        CellView(
            name=name,
            when=cell.when,
            **_offered(cell, labels.get(name)),
            entered=cube.of_cell(name) if cube.tells_cells else None,
            target=target,
            control=control,
            **_alike(definition, balances.get(name)),
        )
        for name, cell, (target, control) in _with_sizes(definition.audience, cube)
    )


def declared(app: Countersign, tx: Connection, case: Case, unseen: Collection[str]) -> tuple[CellView, ...]:
    """The cells that a case will have; nobody was counted yet. Empty where there is one without an offer of its own."""
    plan = app.definition(case.process).audience
    if plan is None or not (len(plan.cells) > 1 or _has_offers(plan)):
        return ()
    labels = _labels(app, tx, case, unseen, offers=plan.offers_in(case.form))
    return tuple(CellView(name, cell.when, **_offered(cell, labels.get(name))) for name, cell in plan.divided.items())


def offer_of(
    app: Countersign, tx: Connection, case: Case, unseen: Collection[str], *, cell: str, offers: Mapping[str, str]
) -> Bilingual:
    """What the customers of a cell are offered, with its code; no text where no cell has an offer of its own, or the
    reader may not see it."""
    return _labels(app, tx, case, unseen, offers=offers).get(cell, ("", NO_TEXT))[1]


def _with_sizes(plan: AudiencePlan, cube: Cube) -> list[tuple[str, Cell, tuple[int, int]]]:
    sizes = cube.cells(plan.cells)
    nowhere = Cell(when="true")  # customers of an imported control group need no cell
    return [(name, plan.divided.get(name, nowhere), arms) for name, arms in sizes.items()]


def _has_offers(plan: AudiencePlan) -> bool:
    return any(cell.offer is not None for cell in plan.divided.values())


def _labels(
    app: Countersign, tx: Connection, case: Case, unseen: Collection[str], *, offers: Mapping[str, str]
) -> dict[str, tuple[str, Bilingual]]:
    """Cell -> code and label of its offer, of those that the reader may see; nothing where no cell has one of its
    own, because the proposal says it then."""
    plan = app.definition(case.process).audience
    if plan is None or not _has_offers(plan):
        return {}
    shared = case.form.get(offering.OFFER) if offering.OFFER not in unseen else None
    found: dict[str, str] = {}
    for name, cell in plan.divided.items():
        is_hidden = (cell.offer or "").startswith(FORM) and (cell.offer or "").removeprefix(FORM) in unseen
        code = "" if is_hidden else offers.get(name) or (shared if isinstance(shared, str) else "")
        if code:
            found[name] = code
    names = offering.names(app, tx, found.values())
    return {name: (code, names[code]) for name, code in found.items()}


def _offered(cell: Cell, found: tuple[str, Bilingual] | None) -> dict[str, Any]:
    code, label = found or ("", NO_TEXT)
    return {"offer": code, "offer_label": label, "has_own_offer": cell.offer is not None}


def _alike(definition: Definition, balance: CellBalance | None) -> dict[str, Any]:
    if balance is None:
        return {}
    arms = (balance.target, balance.control)
    return {
        "balance": balance_views(definition, balance.fields),
        "looked_at": arms,
        "is_small": not all(arms) or sqrt(sum(1 / arm for arm in arms)) > APART,
    }

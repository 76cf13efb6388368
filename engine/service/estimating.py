"""How many customers a form would reach, counted on the dataset as it is now. Counts only: no list is kept.

The same statement as the selection of the case, with a salt of its own, so the split into target and control is of the
same size but not the same customers. Refuses to wait long: a page is waiting.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from engine.audience.compile import Selection
from engine.audience.waterfall import Arm, Cube, Slot
from engine.errors import ExpressionFailed, Invalid, NotFound, SelectionFailed, Unavailable
from engine.machine.case import Case
from engine.service import cell_views, detecting, fields, lost, sampling, selecting, whereabouts
from engine.service.app import Countersign
from engine.service.audience_views import (
    complete,
    member_views,
    overlap_views,
    waterfall_rows,
)
from engine.service.balancing import balance_views
from engine.service.cases import load_visible
from engine.service.counting import PartCount, part_counts
from engine.service.stage_views import BalanceView, CellView, Detection, MemberView, OverlapView, WaterfallRow
from engine.service.views import Viewer
from engine.warehouse.freeze import LIST
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Limits, Selected

LONGEST = 20
"""Seconds that a page waits for a count."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The waterfall of a form, or why there is none (`failed`). `names` are the exclusions as declared, `order` that of
    the waterfall. `counts` are customers by what applies to them, from which every order follows: (bits, cell, arm,
    customers); exclusion n of `names` owns bit n."""

    as_of: datetime
    waterfall: tuple[WaterfallRow, ...] = ()
    target: int = 0
    control: int = 0
    failed: str = ""
    overlaps: tuple[OverlapView, ...] = ()
    balance: tuple[BalanceView, ...] = ()
    balanced: int = 0
    sample: tuple[MemberView, ...] = ()
    detection: Detection | None = None
    parts: tuple[PartCount, ...] = ()
    names: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    counts: tuple[tuple[int, str, Arm, int], ...] = ()
    by_cell: tuple[CellView, ...] = ()

    @property
    def is_reordered(self) -> bool:
        """Whether the waterfall is in another order than the declared one."""
        return self.order != self.names


@dataclass(frozen=True, slots=True)
class Count:
    """A selection that was counted; what it wrote is in `folder` as long as nobody leaves the block."""

    selection: Selection
    selected: Selected
    base: CustomerBase
    folder: Path
    limits: Limits


@contextmanager
def counted(app: Countersign, case: Case, *, with_parts: bool = False) -> Iterator[Count]:
    """Count the customers of the form as saved. SelectionFailed, Invalid, ExpressionFailed, Unavailable say why not."""
    base = whereabouts.customers_of(app)
    selection = selecting.estimate_of(app, case, base)
    dataset = base.dataset
    limits = Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))
    dataset.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".estimate-", dir=dataset.folder) as scratch:
        folder = Path(scratch)
        beside = {
            **selecting.beside(app, case, selection, folder, base),
            **lost.written(app, case.id, selection, folder),
        }
        found = base.select(selection, folder, beside=beside, limits=limits, with_parts=with_parts)
        yield Count(selection, found, base, folder, limits)


def estimate(app: Countersign, viewer: Viewer, case_id: str) -> Estimate:
    """Count for the form as saved. NotFound for anyone but the submitter, and where cases of its kind select nobody."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
    definition = app.definition(case.process)
    if case.submitter != viewer.person or definition.audience is None:
        raise NotFound()
    now = app.now()
    try:
        with counted(app, case, with_parts=True) as count:
            cube, result, rungs = count.selected.cube, count.selected.result, count.selection.rungs
            offers = count.selection.offers
            parts = part_counts(count.selection, result.tally, into_groups=True)
            plan = definition.delivery
            if plan is not None and plan.message is not None and sampling.has_texts(plan):
                sampling.keep(app, case, plan, sampling.draw(app, plan, count.folder / LIST, count.base))
    except (SelectionFailed, Invalid, ExpressionFailed, Unavailable) as error:
        return Estimate(now, failed=error.message)
    labels = {rung.name: rung.label for rung in rungs}
    target, control = cube.arm("target"), cube.arm("control")
    with app.db.read() as tx:
        detection = detecting.detection(tx, viewer.person, definition, target=target, control=control)
        unseen = fields.hidden(app, tx, viewer.person, case)
        by_cell = cell_views.counted(app, tx, case, unseen, cube=cube, offers=offers, balances=result.balance_of_cells)
    return Estimate(
        as_of=now,
        waterfall=waterfall_rows(cube, labels),
        target=target,
        control=control,
        overlaps=overlap_views(cube, labels),
        balance=balance_views(definition, result.balance),
        balanced=result.balanced,
        sample=member_views(result.sample),
        detection=detection,
        parts=parts,
        names=cube.names,
        order=cube.names,
        counts=tuple((slot.bits, slot.cell, slot.arm, slot.count) for slot in cube.slots),
        by_cell=by_cell,
    )


def reordered(estimate: Estimate, order: Sequence[str]) -> Estimate:
    """The same count with its exclusions in another order; no customer is read. Names that it does not have are passed
    over, those that are missing follow as they were declared. ValueError where its counts do not add up."""
    if not estimate.waterfall:
        return estimate
    slots = tuple(Slot(*counted) for counted in estimate.counts)
    cube = Cube(estimate.waterfall[0].entered, estimate.names, slots)
    chosen = complete(cube.names, order)
    labels = {row.name: row.label for row in estimate.waterfall}
    return replace(estimate, order=chosen, waterfall=waterfall_rows(cube, labels, chosen))

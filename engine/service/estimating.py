"""How many customers a form would reach, counted on the dataset as it is now. Counts only: no list is kept.

The same statement as the selection of the case, with a salt of its own, so the split into target and control is of the
same size but not the same customers. Refuses to wait long: a page is waiting.
"""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import ExpressionFailed, Invalid, NotFound, SelectionFailed, Unavailable
from engine.service import earlier, selecting
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.stage_views import WaterfallRow
from engine.service.views import Viewer
from engine.warehouse.dataset import Dataset
from engine.warehouse.run import Limits, select

LONGEST = 20
"""Seconds that a page waits for a count."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The waterfall of a form, or why there is none (`failed`)."""

    as_of: datetime
    waterfall: tuple[WaterfallRow, ...] = ()
    target: int = 0
    control: int = 0
    failed: str = ""


def estimate(app: Countersign, viewer: Viewer, case_id: str) -> Estimate:
    """Count for the form as saved. NotFound for anyone but the submitter, and where cases of its kind select nobody."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
    definition = app.definition(case.process)
    if case.submitter != viewer.person or definition.audience is None:
        raise NotFound()
    now = app.now()
    try:
        selection, dataset = selecting.estimate(app, definition, case.form), Dataset(app.settings.data.resolve())
        with tempfile.TemporaryDirectory(prefix=".estimate-", dir=dataset.folder) as folder:
            version = dataset.current()
            beside = {
                **selecting.suppressions(app, Path(folder), now),
                **earlier.outcomes(app, viewer.person, selection, Path(folder), dataset=dataset, version=version),
            }
            limits = Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))
            found = select(dataset, version, selection, Path(folder), beside=beside, limits=limits)
    except (SelectionFailed, Invalid, ExpressionFailed, Unavailable) as error:
        return Estimate(now, failed=error.message)
    labels = selecting.ENDS | {rung.name: rung.label for rung in selection.rungs}
    rows = tuple(
        WaterfallRow(step.name, labels[step.name], step.entered, step.removed, step.out, step.alone)
        for step in found.cube.waterfall()
    )
    return Estimate(now, rows, target=found.cube.arm("target"), control=found.cube.arm("control"))

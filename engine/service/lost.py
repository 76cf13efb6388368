"""Whom a case lost in the arbitration that holds for it, as a table of its selection.

Refuses to look at a run that nobody committed.
"""

import hashlib
from pathlib import Path

from engine.audience.compile import Selection
from engine.errors import SelectionFailed
from engine.service.app import Countersign
from engine.store import arbitrations, cases
from engine.warehouse.arbitrating import write_lost
from engine.warehouse.run import Evidence

TABLE = "arbitration"


def written(app: Countersign, case_id: str, selection: Selection, folder: Path) -> dict[str, Evidence]:
    """The table, where the selection reads it and a run holds for the case; written to `folder`."""
    if TABLE not in selection.tables:
        return {}
    with app.db.read() as tx:
        own = arbitrations.holding(tx, case_id)
        if own is None:
            return {}
        run = arbitrations.find(tx, own.run)
        assert run is not None
        others = arbitrations.of_run(tx, own.run)
        numbers = {one.id: one.number or one.id for one in cases.load_many(tx, [row.case_id for row in others])}
    path = folder / f"{TABLE}.parquet"
    by_place = [numbers[row.case_id] for row in others]
    try:
        rows = write_lost(app.settings.data / run.folder, path, own.place, by_place)
    except FileNotFoundError as error:
        raise SelectionFailed(reason=f"the files of arbitration {run.number} are missing") from error
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return {TABLE: Evidence(path.name, rows, len(content), sha256, lineage={"arbitration": str(run.number)})}

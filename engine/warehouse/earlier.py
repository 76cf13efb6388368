"""Customers of an earlier case, as a table of the run that selects among them; and those that the history knows.

The contact history holds cases of other systems as well, whose outcomes came with an import. Refuses to know cases of
this house: who may see one is asked elsewhere.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.audience.compile import Selection, Wanted
from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.run import Evidence

SCHEMA = pa.schema([("customer", pa.string())])
TABLE = "contacts"
ANY_CONTACT = "contacted"


def write(folder: Path, wanted: Wanted, customers: Iterable[str]) -> Evidence:
    """Write the customers to the folder of the run, in order, each once: the same ones are the same bytes."""
    path = folder / f"{wanted.table}.parquet"
    unique = pc.unique(pa.array(customers, pa.string())).drop_null()
    ordered = unique.take(pc.sort_indices(unique))
    pq.write_table(pa.table([ordered], schema=SCHEMA), path)
    content = path.read_bytes()
    lineage = {"case": wanted.case, "outcome": wanted.outcome}
    if wanted.wave:
        lineage["wave"] = wanted.wave
    if wanted.since:
        lineage["since"] = wanted.since.isoformat(" ", "seconds")
    return Evidence(path.name, len(ordered), len(content), hashlib.sha256(content).hexdigest(), lineage=lineage)


def in_history(dataset: Dataset, version: Version, wanted: Wanted, until: datetime) -> list[str] | None:
    """The customers whom the contact history names for that case and outcome; None where it has no such case.

    The history knows no waves: where one is asked for, its cases are not there.
    """
    table = version.tables.get(TABLE)
    if table is None or not table.files or wanted.wave:
        return None
    found = pq.read_table(
        list(dataset.paths(table)),
        columns=["customer", "at", "outcome"],
        filters=[("case_number", "=", wanted.case)],
    )
    if not found.num_rows:
        return None
    if wanted.outcome != ANY_CONTACT:
        found = found.filter(pc.field("outcome") == wanted.outcome)
    found = found.filter(pc.field("at") <= _moment(until.astimezone(UTC).replace(tzinfo=None)))
    if wanted.since:
        found = found.filter(pc.field("at") > _moment(wanted.since))
    customers: list[str] = found["customer"].to_pylist()
    return customers


def measured(files: Sequence[Path], metric: str) -> frozenset[str]:
    """The customers with more than nothing of an imported outcome, by the file that was imported last."""
    held: dict[str, float] = {}
    for file in files:
        found = pq.read_table(file, columns=["customer", "value"], filters=[("metric", "=", metric)])
        held.update(zip(found["customer"].to_pylist(), found["value"].to_pylist(), strict=True))
    return frozenset(customer for customer, value in held.items() if value > 0)


def _moment(naive: datetime) -> pa.Scalar:
    return pa.scalar(naive, pa.timestamp("us"))


def from_history(dataset: Dataset, version: Version, selection: Selection, folder: Path) -> dict[str, Evidence]:
    """The tables of earlier cases that a selection reads, where only the history is at hand. InvalidFile where it has
    no such case."""
    written = {}
    for wanted in selection.earlier:
        found = in_history(dataset, version, wanted, selection.as_of)
        if found is None:
            raise InvalidFile([no_such_case(wanted.case)])
        written[wanted.table] = write(folder, wanted, found)
    return written


def no_such_case(number: str) -> Problem:
    """What is told of a case that is not there, and of one that the submitter may not see."""
    return Problem(code="D131", message=f"there is no case {number} whose outcomes could be used")

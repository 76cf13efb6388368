"""What a delivery reads of customers on a server or a cluster: their addresses, and the contacts they had.

One statement for all customers of a wave, who are sent along. Refuses to write: an address stands in the place's answer
and in memory, and whoever asked seals it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from engine.audience.compile import Wanted
from engine.warehouse.dataset import Version
from engine.warehouse.earlier import ANY_CONTACT
from engine.warehouse.elsewhere import CONTACTS, CUSTOMERS, Elsewhere
from engine.warehouse.run import Limits

HISTORY_SECONDS = 60
TURN = {"place": "int", "customer": "text", "cell": "text"}
WAVE = {"row": "int", "customer": "text"}
SAID = ("channel", "category", "case_number", "purpose")
PAST = pa.schema(
    [("row", pa.int64()), ("customer", pa.string()), ("at", pa.timestamp("us")), *((one, pa.string()) for one in SAID)]
)

NOTHING = PAST.empty_table()


def fields(place: Elsewhere, turn: Path, columns: Sequence[str], limits: Limits) -> Iterator[pa.RecordBatch]:
    """customer, cell and these columns as texts, in the order of `turn`, a file with the columns of TURN."""
    schema = pa.schema([("customer", pa.string()), ("cell", pa.string()), *((one, pa.string()) for one in columns)])
    named = "".join(f', CAST(c."{_inner(one)}" AS VARCHAR)' for one in columns)
    with place.running(limits) as run:
        run.read(CUSTOMERS)
        run.send("turned", TURN, [turn])
        text = f"SELECT t.customer, t.cell{named} FROM turned AS t LEFT JOIN customers AS c ON c.customer = t.customer"
        yield from run.streamed(f"{text} ORDER BY t.place", schema)


def past(place: Elsewhere, version: Version, letters: Path, since: datetime, limits: Limits) -> pa.Table:
    """The place's contacts since then of the customers of a wave, of which `letters` is the file; columns of PAST."""
    known = version.columns[CONTACTS]
    said = "".join(f', CAST(k."{one}" AS VARCHAR)' if one in known else ", CAST(NULL AS VARCHAR)" for one in SAID)
    with place.running(limits) as run:
        run.read(CONTACTS)
        run.send("wave", WAVE, [letters])
        rows = run.streamed(
            f'SELECT w."row", k.customer, CAST(k."at" AS TIMESTAMP){said} FROM contacts AS k'
            f" JOIN wave AS w ON w.customer = k.customer WHERE k.\"at\" > TIMESTAMP '{_moment(since)}'"
            ' ORDER BY w."row", k."at"',
            PAST,
        )
        return pa.Table.from_batches(list(rows), schema=PAST)


def in_history(place: Elsewhere, version: Version, wanted: Wanted, until: datetime) -> list[str] | None:
    """The customers whom the place's contacts name for that case and outcome; None where it has no such case."""
    known = version.columns.get(CONTACTS, {}) if CONTACTS in version.tables else {}
    if "case_number" not in known or version.tables[CONTACTS].files:
        return None
    case = f"case_number = {_text(wanted.case)}"
    rest = "" if wanted.outcome == ANY_CONTACT else f" AND outcome = {_text(wanted.outcome)}"
    rest += f" AND \"at\" > TIMESTAMP '{_moment(wanted.since)}'" if wanted.since else ""
    with place.running(Limits(seconds=HISTORY_SECONDS)) as run:
        run.read(CONTACTS)
        if run.execute(f"SELECT 1 FROM contacts WHERE {case} LIMIT 1").fetchone() is None:
            return None
        text = f"SELECT DISTINCT customer FROM contacts WHERE {case} AND \"at\" <= TIMESTAMP '{_moment(until)}'{rest}"
        batches = run.streamed(text, pa.schema([("customer", pa.string())]))
        return [customer for batch in batches for customer in batch["customer"].to_pylist()]


def _moment(at: datetime) -> str:
    return (at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at).isoformat(" ")


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _inner(name: str) -> str:
    return name.replace('"', '""')

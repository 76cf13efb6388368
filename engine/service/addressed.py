"""Which message something that came back belongs to: by the id that we gave it, or by the number it was sent to.

The number is looked for in the files of waves, the newest first, by its sealed form; the ledger holds none. Refuses to
look further back than LONG_AGO: an answer to nothing recent is for a person.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from engine.delivery.channels import CHANNELS
from engine.delivery.numbers import variants
from engine.service.app import Countersign
from engine.service.sealing import vault
from engine.store import cases, ledger, side_letters, snapshots, waves
from engine.store.ledger import Place

LONG_AGO = timedelta(days=60)
LONGEST_ROW = 9
LIST = "list.parquet"  # as engine.warehouse.freeze calls it, which loads DuckDB
NO_ROW = -1
"""The row of a place that is in the case and in no message."""
Asked = tuple[str, datetime]
"""A number, and when it answered."""


def row_of(name: str) -> tuple[str, int] | None:
    """The wave and the row of a message's id; None where it is none of ours."""
    wave, _, row = name.rpartition(".")
    if not wave or len(wave) > 48 or not row.isascii() or not row.isdigit() or len(row) > LONGEST_ROW:
        return None
    return wave, int(row)


def of_case(tx: Connection, customers: Collection[str], number: str, data: Path) -> dict[str, Place]:
    """Those of the customers who are in the list of the case with that number, also in its control group."""
    case_id = cases.find(tx, number)
    snapshot = snapshots.newest(tx, case_id) if case_id else None
    if case_id is None or snapshot is None:
        return {}
    from engine.warehouse.responses import strangers  # noqa: PLC0415  # DuckDB takes long to load

    out = strangers(sorted(customers), data / snapshot.folder / LIST)
    return {one: Place("", NO_ROW, case_id, one, None) for one in customers if one not in out}


def by_id(tx: Connection, names: Collection[str]) -> dict[str, Place]:
    """The messages with these ids, as far as there are any."""
    wanted: dict[str, list[int]] = {}
    for name in names:
        if (found := row_of(name)) is not None:
            wanted.setdefault(found[0], []).append(found[1])
    rows = {(one.wave, one.row): one for wave, some in wanted.items() for one in ledger.places(tx, wave, some)}
    return {name: rows[found] for name in names if (found := row_of(name)) in rows}


def by_number(app: Countersign, tx: Connection, asked: Collection[Asked]) -> dict[Asked, Place]:
    """For each number and time the newest message that had been sent there by then; where there is none, one
    that was sent later, or is on its way: an answer may be faster than the record of what it answers, and clocks
    differ."""
    box = vault(app.settings)
    times: dict[str, set[datetime]] = {}
    for number, at in asked:
        times.setdefault(number, set()).add(at)
    forms = {form: number for number in times for one in variants(number) for form in box.forms(one)}
    for form in side_letters.seeded(tx, list(forms), app.now() - LONG_AGO):
        forms.pop(form)  # a seed's answers are no customer's
    found: dict[Asked, Place] = {}
    early: dict[Asked, Place] = {}
    for wave in waves.recent(tx, app.now() - LONG_AGO) if forms else ():
        path = app.settings.data / wave.file
        if not CHANNELS[wave.channel].has_address or not path.exists():
            continue
        rows = _rows(path, forms)
        for place in ledger.places(tx, wave.id, list(rows)):
            number = rows[place.row]
            for at in times[number]:
                if place.sent_at is not None and place.sent_at <= at:
                    found.setdefault((number, at), place)
                else:
                    early.setdefault((number, at), place)
        forms = {
            form: number for form, number in forms.items() if any((number, at) not in found for at in times[number])
        }
        if not forms:
            break
    return early | found


class Named(Protocol):
    """What a thing that came back says of whose it is; `sender` is the number."""

    id: str
    at: datetime
    sender: str
    message: str
    customer: str
    case: str


def places_of(app: Countersign, tx: Connection, some: Collection[Named]) -> dict[str, Place]:
    """Where these things belong, by their ids: by the message, else by customer and case, else by the number."""
    found = by_id(tx, {one.message for one in some if one.message})
    places = {one.id: found[one.message] for one in some if one.message in found}
    rest = [one for one in some if one.id not in places and one.customer and one.case]
    for number in {one.case for one in rest}:
        mine = [one for one in rest if one.case == number]
        there = of_case(tx, {one.customer for one in mine}, number, app.settings.data)
        places |= {one.id: there[one.customer] for one in mine if one.customer in there}
    now = app.now()
    asked = {one.id: (one.sender, min(one.at, now)) for one in some if one.id not in places and one.sender}
    numbers = by_number(app, tx, set(asked.values()))
    return places | {name: numbers[who] for name, who in asked.items() if who in numbers}


def address_of(app: Countersign, case_id: str, wave: str, row: int) -> str:
    """The address that a message went to, as it is; empty where the file of its wave is gone."""
    from engine.warehouse.wavefiles import letter_of  # noqa: PLC0415  # pyarrow takes long to load

    with app.db.read() as tx:
        here = next((one for one in waves.of_case(tx, case_id) if one.id == wave), None)
    letter = letter_of(app.settings.data / here.file, row) if here and here.file else None
    return vault(app.settings).open(letter.address) if letter and letter.address else ""


def _rows(path: Path, forms: Mapping[str, str]) -> dict[int, str]:
    """The rows of a wave's file with these sealed addresses, and the number of each."""
    from engine.warehouse.wavefiles import addressed  # noqa: PLC0415  # pyarrow takes long to load

    return {row: forms[address] for row, address in addressed(path, forms)}

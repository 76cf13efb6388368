"""Takes complaints (投诉) in, from a gateway's feed or a file of the regulator's: each counts against the case whose
message it is about, and who complains gets no more messages.

Refuses to keep what somebody wrote about us: a complaint is an id, a time and whose it is. One that belongs to no
message is parked, and its number respected.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from engine.errors import InvalidFile, Problem
from engine.service import addressed, inbound, optouts, sheets
from engine.service.app import Countersign
from engine.service.inbound import Counts
from engine.service.optouts import OptOut, takes_answers
from engine.service.recording import By, changing
from engine.store import cases, reports
from engine.store.ledger import Place
from engine.store.parked import Parked
from engine.store.reports import ResponseRow
from engine.warehouse.addresses import ERASED

COLUMNS = ("id", "at", "from", "message", "customer", "case")
LONGEST = 100


class _Complaint(msgspec.Struct, rename={"sender": "from"}):
    """Its own id, when it was, and whose it is: by the message's id, by the number, or by customer and case."""

    id: str
    at: datetime
    sender: str = ""
    message: str = ""
    customer: str = ""
    case: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a file."""

    applied: int
    repeated: int
    parked: int


def receive_complaints(app: Countersign, body: bytes, signature: str) -> Counts:
    """Take a request's complaints in; sent again it changes nothing.

    Raises Forged for a wrong or missing signature, Invalid for a body that is no list of complaints.
    """
    raw = inbound.items(app, body, signature, "complaints")
    read = [(bytes(one), _read(bytes(one))) for one in raw]
    whole = [one for _, one in read if one is not None]
    odd = inbound.unreadable(app.settings, "complaint", [said for said, one in read if one is None])
    with app.db.read() as tx:
        places = addressed.places_of(app, tx, whole)
    with app.db.begin() as tx:
        return _take(app, tx, whole, places, odd)


def load(app: Countersign, by: By, data: bytes, name: str) -> Imported:
    """The same from a file (columns id,at and some of from,message,customer,case).

    Raises InvalidFile with every wrong row, and then takes none.
    """
    by.authorize("suppressions.manage")
    sheet = sheets.read(data, name)
    if not {"id", "at"} <= set(sheet.headings) <= set(COLUMNS):
        fields = {"columns": ",".join(COLUMNS)}
        told = f"the columns are {fields['columns']}"
        raise InvalidFile([Problem("sheet.columns", told, line=1, column=1, file=name, fields=fields)])
    whole, problems = [], []
    for line in sheet.lines:
        said = {key: cell for key, cell in zip(sheet.headings, line.cells, strict=True) if cell}
        one = _read(msgspec.json.encode(said | {"at": _zoned(app, said.get("at", ""))}))
        if one is None:
            told = "this is no complaint: id, time, and whose it is"
            problems.append(Problem("complaint", told, line=line.number, column=1, file=name))
        else:
            whole.append(one)
    if problems:
        raise InvalidFile(problems)
    with app.db.read() as tx:
        places = addressed.places_of(app, tx, whole)
    with changing(app, by, "suppressions.manage") as change:
        counts = _take(app, change.tx, whole, places, [])
        change.note("complaints_imported", sheet.name[:80], after={"complaints": counts.applied})
    return Imported(counts.applied, counts.repeated, counts.parked)


def again(app: Countersign, tx: Connection, body: str, message: str = "") -> bool:
    """Try a parked complaint again, as one about `message` where one is named; False where it belongs to nothing."""
    said = inbound.opened(app.settings, body)
    if said is None:
        return False
    one = msgspec.convert(said, _Complaint)
    one.message = message or one.message
    place = addressed.places_of(app, tx, [one]).get(one.id)
    if place is None:
        return False
    _keep(app, tx, one, place)
    return True


def _take(
    app: Countersign, tx: Connection, whole: list[_Complaint], places: dict[str, Place], odd: list[Parked]
) -> Counts:
    applied, unplaced = 0, []
    for one in whole:
        place = places.get(one.id)
        if place is None:
            unplaced.append(inbound.unplaced(app.settings, "complaint", one, one.id))
            if one.sender or one.customer:
                optouts.opt_out(app, tx, [_wish(app, one, one.customer)])
        else:
            applied += _keep(app, tx, one, place)
    inbound.park(app, tx, [*odd, *unplaced])
    parked = len(odd) + len(unplaced)
    return Counts(applied=applied, repeated=len(whole) + len(odd) - applied - parked, parked=parked)


def _keep(app: Countersign, tx: Connection, one: _Complaint, place: Place) -> bool:
    if place.customer.startswith(ERASED):
        return False
    is_new = optouts.opt_out(app, tx, [_wish(app, one, place.customer, place.case_id)]) > 0
    if takes_answers(cases.load(tx, place.case_id)):
        row = ResponseRow(place.customer, "complaint", inbound.as_now(app, one.at), None, f"complaint:{one.id}"[:80])
        return reports.record_response(tx, place.case_id, row)
    return is_new


def _wish(app: Countersign, one: _Complaint, customer: str, case_id: str = "") -> OptOut:
    at = inbound.as_now(app, one.at)
    return OptOut("complaint", one.id, at, customer=customer, address=one.sender, case_id=case_id)


def _read(raw: bytes) -> _Complaint | None:
    try:
        one = msgspec.json.decode(raw, type=_Complaint)
    except (msgspec.DecodeError, RecursionError):
        return None
    texts = (one.id, one.sender, one.message, one.customer, one.case)
    is_fit = all(len(text) <= LONGEST and "\0" not in text for text in texts)
    is_about = bool(one.sender or one.message or one.customer)
    return one if one.id and is_fit and is_about and one.at.tzinfo is not None else None


def _zoned(app: Countersign, text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo else at.replace(tzinfo=app.settings.zone)).isoformat()

"""Erasure of a customer on request (清除): asked for with the number typed out, confirmed by a second person.

From the confirmation on nobody messages the customer; the flows do the rest, and go on by themselves where something
under way may still have them. Refuses a confirmation by whoever asked, and to forget that somebody was erased: a name
that says nothing stays, so that they are neither contacted nor taken in again.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from engine.errors import ErasureOpen, ErasureWaits, InvalidForm, NotFound, OwnProposal, Problem
from engine.organisation import Organisation
from engine.service import forgetting, seeking
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.forgetting import Certificate
from engine.service.forgetting_papers import Unsearched
from engine.service.recording import By, changing
from engine.service.sealing import dataset_of, vault
from engine.service.suppressing import CUSTOMER, LONGEST_REASON
from engine.store import erasures
from engine.store import forgetting as tables
from engine.store.erasures import ErasureRow
from engine.warehouse import erased, returned

ERASES: Action = "customers.erase"
BROUGHT_BACK = "brought back by a backup"
NOWHERE = Problem(
    "erase_nowhere",
    "nobody here has this number, in no version of the dataset, no list and no delivery",
    "nothing was asked for; look for signs that are missing, or for the customer's number where this is a phone",
    at="customer",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the customer stood, as people call it: a kind of file or a table; how many files and rows."""

    name: str
    files: int
    rows: int


@dataclass(frozen=True, slots=True)
class ErasureView:
    """One erasure. `customer` is masked while it waits or runs; then it is the name that stays. `state`: open, running,
    done, refused. `left_texts` and `left_files` still name the customer: people must look at them, and at
    `unsearched`, in which nothing was looked for. While it runs, `looked` of so many files were looked
    through (`of`: 0 before and after)."""

    number: int
    customer: str
    state: str
    reason: str
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    finished_at: datetime | None
    rows: int
    places: tuple[Place, ...]
    left_texts: tuple[Place, ...]
    left_files: tuple[str, ...]
    unsearched: tuple[Unsearched, ...]
    looked: int
    of: int
    may_decide: bool


def listed(app: Countersign, by: By) -> tuple[ErasureView, ...]:
    """The newest first."""
    by.authorize(ERASES)
    with app.db.read() as tx:
        rows, organisation = erasures.listed(tx), app.organisation(tx)
    return tuple(_view(app, organisation, by, row) for row in rows)


def view(app: Countersign, by: By, number: int) -> ErasureView:
    """One of them; NotFound where there is none."""
    by.authorize(ERASES)
    with app.db.read() as tx:
        row, organisation = erasures.find(tx, number), app.organisation(tx)
    if row is None:
        raise NotFound()
    return _view(app, organisation, by, row)


def certificate(app: Countersign, by: By, number: int) -> tuple[ErasureView, Certificate]:
    """The certificate of one that is done, with every file and its sha256 before and after. NotFound where none is."""
    by.authorize(ERASES)
    with app.db.read() as tx:
        row, organisation = erasures.find(tx, number), app.organisation(tx)
    if row is None or row.finished_at is None:
        raise NotFound()
    return _view(app, organisation, by, row), forgetting.certificate_of(row)


def ask(app: Countersign, by: By, *, customer: str, typed: str, reason: str) -> int:
    """Ask for the erasure of the customer with this number (or this phone), which is `typed` out as well; its number.

    InvalidForm names wrong fields, also where there is nothing of the customer; ErasureOpen where one waits already. A
    customer whom the dataset does not have may stand in deliveries, so their erasure is possible as well.
    """
    by.authorize(ERASES)
    customer, typed, reason = customer.strip(), typed.strip(), reason.strip()
    problems = _unwhole(customer)
    if not reason or len(reason) > LONGEST_REASON:
        problems.append(Problem("reason_missing", "say why", at="reason"))
    if problems:
        raise InvalidForm(problems)
    meant = seeking.meant(app, customer)
    is_known = seeking.stands_somewhere(app, meant)
    names = vault(app.settings).names(meant)
    with changing(app, by, None) as change:
        if (before := change.done_before()) is not None:
            return int(before.said["after"]["erasure"])
        problems = _wrong(meant, typed, reason)
        earlier = erasures.newest_of(change.tx, names)
        if earlier is not None and earlier.decision:
            fields = {"number": earlier.number}
            problems.append(Problem("erased_already", "this customer was erased", at="typed", fields=fields))
        elif not is_known:
            problems.append(NOWHERE)
        if problems:
            raise InvalidForm(problems)
        sealed = forgetting.sealed(app, meant)
        number = erasures.ask(change.tx, name=names[0], sealed=sealed, reason=reason, by=by.person, at=change.now)
        if number is None:
            raise ErasureOpen()
        change.note("erasure_asked", f"erasure {number}", after={"erasure": number}, reason=reason)
    return number


def decide(app: Countersign, by: By, number: int, *, confirm: bool) -> None:
    """Confirm an erasure, which the flows carry out from then on, or refuse it. OwnProposal where they asked for it;
    NotFound where none waits under that number; the same decision twice is once.

    Nobody messages the customer any more; to take them out of every file takes as long as to read all.
    """
    by.authorize(ERASES)
    decision = "confirmed" if confirm else "refused"
    with app.db.read() as tx:
        row = erasures.find(tx, number)
    # Read anew: an import may have brought another address since it was asked for.
    sealed = forgetting.sealed(app, forgetting.unsealed(app, row)[0]) if confirm and row and not row.decision else ""
    with changing(app, by, None) as change:
        if change.done_before():
            return
        row = erasures.find(change.tx, number)
        if row is None or row.decision:
            raise NotFound()
        if confirm and row.asked_by == by.person:
            raise OwnProposal()
        if not erasures.decide(change.tx, number, decision, sealed=sealed, by=by.person, at=change.now):
            raise NotFound()
        if confirm:
            tables.bar(change.tx, row.name, by=by.person, at=change.now)
        change.note(f"erasure_{decision}", f"erasure {number}", after={"erasure": number})


def go_on(app: Countersign, by: By, number: int) -> bool:
    """Carry out what is confirmed, from where it stopped; whether it is done."""
    by.authorize(ERASES)
    try:
        forgetting.carry_out(app, number, by)
    except ErasureWaits:
        return False
    return True


def again(app: Countersign, by: By) -> int:
    """Erase once more whom a restored backup brought back, of the dataset or of the case database; how many. Nobody
    confirms it anew: it was confirmed. For the operator at the terminal alone."""
    if by.viewer is not None:
        raise NotFound()
    dataset = dataset_of(app.settings)
    with app.db.read() as tx:
        erased.keep_names(dataset.folder, erased.names(dataset.folder) | erasures.names(tx))
        is_erased = erased.asks(dataset)
        found = {one for one in tables.everybody(tx) if is_erased and is_erased(one)}
    customers = dataset.current().tables.get("customers")
    found |= set(returned.customers(dataset, customers)) if customers else set()
    for customer in sorted(found):
        name, sealed = dataset.vault.name(customer), forgetting.sealed(app, customer)
        with changing(app, by, None) as change:
            asked = {"name": name, "sealed": sealed, "reason": BROUGHT_BACK}
            number = erasures.ask(change.tx, **asked, by=by.person, at=change.now)
            if number is None:
                raise ErasureOpen()
            erasures.decide(change.tx, number, "confirmed", sealed=sealed, by=by.person, at=change.now)
            tables.bar(change.tx, name, by=by.person, at=change.now)
            change.note("erasure_confirmed", f"erasure {number}", after={"erasure": number}, reason=BROUGHT_BACK)
        forgetting.carry_out(app, number, by)
    return len(found)


def looked_for(app: Countersign, by: By, customer: str) -> dict[str, int]:
    """What an erasure of this customer would take out: rows by place. InvalidForm where there is nothing of them, or
    where this is the phone of several."""
    by.authorize(ERASES)
    customer = customer.strip()
    found: dict[str, int] = {}
    if problems := _unwhole(customer):
        raise InvalidForm(problems)
    for name, rows in seeking.places(app, seeking.meant(app, customer)):
        found[name] = found.get(name, 0) + rows
    if not found:
        raise InvalidForm([NOWHERE])
    return found


def _unwhole(customer: str) -> list[Problem]:
    if CUSTOMER.fullmatch(customer) and "*" not in customer:
        return []
    told = "write the whole number of the customer or of their phone, without spaces"
    return [Problem("customer_whole", told, at="customer")]


def _wrong(meant: str, typed: str, reason: str) -> list[Problem]:
    problems = []
    if typed != meant:
        problems.append(Problem("erase_typed", "this is not the number of the customer", at="typed"))
    if meant in reason:
        problems.append(Problem("erase_reason", "the reason stays; leave the number out of it", at="reason"))
    return problems


def _view(app: Countersign, organisation: Organisation, by: By, row: ErasureRow) -> ErasureView:
    found = forgetting.certificate_of(row)
    is_open = not row.decision
    state = {"": "open", "refused": "refused"}.get(row.decision) or ("done" if row.finished_at else "running")
    return ErasureView(
        number=row.number,
        customer=forgetting.shown(app, row),
        state=state,
        reason=row.reason,
        asked_by=organisation.name(row.asked_by),
        asked_at=row.asked_at,
        decided_by=organisation.name(row.decided_by) if row.decided_by else "",
        decided_at=row.decided_at,
        finished_at=row.finished_at,
        rows=found.rows,
        places=_places(found),
        left_texts=tuple(Place(name, 0, count) for name, count in found.left_texts.items()),
        left_files=found.left_files,
        unsearched=tuple(replace(one, person=organisation.name(one.person)) for one in found.unsearched),
        looked=found.looked,
        of=found.of,
        may_decide=is_open and by.person != row.asked_by,
    )


def _places(found: Certificate) -> tuple[Place, ...]:
    """Files by what they are, then tables, then the history."""
    places: dict[str, Place] = {}
    for spot in found.files:
        name = seeking.place_of(spot.path)
        there = places.get(name, Place(name, 0, 0))
        places[name] = Place(name, there.files + 1, there.rows + spot.rows)
    for name, rows in found.tables.items():
        places[f"table {name}"] = Place(f"table_{name}", 0, rows)
    if found.entries:
        places["table history"] = Place("table_history", 0, len(found.entries))
    return tuple(places.values())

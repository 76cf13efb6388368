"""Customer query (客户信息查询): what is known of one customer, found by the whole id or phone, and masked.

Everything asked is written down once: who, whom, when, from where. An address in full takes a reason, stands in one
answer and in no second one. Refuses to find by a part, to name a case that is not the viewer's to see, and more than
OF_PERSON questions of a person in ten minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.definition.catalogue import CustomerField, catalogue, table_catalogue
from engine.errors import InvalidForm, NotFound, Problem
from engine.masking import is_sealed, masked, masked_name
from engine.service import suppressing, tries, whereabouts
from engine.service.answering import is_hidden
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.recording import By, Change, changing
from engine.service.suppressing import CUSTOMER, EntryView
from engine.store import erasures, ledger, visibility
from engine.values import NO_TEXT, Bilingual
from engine.warehouse.addresses import Vault
from engine.warehouse.customers import Facts, Nobody
from engine.warehouse.places import CustomerBase
from engine.warehouse.run import Limits

ASKS: Action = "customers.ask"
REVEALS: Action = "customers.reveal"
OF_PERSON = 60
NAME = "name"
CASE = "case_number"
LONGEST_REASON = 200
LONGEST = 20
"""Seconds that a page waits for an answer."""


@dataclass(frozen=True, slots=True)
class FactView:
    """One field. `value` is masked where the catalogue calls the field personal, or does not know it."""

    name: str
    label: Bilingual
    unit: Bilingual
    value: str
    is_address: bool = False


@dataclass(frozen=True, slots=True)
class ColumnView:
    """A column of another table, as its catalogue calls it."""

    name: str
    label: Bilingual
    type: str


@dataclass(frozen=True, slots=True)
class TableView:
    """The newest rows of another table about the customer, column -> value; `case_number` is empty where the case is
    not the viewer's to see."""

    name: str
    columns: tuple[ColumnView, ...]
    rows: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class SentView:
    """One message of the ledger; of a case that is not the viewer's to see `case_number` and `case_id` are empty."""

    case_id: str
    case_number: str
    channel: str
    state: str
    reason: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerView:
    """The answer. `outcome`: found, nobody, erased (`erasure` is the number of the certificate), or several (the phone
    of several). `customer` is masked."""

    outcome: str
    customer: str
    version: int
    fields: tuple[FactView, ...] = ()
    lists: tuple[str, ...] = ()
    suppressions: tuple[EntryView, ...] = ()
    tables: tuple[TableView, ...] = ()
    sent: tuple[SentView, ...] = ()
    erasure: int = 0


@dataclass(frozen=True, slots=True)
class Revealed:
    """An address in full; `address` is empty where the same request showed it before."""

    customer: str
    field: str
    label: Bilingual
    address: str


def ask(app: Countersign, by: By, wanted: str) -> CustomerView:
    """What is known of the customer with this id, or this phone. InvalidForm where it is neither; TooManyTries."""
    by.authorize(ASKS)
    wanted = whole(wanted)
    count_question(app, by)
    found, base = facts_of(app, wanted)
    with changing(app, by, ASKS) as change:
        if not change.done_before():
            # Who was not found may have been asked for by the phone.
            subject = found.customer if isinstance(found, Facts) else masked(wanted)
            change.note("customer_asked", f"customer {subject}")
        erased = erasures.newest_of(change.tx, base.dataset.vault.names(wanted)) if isinstance(found, Nobody) else None
        if erased is not None and erased.decision:
            return CustomerView("erased", masked(wanted), base.version.number, erasure=erased.number)
        if isinstance(found, Nobody):
            return CustomerView("several" if found.several else "nobody", masked(wanted), base.version.number)
        return _view(change, found, base.version.number, base.dataset.vault)


def reveal(app: Countersign, by: By, *, customer: str, field: str, reason: str) -> Revealed:
    """The address of a customer in full, once: the same request again shows nothing. NotFound where there is none."""
    by.authorize(REVEALS)
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidForm([Problem("reason_missing", "say why", at="reason")])
    count_question(app, by)
    found, base = facts_of(app, whole(customer))
    if isinstance(found, Nobody):
        raise NotFound()
    label = _known().get(field)
    value = found.fields.get(field, "")
    if not value or label is None or label.type != "address":
        raise NotFound()
    with changing(app, by, REVEALS) as change:
        if change.done_before():
            return Revealed(masked(found.customer), field, label.label, "")
        opened = base.dataset.vault.open(value)
        change.note("address_revealed", f"customer {found.customer}", after={"field": field}, reason=reason.strip())
    return Revealed(masked(found.customer), field, label.label, opened)


def facts_of(app: Countersign, wanted: str) -> tuple[Facts | Nobody, CustomerBase]:
    """The customer with this id or phone, and the customers among whom they were found."""
    base = whereabouts.customers_of(app)
    limits = Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))
    return base.facts(wanted, limits=limits), base


def whole(wanted: str) -> str:
    """The number that was typed. InvalidForm where it cannot be a whole one."""
    wanted = wanted.strip()
    if not CUSTOMER.fullmatch(wanted) or "*" in wanted:
        told = "write the whole number of the customer or of their phone, without spaces"
        raise InvalidForm([Problem("customer_whole", told, at="customer")])
    return wanted


def count_question(app: Countersign, by: By) -> None:
    """Every question counts, whatever it finds; TooManyTries beyond OF_PERSON of them."""
    limits = {f"customers:{by.person[:60]}": OF_PERSON}
    if by.viewer is None:
        return
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        tries.note(app, tx, limits)


def _view(change: Change, found: Facts, version: int, vault: Vault) -> CustomerView:
    tx, person, now = change.tx, change.by.person, change.now
    return CustomerView(
        outcome="found",
        customer=masked(found.customer),
        version=version,
        fields=tuple(_fact(name, value, vault) for name, value in found.fields.items() if name != "customer"),
        lists=found.lists,
        suppressions=suppressing.of_customer(tx, change.organisation, found.customer, now),
        tables=tuple(_table(tx, person, name, rows) for name, rows in found.rows.items() if rows),
        sent=tuple(_sent(tx, person, one) for one in ledger.of_customer(tx, found.customer)),
    )


def _known() -> Mapping[str, CustomerField]:
    known = catalogue("customers")
    return known.fields if known else {}


def _fact(name: str, value: str, vault: Vault) -> FactView:
    known = _known().get(name)
    if known is None:
        return FactView(name, NO_TEXT, NO_TEXT, masked(vault.open(value) if is_sealed(value) else value))
    is_address = known.type == "address"
    if is_address:
        value = vault.open(value)
    if known.personal or is_address:
        value = masked_name(value) if name == NAME else masked(value)
    return FactView(name, known.label, known.unit, value, is_address)


def _table(tx: Connection, person: str, name: str, rows: tuple[dict[str, str], ...]) -> TableView:
    """Rows of another table; what its catalogue does not know, or calls personal, is masked."""
    known = table_catalogue(name)
    fields = known.fields if known else {}
    columns = [
        ColumnView(one, fields[one].label, fields[one].type)
        for one in fields
        if not fields[one].personal and any(one in row for row in rows)
    ]
    told = ({one.name: row[one.name] for one in columns if one.name in row} for row in rows)
    return TableView(name, tuple(columns), tuple(_without_hidden(tx, person, row) for row in told))


def _without_hidden(tx: Connection, person: str, row: dict[str, str]) -> dict[str, str]:
    return row | {CASE: ""} if row.get(CASE) and is_hidden(tx, person, row[CASE]) else row


def _sent(tx: Connection, person: str, one: ledger.Message) -> SentView:
    line = visibility.find(tx, person, one.case_id)
    case_id, number = (line.id, line.number or "") if line is not None else ("", "")
    return SentView(case_id, number, one.channel, one.state, one.reason, one.at)

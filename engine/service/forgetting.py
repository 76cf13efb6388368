"""Carries out a confirmed erasure: first nobody reaches the customer, then every file, then every table, then the
certificate.

Every step may be done again, and what was found is kept before it is changed: killed anywhere, the next call ends the
same. One call at a time carries one out. Refuses to finish while a message to the customer may be on its way, or a file
that an import has just written may still be published.
"""

import time
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
from msgspec import Struct, structs

from engine.errors import AddressUnreadable, ErasureWaits, NotFound
from engine.masking import masked
from engine.service import forgetting_papers as papers
from engine.service import forgotten, sealing
from engine.service.app import Countersign
from engine.service.forgetting_papers import Unsearched
from engine.service.recording import OPERATOR, By, changing
from engine.service.sealing import dataset_of
from engine.store import attachments, erasures, forgetting, trail
from engine.store.erasures import ErasureRow
from engine.store.forgetting import Forgotten
from engine.warehouse import erased
from engine.warehouse import erasing as files
from engine.warehouse.dataset import Dataset
from engine.warehouse.erasing import Person, Spot

SEALED = "whom to erase"
PASSES = 5
TELLS_EVERY = 1.0
WAITS = timedelta(seconds=60)
"""How long a message that is on its way is waited for: longer than a worker's lease."""


class Certificate(Struct, frozen=True):
    """What was erased, without a word of whom: files with rows and sha256 before and after, rows by table, entries of
    the organisation's history with a keyed seal of what they say now; in how many sealed texts, and in which foreign
    files, the customer is still named, which people must look at. While it is carried out, how many files of how many
    were looked through."""

    files: tuple[Spot, ...] = ()
    tables: dict[str, int] = {}
    entries: dict[str, str] = {}
    left_texts: dict[str, int] = {}
    left_files: tuple[str, ...] = ()
    unsearched: tuple[Unsearched, ...] = ()
    looked: int = 0
    of: int = 0

    @property
    def rows(self) -> int:
        """All rows, of files and of tables."""
        return sum(one.rows for one in self.files) + sum(self.tables.values()) + len(self.entries)


def certificate_of(row: ErasureRow) -> Certificate:
    """The certificate, or what was found so far."""
    return msgspec.json.decode(row.certificate, type=Certificate) if row.certificate else Certificate()


def sealed(app: Countersign, customer: str) -> str:
    """The customer and their addresses, for as long as the erasure needs them."""
    dataset = dataset_of(app.settings)
    told = msgspec.json.encode([customer, *files.addresses_of(dataset, customer)]).decode()
    return sealing.seal(app.settings, SEALED, told)


def unsealed(app: Countersign, row: ErasureRow) -> tuple[str, ...]:
    """The number first, then the addresses; NotFound where they are kept no more, AddressUnreadable where their key is
    not here."""
    if not row.sealed:
        raise NotFound()
    told = sealing.unseal(app.settings, SEALED, row.sealed)
    if told is None:
        raise AddressUnreadable()
    return msgspec.json.decode(told, type=tuple[str, ...])


def carry_out(app: Countersign, number: int, by: By = OPERATOR, *, patience: timedelta = WAITS) -> None:
    """Carry out a confirmed erasure, or go on where it stopped; finished, it is left alone. NotFound where none is
    confirmed under that number. ErasureWaits where something under way may still have the customer: call it again."""
    with app.db.read() as tx:
        row = erasures.find(tx, number)
        known = erasures.names(tx)
    if row is None or row.decision != "confirmed":
        raise NotFound()
    if row.finished_at is not None:
        return
    customer, *addresses = unsealed(app, row)
    person = Person(customer, row.name, tuple(addresses))
    run = _Run(app, dataset_of(app.settings), row, person, replace(by, key=""))
    with erased.alone(run.dataset.folder) as is_alone:
        if not is_alone:
            raise ErasureWaits()
        erased.keep_names(run.dataset.folder, known | erased.names(run.dataset.folder))
        _wait(app, customer, patience)
        found = _files(run, certificate_of(row))
        found = _papers(run, found)
        found = _tables(run, found)
        found = _files(run, found)  # what was written from a table meanwhile
        _certify(run, found)


def catch_up(app: Countersign) -> int:
    """Go on with what somebody began and did not end; how many were ended."""
    with app.db.read() as tx:
        rows = erasures.unfinished(tx)
    ended = 0
    for row in rows:
        try:
            carry_out(app, row.number, patience=timedelta())
        except ErasureWaits:
            continue
        ended += 1
    return ended


@dataclass(frozen=True, slots=True)
class _Run:
    """One erasure that is being carried out."""

    app: Countersign
    dataset: Dataset
    row: ErasureRow
    person: Person
    by: By


class _Telling:
    """Keeps how many files were looked through, once in a while, for the page."""

    def __init__(self, run: _Run, found: Certificate) -> None:
        self.run, self.found, self.told_at, self.of = run, found, 0.0, 0

    def __call__(self, looked: int, of: int) -> None:
        self.of = of
        if time.monotonic() < self.told_at + TELLS_EVERY:
            return
        self.told_at = time.monotonic()
        with self.run.app.db.begin() as tx:
            erasures.keep(tx, self.run.row.number, _text(structs.replace(self.found, looked=looked, of=of)))


def _wait(app: Countersign, customer: str, patience: timedelta) -> None:
    """Nothing new goes out to the customer any more; what a worker holds does, and is waited for."""
    until = time.monotonic() + patience.total_seconds()
    while True:
        with app.db.read() as tx:
            if forgetting.is_being_written(tx):
                raise ErasureWaits()
            is_on_its_way = forgetting.is_on_its_way(tx, customer)
        if not is_on_its_way:
            return
        if time.monotonic() > until:
            raise ErasureWaits()
        time.sleep(0.5)


def _files(run: _Run, found: Certificate) -> Certificate:
    for _ in range(PASSES):
        told = _Telling(run, found)
        seen = files.survey(run.dataset, run.person, told)
        spots = seen | {one.path: one for one in found.files}  # what was found first says what was there
        found = structs.replace(found, files=tuple(spots.values()), looked=told.of, of=told.of)
        with run.app.db.begin() as tx:
            erasures.keep(tx, run.row.number, _text(found))
        at, number = run.app.now(), run.row.number
        left = files.erase(run.dataset, run.person, seen, at=at, by=run.by.person, number=number)
        if left.young:
            raise ErasureWaits()
        if seen.keys() <= set(left.foreign):
            spots = {path: one for path, one in spots.items() if path not in left.foreign}
            return structs.replace(found, files=tuple(spots.values()), left_files=left.foreign)
    raise ErasureWaits()


def _papers(run: _Run, found: Certificate) -> Certificate:
    with run.app.db.read() as tx:
        known = attachments.everywhere(tx)
    seen, unsearched = papers.survey(run.app, known, run.person)
    spots = seen | {one.path: one for one in found.files}
    found = structs.replace(found, files=tuple(spots.values()), unsearched=unsearched)
    with run.app.db.begin() as tx:
        erasures.keep(tx, run.row.number, _text(found))
    papers.erase(run.app, known, seen, run.person)
    return found


def _tables(run: _Run, found: Certificate) -> Certificate:
    one = forgotten_of(run.app, run.person)
    with run.app.db.begin() as tx:
        counts = forgetting.forget(tx, one, at=run.app.now())
        tables = {name: found.tables.get(name, 0) + counts.get(name, 0) for name in found.tables | counts}
        found = structs.replace(found, tables=tables, left_texts=forgetting.left(tx, one))
        erasures.keep(tx, run.row.number, _text(found))
    return found


def _certify(run: _Run, found: Certificate) -> None:
    """The certificate, what it seals in the organisation's history, and the end of the number, in one transaction."""
    row, person = run.row, run.person
    spots = (one if papers.is_attached(one.path) else files.now(run.dataset, one) for one in found.files)
    found = structs.replace(found, files=tuple(spots), looked=0, of=0)
    with changing(run.app, run.by, None) as change:
        entries = trail.forget(
            change.tx,
            subject=f"customer {person.customer}",
            instead=f"customer {row.name}",
            words=_words(person),
            written=lambda text: files.mapped(text, person),
            keyed=forgotten.keyed(run.app),
        )
        found = structs.replace(found, entries=entries)
        if erasures.finish(change.tx, row.number, _text(found), at=change.now):
            after = {"erasure": row.number, "rows": found.rows, "certificate": forgotten.digest_of(_text(found))}
            after |= {"entries": entries} if entries else {}
            change.note(trail.ERASED, f"customer {row.name}", after=after, reason=row.reason)
    run.app.db.settle(_words(person))


def _text(found: Certificate) -> str:
    return msgspec.json.encode(found).decode()


def forgotten_of(app: Countersign, person: Person) -> Forgotten:
    """The same person for the tables."""
    return Forgotten(
        customer=person.customer,
        name=person.name,
        words=_words(person),
        of_words=lambda text: files.within(text, person),
        of_json=lambda text: files.mapped(text, person),
        of_manifest=lambda text: files.without_sample(text, person),
        of_form=papers.of_form(app, person),
    )


def _words(person: Person) -> tuple[str, ...]:
    return tuple(word for word in sorted(person.words) if len(word) >= files.TELLING)


def shown(app: Countersign, row: ErasureRow) -> str:
    """The customer, masked, while the erasure still needs the number; the name after it."""
    return masked(unsealed(app, row)[0]) if row.sealed else row.name

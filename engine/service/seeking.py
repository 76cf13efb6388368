"""Where a customer stands, looked for before anything is erased: in tables, then in every file of the data folder.

Changes nothing, and may be asked while an erasure runs. Refuses to say anything of whom it found but numbers of rows.
"""

from collections.abc import Iterator

from engine.service import forgetting, forgetting_papers, whereabouts
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.store import attachments
from engine.store import forgetting as tables
from engine.warehouse import erasing as files
from engine.warehouse.customers import Facts, facts
from engine.warehouse.erasing import Person
from engine.warehouse.run import Limits

ELSEWHERE = "elsewhere"
"""On the server where the customers of this house are."""
LONGEST = 20


def meant(app: Countersign, wanted: str) -> str:
    """The number of the customer with this number or phone; what was asked for where the dataset has neither."""
    dataset = dataset_of(app.settings)
    found = facts(dataset, dataset.current(), wanted)
    return found.customer if isinstance(found, Facts) else wanted


def places(app: Countersign, customer: str) -> Iterator[tuple[str, int]]:
    """The places with the customer and how many rows each has, as a certificate names them; the quick ones first, so
    that who asks whether there is any need not read all."""
    dataset = dataset_of(app.settings)
    person = Person(customer, "", files.addresses_of(dataset, customer))
    with app.db.read() as tx:
        found = tables.standing(tx, forgetting.forgotten_of(app, person))
        known = attachments.everywhere(tx)
    yield from ((f"table_{name}", rows) for name, rows in found.items())
    yield from ((place_of(path), rows) for path, rows in files.standing(dataset, person))
    yield from ((place_of(path), spot.rows) for path, spot in forgetting_papers.survey(app, known, person)[0].items())
    if whereabouts.place(app.settings) is not None:
        limits = Limits(app.settings.memory_limit, min(LONGEST, app.settings.selection_seconds))
        if isinstance(whereabouts.customers_of(app).facts(customer, limits=limits), Facts):
            yield ELSEWHERE, 1


def stands_somewhere(app: Countersign, customer: str) -> bool:
    """Whether there is anything of the customer at all."""
    dataset = dataset_of(app.settings)
    if isinstance(facts(dataset, dataset.current(), customer), Facts):
        return True
    return next(places(app, customer), None) is not None


def place_of(path: str) -> str:
    """What kind of file it is: a table of the dataset, or of a case its frozen list, waves or outcomes."""
    parts = path.split("/")
    if parts[0] != "cases":
        return "list" if parts[0].startswith("list_") else parts[0]
    return parts[2] if len(parts) > 3 and parts[2] in ("waves", "outcomes") else "frozen"

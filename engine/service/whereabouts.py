"""Where the customers of this house are: in its dataset, or at the place that COUNTERSIGN_CUSTOMERS names.

Everything that selects, counts, explains or delivers asks here. Refuses to say at which address a place is.
"""

from typing import TYPE_CHECKING

from engine.definition.catalogue import catalogue
from engine.errors import CustomersUnavailable, NoCustomers
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.settings import Settings
from engine.warehouse.dataset import Version
from engine.warehouse.places import CustomerBase, base_of, place_of

if TYPE_CHECKING:
    from engine.warehouse.elsewhere import Elsewhere


def place(settings: Settings) -> "Elsewhere | None":
    """The server or cluster with the customers; None where the dataset has them. InvalidFile where the setting names
    what is not in the file of connections."""
    return place_of(settings.customers, settings.connections) if settings.customers else None


def customers_of(app: Countersign) -> CustomerBase:
    """The customers as they are now; there may be none. CustomersUnavailable where the place does not answer."""
    found = base_of(dataset_of(app.settings), place(app.settings), addresses())
    app.seen_customers = found.version
    return found


def addresses() -> frozenset[str]:
    """The fields that the catalogue calls addresses: at a place as well nobody selects by them."""
    known = catalogue("customers")
    return frozenset(name for name, field in known.fields.items() if field.type == "address") if known else frozenset()


def existing(app: Countersign) -> CustomerBase:
    """The same. NoCustomers where there are none."""
    found = customers_of(app)
    if "customers" not in found.version.tables:
        raise NoCustomers()
    return found


def last_seen(app: Countersign) -> Version:
    """The tables and columns as they are now, or as they were seen last where the place does not answer: for a page on
    which somebody goes on writing. CustomersUnavailable where they never were."""
    try:
        return customers_of(app).version
    except CustomersUnavailable:
        if app.seen_customers is None:
            raise
        return app.seen_customers

"""Whether the application can do its work now: what a load balancer asks."""

from engine.errors import DatabaseUnavailable
from engine.service.app import Countersign
from engine.store import operation
from engine.store.session import newest_revision


def check(app: Countersign) -> dict[str, str]:
    """The database's time, read from it. Raises DatabaseUnavailable where it does not answer."""
    with app.db.read() as tx:
        return {"database": "ok", "at": app.db.now(tx).isoformat()}


def ready(app: Countersign) -> dict[str, str]:
    """That work can begin: the database answers and has the newest schema. Raises DatabaseUnavailable where not."""
    with app.db.read() as tx:
        found = operation.schema_revision(tx)
    if found != newest_revision():
        reason = "its tables are of another release, run `countersign database migrate`"
        raise DatabaseUnavailable(url=app.db.address, reason=reason)
    return {"database": "ok", "schema": found}

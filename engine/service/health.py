"""Whether the application can do its work now: what a load balancer asks."""

from engine.errors import DatabaseUnavailable
from engine.service.app import Countersign
from engine.service.holding import CHANNELS
from engine.store import circuits, operation
from engine.store.session import newest_revision


def check(app: Countersign) -> dict[str, str]:
    """The database's time, read from it, and under `down` the channels of staff with an open alarm; neither hosts nor
    reasons, which everybody could read. Raises DatabaseUnavailable where the database does not answer."""
    with app.db.read() as tx:
        found = {"database": "ok", "at": app.db.now(tx).isoformat()}
        alarms = [one for one in circuits.all_down(tx) if one.is_told and one.name in CHANNELS]
    if alarms:
        said = ", ".join(f"{one.name} since {one.down_since.isoformat(timespec='seconds')}" for one in alarms)
        found["down"] = f"{said}; their notices wait, see the page Channels"
    return found


def ready(app: Countersign) -> dict[str, str]:
    """That work can begin: the database answers and has the newest schema. Raises DatabaseUnavailable where not."""
    with app.db.read() as tx:
        found = operation.schema_revision(tx)
    if found != newest_revision():
        reason = "its tables are of another release, run `countersign database migrate`"
        raise DatabaseUnavailable(url=app.db.address, reason=reason)
    return {"database": "ok", "schema": found}

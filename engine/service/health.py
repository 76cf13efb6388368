"""Whether the application can do its work now: what a load balancer asks."""

from engine.service.app import Countersign


def check(app: Countersign) -> dict[str, str]:
    """The database's time, read from it. Raises DatabaseUnavailable where it does not answer."""
    with app.db.read() as tx:
        return {"database": "ok", "at": app.db.now(tx).isoformat()}

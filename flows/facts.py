"""The flow `facts`: what the ledger says now becomes facts that dashboards read."""

from collections.abc import Mapping

from prefect import flow

from engine.service import facts as service
from engine.service.app import Countersign
from flows.run import run


@flow(name="facts")
def facts() -> dict[str, int]:
    """Look every few seconds whether the facts are older than five minutes, until the next run of this flow is due."""
    return run("facts", once)


def once(app: Countersign) -> Mapping[str, int]:
    """One refresh, where it is due."""
    return {"rows": service.refresh_due(app)}

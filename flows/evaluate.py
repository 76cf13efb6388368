"""The flow `evaluate`: evaluations whose time has come are computed and stored."""

from collections.abc import Mapping
from dataclasses import asdict

from prefect import flow

from engine.service import effects
from engine.service.app import Countersign
from flows.run import run


@flow(name="evaluate")
def evaluate() -> dict[str, int]:
    """Look for due evaluations until the next run of this flow is due."""
    return run("evaluate", once)


def once(app: Countersign) -> Mapping[str, int]:
    """One batch."""
    return asdict(effects.evaluate_due(app))

"""The flow `evaluate`: what takes long. Evaluations whose time has come are computed, customers are erased, the courses
of cases are told anew."""

from collections.abc import Mapping
from dataclasses import asdict

from prefect import flow

from engine.service import courses, effects, forgetting
from engine.service.app import Countersign
from flows.run import run


@flow(name="evaluate")
def evaluate() -> dict[str, int]:
    """Look for due evaluations and confirmed erasures until the next run of this flow is due."""
    return run("evaluate", once)


def once(app: Countersign) -> Mapping[str, int]:
    """One batch of evaluations, then every erasure that is confirmed and not carried out, then a batch of courses."""
    done = asdict(effects.evaluate_due(app))
    return {**done, "erased": forgetting.catch_up(app), "courses": courses.catch_up(app)}

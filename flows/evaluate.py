"""The flow `evaluate`: what takes long. Evaluations whose time has come are computed, customers are erased, the courses
of cases are told anew, scheduled reports are made and mailed."""

from collections.abc import Mapping
from dataclasses import asdict

from prefect import flow

from engine.service import courses, effects, forgetting, mailing, messaging
from engine.service.app import Countersign
from flows.run import run
from notifications.channels import sender


@flow(name="evaluate")
def evaluate() -> dict[str, int]:
    """Look for due evaluations, confirmed erasures and due reports until the next run of this flow is due."""
    return run("evaluate", once)


def once(app: Countersign) -> Mapping[str, int]:
    """One batch of evaluations, then every erasure that is confirmed and not carried out, then a batch of courses, then
    a batch of reports."""
    done = {**asdict(effects.evaluate_due(app)), "erased": forgetting.catch_up(app), "courses": courses.catch_up(app)}
    queued = mailing.queue_due(app)
    sent, unsent = messaging.send_reports(app, sender(app.settings))
    return {**done, "mailings": queued, "reports": sent, "unsent": unsent}

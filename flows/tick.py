"""The flow `tick`: due timers become commands, pending effects become actions, notices become mails; open steps follow
the organisation, and deadlines the calendar; what is over is deleted."""

from collections.abc import Mapping
from dataclasses import asdict

from prefect import flow

from engine.service import effects, recounting, reorganising, retention
from engine.service.app import Countersign
from flows.run import run
from notifications.channels import sender


@flow(name="tick")
def tick() -> dict[str, int]:
    """Look for due timers and pending effects until the next tick is due."""
    return run("tick", once)


def once(app: Countersign) -> Mapping[str, int]:
    """One batch of each."""
    counted_again = recounting.catch_up(app)  # before anything fires that is not due any more
    asked_again = reorganising.catch_up(app)
    done = asdict(effects.work(app, sender(app.settings)))
    deleted = retention.catch_up(app)
    told = {"asked_again": asked_again, "counted_again": counted_again, "deleted": deleted}
    return {**done, **told}

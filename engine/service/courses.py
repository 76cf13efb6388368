"""Keeps the courses of cases up to date, for the figures of the process. Refuses to do it while a page is asked for."""

from datetime import timedelta

from engine.service.app import Countersign
from engine.store import courses, operation

NAME = "courses"
EVERY = timedelta(minutes=1)
BATCH = 1_000


def catch_up(app: Countersign) -> int:
    """Tell the courses of cases that went on, where the last look is a minute ago; a full batch is followed by the next
    at once. How many cases were told."""
    now = app.now()
    with app.db.read() as tx:
        last = next((row for row in operation.all_rounds(tx) if row.flow == NAME), None)
    if last is not None and last.did < BATCH and last.at <= now < last.at + EVERY:
        return 0
    return refresh(app)


def refresh(app: Countersign) -> int:
    """Tell one batch now; how many cases it were."""
    with app.db.begin() as tx:
        told = courses.tell(tx, BATCH)
        operation.note_round(tx, NAME, at=app.now(), did=told, error="")
    return told

"""Deletes what is over and needed by nobody: once an hour, a batch at a time, so that no decision waits for it.

Messages and keys of requests stay for COUNTERSIGN_RETENTION_DAYS; forms, tries and codes for as long as they count.
Refuses to touch what is still to be sent, cases, deliveries, and the histories, which are append-only.
"""

from datetime import timedelta

from engine.audience.policy import LONGEST
from engine.delivery.channels import CHANNELS
from engine.service.app import Countersign
from engine.store import operation, retention

NAME = "retention"
EVERY = timedelta(hours=1)
BATCH = 1000
TRIES = timedelta(days=1)


def catch_up(app: Countersign) -> int:
    """Delete what is over, where the last look is an hour ago; a full batch is followed by the next at once. How many
    rows were deleted."""
    now = app.now()
    with app.db.read() as tx:
        last = next((row for row in operation.all_rounds(tx) if row.flow == NAME), None)
    if last is not None and last.did < BATCH and now < last.at + EVERY:
        return 0
    days, links = app.settings.retention_days, timedelta(days=app.settings.link_days + 1)
    with app.db.begin() as tx:
        counts = [
            retention.expired_forms(tx, now, BATCH),
            retention.old_tries(tx, now - TRIES, BATCH),
            retention.old_codes(tx, now - links, BATCH),
            *(retention.old_permits(tx, channel, now - LONGEST, BATCH) for channel in CHANNELS),
        ]
        if days:
            before = now - timedelta(days=days)
            counts += [retention.old_messages(tx, before, BATCH), retention.old_keys(tx, before, BATCH)]
        operation.note_round(tx, NAME, at=now, did=max(counts), error="")
    return sum(counts)

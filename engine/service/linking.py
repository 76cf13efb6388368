"""Makes the links that notices carry; what they locate and ask for is decided in `links`."""

from datetime import timedelta

from sqlalchemy import Connection

from engine.machine.case import Case, Task
from engine.service.app import Countersign
from engine.store import links


def mail(app: Countersign, tx: Connection, person: str, case: Case, task: Task) -> str:
    """A link for `person` to a task, bound to the case as it is now; its token, which cannot be had again."""
    now = app.now()
    return links.create(
        tx,
        person=person,
        case_id=case.id,
        task=task.id,
        step=task.step,
        round=task.round,
        seq=case.seq,
        now=now,
        expires_at=now + timedelta(days=app.settings.link_days),
    )

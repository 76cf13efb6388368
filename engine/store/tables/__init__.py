"""The case database's tables. One place for both databases; `migrations/` must give the same schema (tested).

Times are stored as UTC with a zone (PostgreSQL) or as ISO text in UTC (SQLite), see columns.py. JSON that the machine
reads back whole is text, so that both databases return the bytes that were written.
"""

from engine.store.tables.authoring import drafts, request_keys
from engine.store.tables.base import metadata
from engine.store.tables.cases import (
    case_offices,
    cases,
    definitions,
    history,
    idempotency,
    links,
    numbering,
    outbox,
    register_numbers,
    submitted_amounts,
    tasks,
    timers,
)
from engine.store.tables.delivery import (
    chunks,
    evaluations,
    parked_receipts,
    recipients,
    responses,
    snapshots,
    suppressions,
    waves,
)
from engine.store.tables.people import (
    devices,
    grants,
    offices,
    organisation,
    people,
    sessions,
    sign_in_tries,
    stand_ins,
    workdays,
)

__all__ = [
    "case_offices",
    "cases",
    "chunks",
    "definitions",
    "devices",
    "drafts",
    "evaluations",
    "grants",
    "history",
    "idempotency",
    "links",
    "metadata",
    "numbering",
    "offices",
    "organisation",
    "outbox",
    "parked_receipts",
    "people",
    "recipients",
    "register_numbers",
    "request_keys",
    "responses",
    "sessions",
    "sign_in_tries",
    "snapshots",
    "stand_ins",
    "submitted_amounts",
    "suppressions",
    "tasks",
    "timers",
    "waves",
    "workdays",
]

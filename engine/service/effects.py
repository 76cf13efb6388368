"""Carries out what the machine decided: due timers become commands, outbox rows become actions.

Every row is claimed as a lease, carried out outside any transaction, then marked. An action may run twice after a
crash, so each is idempotent: stages by their key, notices by being harmless.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.values import Bilingual, Language


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told. `link` is absolute; `by` and `remark` are set where somebody decided."""

    person: str
    name: str
    email: str
    language: Language
    occasion: str
    case_id: str
    number: str
    title: str
    confidential: bool
    step: Bilingual
    due_at: datetime | None
    budget: Decimal | None
    reach: int | None
    link: str
    remark: str = ""
    by: str = ""


Notify = Callable[[Notice], None]

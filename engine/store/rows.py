"""From a decision of the machine to rows: which tasks, timers and outbox rows its events and effects mean.

Both databases write the same rows; only the statements differ. Refuses to decide anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from engine.machine.case import Case, Task, Timer
from engine.machine.commands import AnyCommand, TimerFired
from engine.machine.outcome import AnyEffect, Outcome, TaskClosed, TaskOpened, TimerArmed, TimerDisarmed
from engine.store.history import Entry, sealed


@dataclass(frozen=True, slots=True)
class CaseIndex:
    """The columns by which lists find a case, and the offices that may see it when it is confidential.

    `offices` None leaves them as they are.
    """

    title: str
    budget: Decimal | None
    reach: int | None
    confidential: bool
    offices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What to record: the command, the machine's answer to it, and the index columns where they may have changed."""

    command: AnyCommand
    outcome: Outcome
    index: CaseIndex | None = None


_to_json = msgspec.json.Encoder().encode


class OutboxRow(msgspec.Struct, frozen=True):
    """An effect to be carried out."""

    key: str
    kind: str
    body: str


class Written(msgspec.Struct, frozen=True):
    """Everything one transition writes. Of the timers that are over, some fired, the others were called off."""

    case: Case
    entry: Entry
    tasks: tuple[Task, ...]
    armed: tuple[Timer, ...]
    fired: tuple[str, ...]
    disarmed: tuple[str, ...]
    outbox: tuple[OutboxRow, ...]


def rows_of(decided: Decided, *, seq: int, previous: str, now: datetime) -> Written:
    """The rows of history entry `seq` that follows the entry with the hash `previous`; a decision without a time of
    its own happened `now`."""
    case, events = decided.outcome.case, decided.outcome.events
    if case.seq != seq:
        raise ValueError(f"the decided case says entry {case.seq}, its history says {seq}")
    entry = sealed(
        case_id=case.id,
        seq=seq,
        at=decided.outcome.at or now,
        command=decided.command,
        events=events,
        previous=previous,
    )
    tasks: dict[str, Task] = {}
    armed: dict[str, Timer] = {}
    gone: list[str] = []
    for event in events:  # not a match: patterns that bind cost more than all the rest here
        if isinstance(event, TaskOpened | TaskClosed):
            tasks[event.task.id] = event.task  # the last word on a task counts
        elif isinstance(event, TimerArmed):
            armed[event.timer.key] = event.timer
        elif isinstance(event, TimerDisarmed) and armed.pop(event.key, None) is None:
            gone.append(event.key)
    fired = decided.command.key if isinstance(decided.command, TimerFired) else None
    return Written(
        case=case,
        entry=entry,
        tasks=tuple(tasks.values()),
        armed=tuple(armed.values()),
        fired=tuple(key for key in gone if key == fired),
        disarmed=tuple(key for key in gone if key != fired),
        outbox=_outbox(case.id, seq, decided.outcome.effects),
    )


def _outbox(case_id: str, seq: int, effects: Sequence[AnyEffect]) -> tuple[OutboxRow, ...]:
    return tuple(
        [
            OutboxRow(f"{case_id}:{seq}:{n}", type(effect).__name__, _to_json(effect).decode())
            for n, effect in enumerate(effects)
        ]
    )

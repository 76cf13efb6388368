"""The last two countersigners decide at once: whatever each says, the case goes on once, and is never stuck."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from engine.errors import AlreadyDecided, NotPossible
from engine.machine.advance import advance, create
from engine.machine.case import Case, Decision
from engine.machine.commands import AnyCommand, Create, Decide, Submit
from engine.machine.process import Process
from engine.store import cases
from engine.store.cases import Recorded
from engine.store.rows import Decided
from engine.store.session import Database
from engine.store.tables import outbox
from tests.support import FULL
from tests.unit.machine.test_machine_reliability import DECISIONS, TWO, ends_at
from tests.unit.machine.trial import MIDDLE, MONDAY, REF

RACES = 1000 if FULL else 100


def decided(case: Case, person: str, decision: Decision) -> Decide:
    task = next(task for task in case.tasks if task.person == person)
    return Decide(actor=person, task=task.id, decision=decision, remark="because")


def test_at_once_in_the_database_each_case_goes_on_once(db: Database) -> None:
    ends: Counter[str] = Counter()
    for seed in range(RACES):
        chance = random.Random(seed)
        running = TWO[seed % 2]
        name = f"two{seed}"
        opened(db, name, running)
        case = carry(db, name, running, lambda case: decided(case, "net_a", "approve")).case
        choices = {"net_b": chance.choice(DECISIONS), "city_vp": chance.choice(DECISIONS)}
        gate = threading.Barrier(2)
        threads = [
            threading.Thread(target=vote, args=(db, name, running, gate, person, choice))
            for person, choice in choices.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with db.read() as tx:
            case = cases.load(tx, name)
            told = sa.select(sa.func.count()).where(outbox.c.case_id == name, outbox.c.kind == "NotifyOutcome")
            outcomes = tx.execute(told).scalar_one()
        assert case.state in ends_at(seed, choices["net_b"], choices["city_vp"]), (seed, choices)
        assert outcomes == 1, (seed, choices)
        assert not [task for task in case.tasks if task.is_pending], (seed, choices)
        ends[case.state] += 1
    assert set(ends) == {"approved", "returned"}
    assert ends.total() == RACES


def vote(db: Database, name: str, running: Process, gate: threading.Barrier, *choice: Any) -> None:
    """Decide at the same moment as the other; who comes too late is told so."""
    person, decision = choice
    gate.wait(10)
    with suppress(AlreadyDecided, NotPossible):
        carry(db, name, running, lambda case: decided(case, person, decision))


def opened(db: Database, name: str, running: Process) -> None:
    command = Create(actor="clerk", office="c1")
    cases.create(db, "", lambda _tx: Decided(command, create(name, REF, command, MONDAY)))
    carry(db, name, running, lambda _: Submit(actor="clerk", form=dict(MIDDLE), number=f"c1-2026-{name}"))


def carry(db: Database, name: str, running: Process, command: Callable[[Case], AnyCommand]) -> Recorded:
    def decide(locked: cases.Locked) -> Decided:
        asked = command(locked.case)
        return Decided(asked, advance(running, locked.case, asked, MONDAY))

    return cases.transition(db, name, "", decide)

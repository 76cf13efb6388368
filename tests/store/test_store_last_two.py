"""The last two countersigners decide at once: whatever each says, the case goes on once, and is never stuck."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import AlreadyDecided, NotPossible
from engine.machine.advance import advance, create
from engine.machine.case import Case, Decision
from engine.machine.chains import Countersign
from engine.machine.commands import AnyCommand, Create, Decide, Submit
from engine.machine.lifecycle import Stages
from engine.machine.process import Process
from engine.machine.tally import AllOf
from engine.store import cases
from engine.store.cases import Recorded
from engine.store.rows import Decided
from engine.store.session import Database
from engine.store.tables import outbox
from tests.unit.machine.trial import MIDDLE, MONDAY, PEOPLE, REF, Trial, approve, process

DURABLE = 300
SEEDS = 1000
DECISIONS: tuple[Decision, ...] = ("approve", "approve", "approve", "approve", "reject", "return")


def two(seed: int) -> Process:
    """Two steps at once, one of which asks two people; by the seed, both must approve or one is enough."""
    branches = (approve("network", "role:network@city", AllOf()), approve("vp", "role:vp_market@city"))
    join = (None, 1)[seed % 2]
    return process({"only": (Countersign("both", branches, join=join),)}, stages=Stages(), people=PEOPLE)


PROCESSES = (two(0), two(1))


def expected(seed: int, first: Decision, second: Decision) -> set[str]:
    """Where the case may stand when both have decided, whoever came first."""
    ends = {"approve": "approved", "reject": "returned", "return": "returned"}  # a countersign's reject goes back too
    if seed % 2:  # one is enough: the first decides
        return {ends[first], ends[second]}
    return {"approved"} if first == second == "approve" else {"returned"}


def decided(case: Case, person: str, decision: Decision) -> Decide:
    task = next(task for task in case.tasks if task.person == person)
    return Decide(actor=person, task=task.id, decision=decision, remark="because")


@pytest.mark.parametrize("block", range(4))
def test_in_memory_a_thousand_orders_end_where_they_must(block: int) -> None:
    for seed in range(block, SEEDS, 4):
        chance = random.Random(seed)
        trial = Trial(PROCESSES[seed % 2])
        trial.submit()
        trial.approve("net_a")
        choices = {"net_b": chance.choice(DECISIONS), "city_vp": chance.choice(DECISIONS)}
        order = chance.sample(sorted(choices), 2)
        for person in order:
            try:
                trial.decide(person, choices[person])
            except (AlreadyDecided, NotPossible):
                assert trial.case.state != "approving"
        first, second = (choices[person] for person in order)
        assert trial.case.state in expected(seed, first, second), (seed, order, choices)
        assert not trial.asked()


def test_at_once_in_the_database_each_case_goes_on_once(db: Database) -> None:
    ends: Counter[str] = Counter()
    for seed in range(DURABLE):
        chance = random.Random(seed)
        running = PROCESSES[seed % 2]
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
        assert case.state in expected(seed, choices["net_b"], choices["city_vp"]), (seed, choices)
        assert outcomes == 1, (seed, choices)
        assert not [task for task in case.tasks if task.is_pending], (seed, choices)
        ends[case.state] += 1
    assert set(ends) == {"approved", "returned"}
    assert ends.total() == DURABLE


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

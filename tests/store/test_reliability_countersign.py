"""The last two countersigners click at the same moment, on the database: the step is completed once, none is stuck."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from engine.machine.advance import advance, create
from engine.machine.case import Case
from engine.machine.commands import AnyCommand, Create, Decide, Submit
from engine.machine.outcome import NotifyTask
from engine.store import cases, history
from engine.store.cases import Locked
from engine.store.rows import CaseIndex, Decided
from engine.store.session import Database
from tests.unit.machine.test_machine_reliability import BOTH, SIGNERS
from tests.unit.machine.trial import MIDDLE, MONDAY, REF

RACES = 100
INDEX = CaseIndex(title="Race", budget=None, reach=None, confidential=False, offices=("c1",))


def open_draft(db: Database, case_id: str) -> None:
    begin = Create(actor="clerk", office="c1")
    outcome = create(case_id, REF, begin, MONDAY)
    cases.create(db, "", lambda _tx: Decided(begin, outcome, INDEX))


def do(db: Database, case_id: str, command: AnyCommand) -> list[str]:
    """Carry a command out on the locked case; gives who is told of a task."""
    told: list[str] = []

    def decide(locked: Locked) -> Decided:
        given = command
        if isinstance(given, Submit):
            number = f"c1-2026-{locked.next_number('c1', 2026):05}"
            given = Submit(actor=given.actor, form=given.form, number=number)
        outcome = advance(BOTH, locked.case, given, MONDAY)
        told[:] = [effect.person for effect in outcome.effects if isinstance(effect, NotifyTask)]
        return Decided(given, outcome, INDEX)

    cases.transition(db, case_id, "", decide)
    return told


def click(case: Case, person: str) -> Decide:
    (task,) = [task for task in case.tasks if task.person == person]
    return Decide(actor=person, task=task.id, decision="approve", seen_seq=case.seq)


def load(db: Database, case_id: str) -> Case:
    with db.read() as tx:
        return cases.load(tx, case_id)


def sign_at_once(db: Database, case_id: str, people: list[str]) -> list[str]:
    """Each clicks in a thread of their own, on the case as it is now; gives who was told of a task."""
    seen, start = load(db, case_id), threading.Barrier(len(people))

    def sign(person: str) -> list[str]:
        start.wait(10)
        return do(db, case_id, click(seen, person))

    with ThreadPoolExecutor(len(people)) as threads:
        return [told for each in threads.map(sign, people) for told in each]


def test_the_last_two_countersigners_at_once_complete_it_once(db: Database) -> None:
    for seed in range(RACES):
        case_id = f"race{seed}"
        open_draft(db, case_id)
        do(db, case_id, Submit(actor="clerk", form=dict(MIDDLE), number=""))
        order = random.Random(seed).sample(SIGNERS, k=len(SIGNERS))
        for person in order[:-2]:
            do(db, case_id, click(load(db, case_id), person))
        before = load(db, case_id).seq
        assert sign_at_once(db, case_id, order[-2:]) == ["city_vp"], seed
        case = load(db, case_id)
        assert [task.person for task in case.tasks if task.state == "open"] == ["city_vp"], seed
        assert case.seq == before + 2
        with db.read() as tx:
            assert history.verify(tx, case_id) is None

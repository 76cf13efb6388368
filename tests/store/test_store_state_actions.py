"""What is refused in a state changes nothing in the case database, and says what is possible."""

from functools import partial

import pytest
import sqlalchemy as sa

from engine.errors import CountersignError, NotPossible
from engine.machine.advance import advance, create
from engine.machine.commands import AnyCommand, Create
from engine.store import cases, history
from engine.store.cases import Locked
from engine.store.rows import CaseIndex, Decided
from engine.store.session import Database
from tests.unit.machine.state_actions import Told
from tests.unit.machine.state_tables import DECLARED, USUAL
from tests.unit.machine.trial import MONDAY

INDEX = CaseIndex(title="Case", budget=None, reach=None, confidential=False, offices=("c1",))
TABLES_OF = {"usual": USUAL, "declared": DECLARED}
EVERY = [(name, state) for name, (states, _) in TABLES_OF.items() for state in states]
TABLES = ("cases", "tasks", "timers", "history", "outbox", "idempotency")


def recorded(db: Database, trial: Told) -> None:
    """The case as it is, one transaction for each of its commands."""
    opened = Create(actor="clerk", office="c1")
    born = create("case1", trial.process.ref, opened, MONDAY, trial.process)
    cases.create(db, "", lambda _: Decided(opened, born, INDEX))
    for command, outcome in trial.done:
        if outcome.events:
            cases.transition(db, "case1", "", lambda _, done=(command, outcome): Decided(*done))


def rows(db: Database) -> dict[str, list[tuple[object, ...]]]:
    with db.read() as tx:
        return {name: sorted(map(tuple, tx.execute(sa.text(f"SELECT * FROM {name}"))), key=str) for name in TABLES}


def asked(trial: Told, command: AnyCommand, locked: Locked) -> Decided:
    return Decided(command, advance(trial.process, locked.case, command, trial.now))


@pytest.mark.parametrize(("states", "state"), EVERY, ids=[f"{name}: {state}" for name, state in EVERY])
def test_what_is_refused_changes_nothing(db: Database, states: str, state: str) -> None:
    made, actions = TABLES_OF[states]
    trial = made[state]()
    recorded(db, trial)
    with db.read() as tx:
        assert cases.load(tx, "case1") == trial.case
        assert history.verify(tx, "case1") is None
    before, refused = rows(db), 0
    for action, make in actions.items():
        command = make(trial.case)
        try:
            advance(trial.process, trial.case, command, trial.now)
        except CountersignError as expected:
            with pytest.raises(type(expected)) as told:
                cases.transition(db, "case1", f"key-{action}", partial(asked, trial, command))
            assert str(told.value) == str(expected)
            if isinstance(expected, NotPossible):
                assert expected.message.partition("possible: ")[2] not in ("", ".")
            refused += 1
    assert refused > 10
    assert rows(db) == before

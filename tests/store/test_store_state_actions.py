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
from tests.unit.machine.state_actions import ACTIONS, STATES, Told
from tests.unit.machine.trial import MONDAY, REF

INDEX = CaseIndex(title="Case", budget=None, reach=None, confidential=False, offices=("c1",))
TABLES = ("cases", "tasks", "timers", "history", "outbox", "idempotency")


def recorded(db: Database, trial: Told) -> None:
    """The case as it is, one transaction for each of its commands."""
    opened = Create(actor="clerk", office="c1")
    cases.create(db, "", lambda _: Decided(opened, create("case1", REF, opened, MONDAY), INDEX))
    for command, outcome in trial.done:
        if outcome.events:
            cases.transition(db, "case1", "", lambda _, done=(command, outcome): Decided(*done))


def rows(db: Database) -> dict[str, list[tuple[object, ...]]]:
    with db.read() as tx:
        return {name: sorted(map(tuple, tx.execute(sa.text(f"SELECT * FROM {name}"))), key=str) for name in TABLES}


def asked(trial: Told, command: AnyCommand, locked: Locked) -> Decided:
    return Decided(command, advance(trial.process, locked.case, command, trial.now))


@pytest.mark.parametrize("state", STATES)
def test_what_is_refused_changes_nothing(db: Database, state: str) -> None:
    trial = STATES[state]()
    recorded(db, trial)
    with db.read() as tx:
        assert cases.load(tx, "case1") == trial.case
        assert history.verify(tx, "case1") is None
    before, refused = rows(db), 0
    for action, make in ACTIONS.items():
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

"""Every action in every state does what docs/state-actions.md says."""

from typing import get_args

import pytest

from engine.definition.lifecycle import AnyState
from engine.definition.load import load
from engine.machine.commands import AnyCommand, Create, Perform
from tests.unit.machine.declared_case import TEXT
from tests.unit.machine.state_actions import ACTIONS, STATES
from tests.unit.machine.state_tables import DECLARED, PAGE, USUAL, Actions, States, page, table

PARENTS = {"its parent ends it", "its parent is suspended", "its parent goes on"}
"""What its parent does is told to a case whatever its state; where it does not matter, nothing changes."""


def test_the_page_says_what_the_machine_does() -> None:
    renew = "run `python -m tests.unit.machine.state_tables` where the change is meant"
    assert PAGE.read_text(encoding="utf-8") == page(), renew


def test_every_command_and_every_state_of_the_usual_lifecycle_stands_in_the_table() -> None:
    tried = {type(command(make().case)) for make in STATES.values() for command in ACTIONS.values()}
    assert set(get_args(AnyCommand)) - tried == {Create}
    known = {make().case.state for make in STATES.values()}
    top, *_ = STATES["draft"]().process.chart.states
    assert {state.id for state in top.children} - known == set()
    assert known - {state.id for state in top.children} == {"suspended", "expired"}  # not in this one's chart


def test_every_action_is_possible_somewhere_and_refused_elsewhere() -> None:
    cells = table(*USUAL)
    never = {action for action, of_action in cells.items() if all(word.startswith("(") for word in of_action.values())}
    assert never == {"abstain", "do a declared event", "a child case moved", "open a child case"}
    open_everywhere = {
        action for action, of_action in cells.items() if not any(w.startswith("(") for w in of_action.values())
    }
    assert open_everywhere == {"a timer fires", "the organisation changed", "the working days changed", *PARENTS}


def test_the_declared_lifecycle_has_every_kind_of_state_and_each_is_tried() -> None:
    kinds = {get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(AnyState)[0])}
    assert {kind for kind in kinds if f"kind: {kind}" not in TEXT} == set()
    states, actions = DECLARED
    trials = [make() for make in states.values()]
    assert {type(command(one.case)) for one in trials for command in actions.values()} == {*get_args(AnyCommand)} - {
        Create
    }
    declared = load(TEXT).lifecycle
    assert declared is not None
    passed = {"approved", "filed", "withdrawn"}  # gone through at once; an end like the others
    assert set(declared.states) - passed <= {one.case.state for one in trials}


def test_what_a_lifecycle_declares_is_possible_where_it_says_and_nowhere_else() -> None:
    states, actions = DECLARED
    cells = table(states, actions)
    done = {
        action: {state for state, word in cells[action].items() if not word.startswith("(")}
        for action, make in actions.items()
        if isinstance(make(states["figures (task)"]().case), Perform)
    }
    preparing = {"preparing (compound, parallel)", "preparing: one region done"}
    assert done == {
        "clear, by finance": {"figures (task)"},
        "clear, by the submitter": set(),
        "send back, by finance": {"figures (task)"},
        "hold, by the city head": preparing,
        "resume, by the city head": {"held (task, with a history to go back to)"},
        "book, by finance": {"preparing (compound, parallel)"},
        "print, by the city head": preparing,
        "drop, by the city head": {"partners (cases)"},
    }
    assert cells["resume, by the city head"]["held (task, with a history to go back to)"] == "preparing"


def test_what_its_parent_does_is_told_to_a_case_of_a_declared_lifecycle_in_every_state() -> None:
    cells = table(*DECLARED)
    assert [word for action in PARENTS for word in cells[action].values() if word.startswith("(")] == []


@pytest.mark.parametrize("tables", [USUAL, DECLARED], ids=["usual", "declared"])
def test_a_suspended_case_goes_on_or_ends_and_nothing_else(tables: tuple[States, Actions]) -> None:
    cells = table(*tables)
    for state in (name for name in tables[0] if name.startswith("suspended")):
        moves = {action for action in cells if cells[action][state] not in ("nothing", "done")}
        moves -= {action for action in moves if cells[action][state].startswith("(")}
        expected = {"activate", "terminate", "its parent ends it"}
        assert moves - {"its parent goes on"} == expected, state

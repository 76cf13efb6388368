"""Every action in every state does what docs/state-actions.md says."""

from typing import get_args

from engine.machine.commands import AnyCommand, Create
from tests.unit.machine.state_actions import ACTIONS, PAGE, STATES, page, table

PARENTS = {"its parent ends it", "its parent is suspended", "its parent goes on"}
"""What its parent does is told to a case whatever its state; where it does not matter, nothing changes."""


def test_the_page_says_what_the_machine_does() -> None:
    renew = "run `python -m tests.unit.machine.state_actions` where the change is meant"
    assert PAGE.read_text(encoding="utf-8") == page(), renew


def test_every_command_and_every_state_of_the_usual_lifecycle_stands_in_the_table() -> None:
    tried = {type(command(make().case)) for make in STATES.values() for command in ACTIONS.values()}
    assert set(get_args(AnyCommand)) - tried == {Create}
    known = {make().case.state for make in STATES.values()}
    top, *_ = STATES["draft"]().process.chart.states
    assert {state.id for state in top.children} - known == set()
    assert known - {state.id for state in top.children} == {"suspended", "expired"}  # not in this one's chart


def test_every_action_is_possible_somewhere_and_refused_elsewhere() -> None:
    cells = table()
    never = {action for action, of_action in cells.items() if all(word.startswith("(") for word in of_action.values())}
    assert never == {"abstain", "do a declared event", "a child case moved", "open a child case"}
    open_everywhere = {
        action for action, of_action in cells.items() if not any(w.startswith("(") for w in of_action.values())
    }
    assert open_everywhere == {"a timer fires", "the organisation changed", *PARENTS}

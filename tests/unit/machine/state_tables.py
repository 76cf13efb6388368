"""Every action tried in every state: `python -m tests.unit.machine.state_tables` writes docs/state-actions.md anew."""

from collections.abc import Callable, Mapping
from pathlib import Path

from engine.errors import CountersignError
from engine.machine.advance import advance
from engine.machine.case import Case
from engine.machine.commands import AnyCommand
from engine.machine.evolve import fold
from tests.unit.machine import declared_case, state_actions
from tests.unit.machine.state_actions import Told

PAGE = Path(__file__).resolve().parents[3] / "docs" / "state-actions.md"
States = Mapping[str, Callable[[], Told]]
Actions = Mapping[str, Callable[[Case], AnyCommand]]
USUAL: tuple[States, Actions] = (state_actions.STATES, state_actions.ACTIONS)
DECLARED: tuple[States, Actions] = (declared_case.STATES, declared_case.ACTIONS)


def outcome(trial: Told, command: AnyCommand) -> str:
    """The state it leads to; "done" where it stays, "nothing" where nothing changed, in brackets why it is refused."""
    case = trial.case
    try:
        came = advance(trial.process, case, command, trial.now)
    except CountersignError as refused:
        return f"({type(refused).__name__})"
    assert came.case == (fold(case, came.events, trial.now) if came.events else case)
    if not came.events:
        return "nothing"
    return came.case.state if came.case.state != case.state else "done"


def table(states: States, actions: Actions) -> dict[str, dict[str, str]]:
    """What each action does in each state, by action and state."""
    begun = {state: make() for state, make in states.items()}
    return {
        action: {state: outcome(one, command(one.case)) for state, one in begun.items()}
        for action, command in actions.items()
    }


WORDS = {
    "(NotPossible)": "–",
    "(NotFound)": "×",
    "(AlreadyDecided)": "=",
    "(ChangedMeanwhile)": "≠",
    "(InvalidForm)": "!",
    "nothing": "·",
    "done": "✓",
}


def page() -> str:
    """docs/state-actions.md."""
    lines = [
        "# What can be done in which state",
        "",
        "Every action tried in every state, by the person who may do it there if anybody may. The tables are made by",
        "the machine (`python -m tests.unit.machine.state_tables`), and a test holds them.",
        "",
        "A word: the state that it leads to. ✓: done, the state stays. ·: nothing changes. –: refused, with what is",
        "possible instead. ×: not theirs to do, or there is no such task. =: decided already, by whom is told.",
        "!: refused, with what is wrong with it. What is refused changes nothing.",
        "",
        "## The usual lifecycle",
        "",
        *_rows(*USUAL),
        "",
        "## A lifecycle that a definition declares",
        "",
        "One with every kind of state (`tests/unit/machine/declared_case.py`); the events of its own stand at the end.",
        "",
        *_rows(*DECLARED),
    ]
    return "\n".join(lines) + "\n"


def _rows(states: States, actions: Actions) -> list[str]:
    numbers = range(1, len(states) + 1)
    return [
        *(f"{number}. {state}" for number, state in enumerate(states, 1)),
        "",
        "| action | " + " | ".join(map(str, numbers)) + " |",
        "|---" * (len(states) + 1) + "|",
        *(
            f"| {action} | " + " | ".join(WORDS.get(of_action[state], of_action[state]) for state in states) + " |"
            for action, of_action in table(states, actions).items()
        ),
    ]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

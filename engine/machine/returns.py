"""Where a case can be sent back to, and going there: return, jump and take back go on from a named step.

Refuses targets that the definition's `return_to` does not allow, and steps that the case has not come through.
"""

from typing import TYPE_CHECKING

from engine.errors import InvalidForm, Problem
from engine.machine.case import Case
from engine.machine.chains import Countersign
from engine.machine.journal import Journal
from engine.machine.outcome import Turned
from engine.machine.signers import is_opinion
from engine.machine.standing import in_force, places, standing
from engine.machine.steps import Approval

if TYPE_CHECKING:
    from engine.machine.process import Process

SUBMITTER, PREVIOUS = "submitter", "previous"


def targets(process: "Process", case: Case, step: str) -> tuple[str, ...]:
    """What an approver at `step` may say to return to: submitter, previous, names of earlier steps."""
    kind = process.step(case, step)[1]
    if not isinstance(kind, Approval):
        return ()
    allowed, found = kind.return_to, []
    if SUBMITTER in allowed or "any" in allowed:
        found.append(SUBMITTER)
    if PREVIOUS in allowed or "any" in allowed:
        found += [PREVIOUS] if _before(process, case, step) else []
    if "any" in allowed:
        found += _passed(process, case, step)
    return tuple(found) or (SUBMITTER,)


def resolve(process: "Process", case: Case, step: str, to: str) -> str:
    """The step or countersign that `to` means, empty for the submitter. InvalidForm where it is not allowed."""
    possible = targets(process, case, step)
    if to == PREVIOUS and to not in possible and PREVIOUS in process.step(case, step)[1].return_to:  # type: ignore[union-attr]  # an approval: only these are returned from
        return ""  # the first step has nobody before it but the submitter
    if to not in possible:
        hint = f"possible: {', '.join(possible)}"
        raise InvalidForm([Problem("return_to", f"the case cannot be returned to {to} from here", hint, at="to")])
    return {SUBMITTER: "", PREVIOUS: _before(process, case, step)}.get(to, to)


def redirected(journal: Journal, event: str) -> str:
    """The event of a return, to where those who returned named; of several, to the one furthest back."""
    state, _, verdict = event.rpartition(".")
    if verdict != "return":
        return event
    step = state.rpartition("/")[2]
    seats = journal.seats(step)
    named = {seat.back_to for seat in seats if seat.decision == "return" and not is_opinion(seat, seats)}
    if not named or "" in named:
        return event
    order = _order(journal.process, journal.case)
    return turn(journal, min(named, key=lambda name: order[name]), "return", by_step=step)


def turn(journal: Journal, to: str, why: str, *, by_step: str = "") -> str:
    """Begin a round that goes on from `to`, whose people decide anew; returns the event that moves the chart."""
    process, case = journal.process, journal.case
    kept = standing(process, case, by_step, without=_steps_of(process, case, to))
    journal.record(Turned(case.round + 1, to, why, journal.command.actor, by_step, kept))
    return f"goto.{case.route}/{to}"


def _passed(process: "Process", case: Case, step: str) -> list[str]:
    order = places(process.chains[case.route or ""])
    decided = {task.step for task in in_force(case) if task.verb == "approve"}
    return [name for name, place in order.items() if name in decided and place < order[step]]


def _before(process: "Process", case: Case, step: str) -> str:
    """The step or countersign that the case came through last before `step`; empty where there is none."""
    passed = _passed(process, case, step)
    if not passed:
        return ""
    columns = process.chains[case.route or ""]
    column = columns[places(columns)[passed[-1]]]
    return column.name if isinstance(column, Countersign) else passed[-1]


def _steps_of(process: "Process", case: Case, name: str) -> tuple[str, ...]:
    for column in process.chains[case.route or ""]:
        if isinstance(column, Countersign) and column.name == name:
            return tuple(placed.step.name for placed in column.branches)
    return (name,)


def _order(process: "Process", case: Case) -> dict[str, int]:
    columns = process.chains[case.route or ""]
    signs = {column.name: place for place, column in enumerate(columns) if isinstance(column, Countersign)}
    return places(columns) | signs

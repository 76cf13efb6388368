"""The course of one case: the steps that it stood at and the people it was asked of, with their times.

A stay is one entry into a step, from the first person asked until the last decision, or one person's share of it. Read
from the tasks of the case alone. Refuses to count what nobody did: an approval carried over from an earlier round is no
stay, and what passed by silence is no person's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from struct import Struct

GIVEN_UP = ("draft", "withdrawn", "cancelled", "voided")
"""Their time says nothing about the approval."""
UNDECIDED = ("approving", "returned", "suspended")
OUTCOMES = ("", "done", "return", "reject")
PACKED = Struct("<BHIIIII")
"""Outcome, round, step, person (0: the step itself), start, end (0: still open), due (0: none); seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What a task says: one person asked at one step in one round."""

    step: str
    person: str
    round: int
    verb: str
    state: str
    opened_at: datetime
    due_at: datetime | None
    decision: str | None
    decided_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Stay:
    """A step entered (`person` empty), or a person asked there. Times are whole seconds since 1970, `end` and `due` 0
    where there is none."""

    step: str
    person: str
    round: int
    outcome: int
    start: int
    end: int
    due: int


@dataclass(frozen=True, slots=True)
class Course:
    """How a case went: `submitted` None where it never was, `ended` 0 while it is open or where it was given up; `way`
    is its steps in the order they were entered, again where again. `files`: nobody approves, it is only filed."""

    submitted: int | None
    ended: int
    files: bool
    way: tuple[str, ...]
    stays: tuple[Stay, ...]


def course(seats: Iterable[Seat], state: str, submitted: datetime | None) -> Course:
    """The course of a case in `state`, first submitted then, from all of its tasks in any order."""
    asked = [one for one in seats if one.verb not in ("copy", "answer") and one.reason != "carried"]
    asked.sort(key=lambda one: (one.round, one.step))
    entries: list[tuple[datetime, Stay]] = []
    people: list[Stay] = []
    for _, group in groupby(asked, key=lambda one: (one.round, one.step)):
        of_step = list(group)
        entries.append((min(one.opened_at for one in of_step), _step(of_step)))
        people += [_person(one) for one in of_step if _is_someones(one)]
    entries.sort(key=lambda entry: (entry[0], entry[1].round, entry[1].step))
    steps = [stay for _, stay in entries]
    deciding = [one for one in asked if one.verb in ("approve", "file")]
    is_over = state not in (*GIVEN_UP, *UNDECIDED) and not any(one.state in ("open", "waiting") for one in deciding)
    ended = max((_seconds(one.decided_at) for one in deciding), default=0) if is_over else 0
    first = _seconds(submitted) or min((stay.start for stay in steps), default=None)
    files = bool(deciding) and all(one.verb == "file" for one in deciding)
    return Course(first, ended, files, tuple(stay.step for stay in steps), (*steps, *people))


def _step(seats: Sequence[Seat]) -> Stay:
    one = seats[0]
    is_open = any(seat.state in ("open", "waiting") for seat in seats)
    decisions = {seat.decision for seat in seats if seat.state == "decided"}
    outcome = "return" if "return" in decisions else "reject" if "reject" in decisions else "done" if decisions else ""
    due = [_seconds(seat.due_at) for seat in seats if seat.due_at and seat.state != "waiting"]
    return Stay(
        step=one.step,
        person="",
        round=one.round,
        outcome=0 if is_open else OUTCOMES.index(outcome),
        start=min(_seconds(seat.opened_at) for seat in seats),
        end=0 if is_open else max(_seconds(seat.decided_at) for seat in seats),
        due=min(due, default=0),
    )


def _is_someones(seat: Seat) -> bool:
    """Whether a person decided it, or has to."""
    return seat.state == "open" or (seat.state == "decided" and not seat.reason)


def _person(seat: Seat) -> Stay:
    decided = seat.state == "decided"
    outcome = seat.decision if seat.decision in ("return", "reject") else "done"
    start, end = _seconds(seat.opened_at), _seconds(seat.decided_at) if decided else 0
    place = OUTCOMES.index(outcome) if decided else 0
    return Stay(seat.step, seat.person, seat.round, place, start, end, _seconds(seat.due_at))


def _seconds(at: datetime | None) -> int:
    return int(at.timestamp()) if at is not None else 0

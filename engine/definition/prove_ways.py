"""Ways through a walk: to something that must not happen, to a place, and places that nothing leads out of.

A round ends where the case comes back to a form; the next one begins there. Refuses nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence

from engine.definition.prove_chart import Move, Walk


def path(
    walk: Walk,
    bad: frozenset[str],
    good: frozenset[str],
    allowed: Callable[[Move], bool],
    *,
    begin: int = 0,
    to: int = -1,
) -> tuple[str, ...] | None:
    """The shortest way to one of `bad` without one of `good` before it in the same round, or to the place `to`; None
    where there is none."""
    open_: deque[tuple[int, bool]] = deque([(begin, False)])
    came: dict[tuple[int, bool], tuple[tuple[int, bool], str] | None] = {(begin, False): None}
    while open_:
        here = open_.popleft()
        if here[0] == to:
            return _back(came, here)
        if here[0] != begin and here[0] in walk.begins:
            continue  # another round begins there
        for move in walk.moves[here[0]]:
            if not allowed(move):
                continue
            good_seen, broken = _read(move.marks, here[1], bad, good)
            there = (move.to, good_seen)
            if broken:
                return (*_back(came, here), move.event)
            if there not in came:
                came[there] = (here, move.event)
                open_.append(there)
    return None


def _read(marks: Sequence[str], seen: bool, bad: frozenset[str], good: frozenset[str]) -> tuple[bool, bool]:
    """Whether one of `good` stands after the marks, and whether one of `bad` came without it."""
    for mark in marks:
        if mark.startswith("!") and mark.endswith((".object", ".convert")):
            seen = False  # an objection or a conversion begins a new round
        seen = seen or mark in good
        if mark in bad and not seen:
            return seen, True
    return seen, False


def _back(came: dict[tuple[int, bool], tuple[tuple[int, bool], str] | None], here: tuple[int, bool]) -> tuple[str, ...]:
    events: list[str] = []
    before = came[here]
    while before is not None:
        events.append(before[1])
        before = came[before[0]]
    return tuple(reversed(events))


def stuck_at(walk: Walk, begins: Iterable[int], rests: Callable[[tuple[str, ...]], bool]) -> int | None:
    """A place from which no event but withdrawing leads to an end, or back to the submitter."""
    ends = (
        walk.finished | (walk.begins.keys() - {0}) | {n for n, names in enumerate(walk.configurations) if rests(names)}
    )
    come_to = set().union(*(reached_from(walk, place) for place in begins))
    reached, changed = set(ends), True
    while changed:
        changed = False
        for number, moves in enumerate(walk.moves):
            if number not in reached and any(move.to in reached and move.event != "withdraw" for move in moves):
                reached.add(number)
                changed = True
    left = come_to - reached
    still = {number for number in left if all(move.event == "withdraw" for move in walk.moves[number])}
    return min(still or left, default=None)  # rather where nothing happens any more than on the way there


def reached_from(walk: Walk, place: int) -> set[int]:
    """The places that a case comes to from `place`, it among them."""
    found, open_ = {place}, [place]
    while open_:
        fresh = {move.to for move in walk.moves[open_.pop()]} - found
        found |= fresh
        open_ += fresh
    return found

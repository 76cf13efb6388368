"""Customer groups for the next audience, made in one step from a closed case: who answered, bought, stayed silent, or
was not reached.

A group is kept as what it asks for, not as a list: whoever uses it needs to see the case. Asked for again, it is
the one that is there. Refuses a case that has no number: it cannot be named in a source.
"""

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import InvalidForm, NotFound, Problem
from engine.service import groups
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.groups import GroupView
from engine.service.recording import By
from engine.store import closings
from engine.store import groups as stored

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "responded": ("responded",),
    "converted": ("converted",),
    "no_response": ("no_response",),
    "not_reached": ("failed", "unknown"),
}
"""A group -> the outcomes of the earlier case that it is made of."""
TITLES = {
    "responded": "responded",
    "converted": "bought",
    "no_response": "did not answer",
    "not_reached": "not reached",
}
LONGEST = 40
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


def make_group(app: Countersign, by: By, case_id: str, outcome: str, *, title: str = "") -> GroupView:
    """The group of the customers of a closed case with an outcome; `title` is what it is called behind the case's
    number. NotFound for who may not see the case or make groups, and before it is closed."""
    if by.viewer is None:
        raise NotFound()
    if outcome not in OUTCOMES:
        known = ", ".join(OUTCOMES)
        raise InvalidForm([Problem("group_outcome", f"there are {known}", at="outcome", fields={"known": known})])
    with app.db.read() as tx:
        case = load_visible(app, tx, by.viewer, case_id)
        if closings.find(tx, case_id) is None or not case.number:
            raise NotFound()
        name = _name(outcome, case.number, case.id)
        is_there = stored.find(tx, name) is not None
    if is_there:
        return groups.find(app, by.viewer, name)
    parts: list[dict[str, Any]] = [{"feedback": {"of": case.number, "outcome": one}} for one in OUTCOMES[outcome]]
    return groups.save(
        app,
        by,
        name=name,
        title=f"{case.number} {title or TITLES[outcome]}",
        source=parts[0] if len(parts) == 1 else {"union": parts},
        note="",
        base=None,
    )


def _name(outcome: str, number: str, case_id: str) -> str:
    """As GROUP names: with the number where it can be part of one, else with the case's id."""
    slug = _NOT_IN_NAMES.sub("_", number.lower()).strip("_")
    is_plain = number.isascii() and slug and len(outcome) + 1 + len(slug) <= LONGEST
    return f"{outcome}_{slug if is_plain else _NOT_IN_NAMES.sub('_', case_id)}"[:LONGEST]

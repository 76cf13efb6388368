"""Stand-ins (代理): made by the person represented, an administrator, or the operator; ended at any time.

What a stand-in may do is asked again under the case's lock at each decision. Refuses to tell anybody else who is away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from engine.errors import InvalidForm, NotFound, Problem
from engine.machine.case import Case
from engine.organisation import StandIn
from engine.organisation.standins import refused
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By, changing
from engine.service.showing import flags_of, person_name, task_row
from engine.service.views import TaskRow, Viewer
from engine.store import cases, people
from engine.store import inbox as inboxes
from engine.store.lines import TaskLine

OVERSEES = "administrator"


@dataclass(frozen=True, slots=True)
class StandInView:
    """One stand-in. `state`: ahead, running or over."""

    id: int
    person: str
    person_name: str
    by: str
    by_name: str
    starts: datetime
    ends: datetime
    definitions: tuple[str, ...]
    budget: Decimal | None
    state: str


def listed(app: Countersign, viewer: Viewer | None) -> tuple[StandInView, ...]:
    """Those that are about the viewer; all for an administrator and for the operator (None)."""
    with app.db.read() as tx:
        organisation, now = app.organisation(tx), app.now()
        return tuple(
            StandInView(
                one.id,
                one.person,
                organisation.name(one.person),
                one.by,
                organisation.name(one.by),
                one.starts,
                one.ends,
                one.definitions,
                one.limit,
                "ahead" if now < one.starts else "running" if now < one.ends else "over",
            )
            for one in people.load_stand_ins(tx)
            if viewer is None or viewer.has(OVERSEES) or viewer.person in (one.person, one.by)
        )


def add(app: Countersign, viewer: Viewer | None, one: StandIn, *, by: By | None = None) -> int:
    """Let `one.by` stand in for `one.person`; its number. The same key of `by` again gives the first one's number.

    Raises InvalidForm, and NotFound where it is not the viewer's to say.
    """
    if viewer is not None and viewer.person != one.person and not viewer.has(OVERSEES):
        raise NotFound()
    with changing(app, by or _operator_or(viewer), None) as change:
        if before := change.done_before():
            return int(before.said["after"]["number"])
        tx, organisation = change.tx, change.organisation
        problems = [
            Problem("stand-in-person", f"nobody has the account {person}", at=name, fields={"name": person})
            for name, person in (("person", one.person), ("by", one.by))
            if not organisation.is_active(person)
        ]
        known = people.load_stand_ins(tx)
        same = next((each.id for each in known if replace(each, id=one.id) == one), None)
        if same is not None:
            return same
        problem = refused(one, known)
        if problem is None and one.by in organisation.accounts(one.person):
            problem = Problem("stand-in-self", "nobody stands in for themselves", "name another person", at="by")
        if problem is not None:
            problems.append(problem)
        if problems:
            raise InvalidForm(problems)
        number = people.add_stand_in(tx, one)
        change.note("stand_in_added", one.person, after={**_told(one), "number": number})
        return number


def own_cases(app: Countersign, person: str, by: str) -> tuple[str, ...]:
    """The numbers of the cases that wait for `person` and are `by`'s own: there the stand-in does not decide."""
    with app.db.read() as tx:
        accounts = app.organisation(tx).accounts(by)
        lines = inboxes.waiting(tx, person)
        return tuple(dict.fromkeys(one.case.number or "" for one in lines if one.case.submitter in accounts))


def _told(one: StandIn) -> dict[str, Any]:
    """A stand-in as the history keeps it."""
    days = {"from": one.starts.isoformat(), "until": one.ends.isoformat()}
    limit = None if one.limit is None else str(one.limit)
    return {"by": one.by, **days, "definitions": list(one.definitions), "budget": limit}


def _operator_or(viewer: Viewer | None) -> By:
    return OPERATOR if viewer is None else By(viewer, "api")


def end(app: Countersign, viewer: Viewer | None, number: int, *, by: By | None = None) -> None:
    """End a stand-in now. NotFound where there is none that is running or ahead, or it is not the viewer's to end."""
    with changing(app, by or _operator_or(viewer), None) as change:
        tx = change.tx
        one = next((one for one in people.load_stand_ins(tx) if one.id == number), None)
        if one is None or (viewer is not None and viewer.person != one.person and not viewer.has(OVERSEES)):
            raise NotFound()
        if not people.end_stand_in(tx, number, app.now()):
            raise NotFound()
        change.note("stand_in_ended", one.person, before={**_told(one), "number": number})


def standing_in(app: Countersign, tx: Connection, person: str, case: Case) -> tuple[str, ...]:
    """Who decides for `person` on this case now."""
    definition = case.process.name
    return app.organisation(tx).stand_ins(person, at=app.now(), definition=definition, form=case.judged)


def ever(app: Countersign, tx: Connection, by: str, person: str) -> bool:
    """Whether `by` stands in for `person`, or did, or will."""
    return any(one.by == by and one.person == person for one in people.load_stand_ins(tx))


def represented(app: Countersign, tx: Connection, viewer: Viewer, person: str) -> str:
    """On whose behalf the viewer does something with what is `person`'s: empty where it is their own.

    NotFound where they never stand in for that person; whether they do now is asked under the case's lock.
    """
    if person == viewer.person:
        return ""
    if not ever(app, tx, viewer.person, person):
        raise NotFound()
    return person


def represents(app: Countersign, tx: Connection, viewer: Viewer) -> tuple[str, ...]:
    """Those whom the viewer stands in for now, in any case."""
    now = app.now()
    running = [one for one in people.load_stand_ins(tx) if one.by == viewer.person and one.starts <= now < one.ends]
    return tuple(dict.fromkeys(one.person for one in running))


def theirs(
    app: Countersign, tx: Connection, viewer: Viewer, person: str, lines: Sequence[TaskLine]
) -> tuple[TaskLine, ...]:
    """Those of `person`'s tasks that the viewer may decide for them now."""
    own = app.organisation(tx).accounts(viewer.person)
    known = {case.id: case for case in cases.load_many(tx, [line.case_id for line in lines])}

    def may(case: Case) -> bool:
        return viewer.person in standing_in(app, tx, person, case) and not own & {case.submitter, case.editor}

    return tuple(line for line in lines if may(known[line.case_id]))


def to_do(app: Countersign, tx: Connection, viewer: Viewer) -> tuple[TaskRow, ...]:
    """The open tasks of those whom the viewer represents now, each marked with whose it is."""
    now, organisation = app.now(), app.organisation(tx)
    return tuple(
        task_row(
            app,
            tx,
            line,
            viewer.person,
            flags=flags_of(line, now),
            on_behalf_of=person_name(organisation, person),
        )
        for person in represents(app, tx, viewer)
        for line in theirs(app, tx, viewer, person, inboxes.to_do(tx, person))
    )


def in_order(rows: Sequence[TaskRow]) -> tuple[TaskRow, ...]:
    """The earliest due first, those without a time last."""
    return tuple(sorted(rows, key=lambda row: (row.due_at is None, row.due_at or row.opened_at, row.opened_at, row.id)))


def account_of(app: Countersign, text: str) -> str:
    """The account that somebody typed, or whose name they typed where only one open account bears it."""
    with app.db.read() as tx:
        known = app.organisation(tx).people
    if text in known:
        return text
    named = [one.id for one in known.values() if one.name == text and one.active]
    return named[0] if len(named) == 1 else text

"""The calendar of cases: which run in a month, how many on each day, and the same as a feed for calendar programs.

The feed's address is a secret of its person: whoever has it reads what that person sees, without titles of confidential
cases, because calendars are shared and shown on walls. Refuses to say anything about who is reached: how often one
customer is contacted comes of the ledger of deliveries, not of plans.
"""

import secrets
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from engine.errors import Invalid, NotFound, Problem
from engine.service import candidates, definitions, showing, tries
from engine.service.app import Countersign
from engine.service.pressure import Pressure, pressure
from engine.service.views import CaseRow, Viewer
from engine.store import feeds, marks
from engine.store.definitions import ENDED
from engine.values import Bilingual

if TYPE_CHECKING:
    from icalendar import Event

SHOWN = 300
FED = 2_000
BACK, AHEAD = timedelta(days=92), timedelta(days=366)
NOT_SHOWN = tuple(state for state in ENDED if state != "closed")
"""The states of cases that do not run: they were given up."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A case in a month: from the day `first` to the day `last` of the month, counted from 1."""

    row: CaseRow
    starts: date
    ends: date
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Month:
    """A month of cases. `days` is how many run on each day; `is_cut`: there are more than are shown. `kind` and `state`
    are filters, `kinds` the kinds of cases to choose from."""

    first: date
    cases: tuple[Planned, ...]
    days: tuple[int, ...]
    is_cut: bool
    office: str
    office_name: Bilingual | None
    fed_since: datetime | None
    pressure: Pressure
    kind: str
    state: str
    kinds: tuple[tuple[str, Bilingual], ...]

    @property
    def before(self) -> date:
        """The first day of the month before."""
        return (self.first - timedelta(days=1)).replace(day=1)

    @property
    def after(self) -> date:
        """The first day of the month after."""
        return self.first + timedelta(days=len(self.days))


def month(
    app: Countersign,
    viewer: Viewer,
    name: str = "",
    office: str = "",
    *,
    kind: str = "",
    state: str = "",
    most: int = SHOWN,
) -> Month:
    """The cases that the viewer may see and that run in a month (2026-12; empty: this one), of an office and those
    below it, of a kind, or in a state, where one is named. Raises Invalid for what is no month or no office."""
    first = _first(name) if name else app.now().astimezone(app.settings.zone).date().replace(day=1)
    count = monthrange(first.year, first.month)[1]
    last = first + timedelta(days=count - 1)
    with app.db.read() as tx:
        code, label = _office(app, tx, office)
        found = marks.running(
            tx,
            viewer.person,
            first,
            last,
            office=code,
            kind=kind,
            state=state,
            without=("draft", *NOT_SHOWN),
            limit=most + 1,
        )
        planned = tuple(
            Planned(
                showing.case_row(app, tx, one.line, viewer.person),
                one.starts,
                one.ends,
                (max(one.starts, first) - first).days + 1,
                (min(one.ends, last) - first).days + 1,
            )
            for one in found[:most]
        )
        days = tuple(sum(one.first <= day <= one.last for one in planned) for day in range(1, count + 1))
        since = feeds.created_at(tx, viewer.person)
        shown = [(one, at.row) for one, at in zip(found, planned, strict=False)]
        load = pressure(app, tx, shown, first, last)
        kinds = tuple((each.name, each.title) for each in definitions.startable(app))
        return Month(first, planned, days, len(found) > most, code, label, since, load, kind, state, kinds)


def make_address(app: Countersign, viewer: Viewer) -> str:
    """A new secret address of the viewer's feed, told this once; the one before is worth nothing any more."""
    token = secrets.token_urlsafe(32)
    with app.db.begin() as tx:
        feeds.put(tx, viewer.person, token, at=app.now())
    return f"{app.settings.public_url.rstrip('/')}/calendar/{token}.ics"


def revoke(app: Countersign, viewer: Viewer) -> None:
    """The viewer's address is worth nothing any more."""
    with app.db.begin() as tx:
        feeds.revoke(tx, viewer.person, at=app.now())


def feed(app: Countersign, token: str, address: str | None = None) -> bytes:
    """The cases from three months back to a year ahead that the token's person may see, as iCalendar. NotFound for a
    token that is not in force. With the `address` of who asks, TooManyTries after many tokens that are not."""
    from icalendar import Calendar  # noqa: PLC0415  # slow to load, and few feeds are asked for

    if address is not None:
        with app.db.read() as tx:
            is_known = feeds.person_of(tx, token) is not None
        tries.look(app, address, is_known=is_known)
    today = app.now().astimezone(app.settings.zone).date()
    with app.db.read() as tx:
        person = feeds.person_of(tx, token)
        if person is None:
            raise NotFound()
        found = marks.running(tx, person, today - BACK, today + AHEAD, without=("draft", *NOT_SHOWN), limit=FED)
        calendar = Calendar()
        calendar.add("prodid", "-//Countersign//Calendar of cases//EN")
        calendar.add("version", "2.0")
        calendar.add("x-wr-calname", "会签 Countersign")
        for one in found:
            calendar.add_component(_event(app, tx, person, one))
    return bytes(calendar.to_ical())


def _event(app: Countersign, tx: Connection, person: str, one: marks.Running) -> "Event":
    from icalendar import Event  # noqa: PLC0415  # as in `feed`

    row = showing.case_row(app, tx, one.line, person)
    named = row.number if one.confidential or not row.title else f"{row.number} {row.title}"
    event = Event()
    event.add("uid", f"{row.id}@countersign")
    event.add("dtstamp", row.updated_at)
    event.add("dtstart", one.starts)
    event.add("dtend", one.ends + timedelta(days=1))  # a day that is over, as calendars count
    event.add("summary", named.strip())
    event.add("url", f"{app.settings.public_url.rstrip('/')}/cases/{row.id}")
    event.add("transp", "TRANSPARENT")
    return event


def _first(name: str) -> date:
    try:
        first = date.fromisoformat(f"{name}-01")
    except ValueError:
        first = date.min
    if not 2000 <= first.year <= 2100:
        raise Invalid([Problem("month", "write a month as 2026-12", at="month", fields={"value": name[:20]})])
    return first


def _office(app: Countersign, tx: Connection, typed: str) -> tuple[str, Bilingual | None]:
    organisation, typed = app.organisation(tx), typed.strip()
    if not typed:
        return "", None
    return candidates.one_office(organisation, typed)

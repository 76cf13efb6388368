"""The calendar of cases: which run in a month, how many on each day, and the same as a feed for calendar programs.

The feed's address is a secret of its person: whoever has it reads what that person sees, without titles of confidential
cases, because calendars are shared and shown on walls. Refuses to say anything about who is reached: how often one
customer is contacted comes of the ledger of deliveries, not of plans.
"""

import secrets
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
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
    """A month of cases. `count` are all that run in it, of which `cases` are the first; `days` is how many of all run
    on each day. `kind` and `state` are filters, `kinds` the kinds of cases to choose from."""

    first: date
    cases: tuple[Planned, ...]
    count: int
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
    most: int | None = SHOWN,
) -> Month:
    """The cases that the viewer may see and that run in a month (2026-12; empty: this one), of an office and those
    below it, of a kind, or in a state, where one is named. Sums are over all of them, whatever is shown. Raises
    Invalid for what is no month or no office."""
    first = _first(name) if name else app.now().astimezone(app.settings.zone).date().replace(day=1)
    count = monthrange(first.year, first.month)[1]
    last = first + timedelta(days=count - 1)
    with app.db.read() as tx:
        code, label = _office(app, tx, office)
        wanted = marks.Wanted(viewer.person, first, last, code, kind, state, without=("draft", *NOT_SHOWN))
        found, every = marks.running(tx, wanted, limit=most), marks.running_days(tx, wanted)
        planned = tuple(
            Planned(
                showing.case_row(app, tx, one.line, viewer.person),
                one.starts,
                one.ends,
                (max(one.starts, first) - first).days + 1,
                (min(one.ends, last) - first).days + 1,
            )
            for one in found
        )
        since = feeds.created_at(tx, viewer.person)
        load = pressure(app, tx, wanted, every, shown={one.row.id for one in planned})
        kinds = tuple((each.name, each.title) for each in definitions.startable(app))
        days, is_cut = _on_each(every, first, last), len(every) > len(planned)
        return Month(first, planned, len(every), days, is_cut, code, label, since, load, kind, state, kinds)


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
        wanted = marks.Wanted(person, today - BACK, today + AHEAD, without=("draft", *NOT_SHOWN))
        found = marks.running(tx, wanted, limit=FED)
        calendar = Calendar()
        calendar.add("prodid", "-//Countersign//Calendar of cases//EN")
        calendar.add("version", "2.0")
        calendar.add("x-wr-calname", "会签 Countersign")
        for one in found:
            calendar.add_component(_event(app, tx, person, one))
    return bytes(calendar.to_ical())


def _on_each(cases: Iterable[marks.RunningDays], first: date, last: date) -> tuple[int, ...]:
    """How many run on each day from `first` to `last`."""
    steps = [0] * ((last - first).days + 2)
    for one in cases:
        steps[(max(one.starts, first) - first).days] += 1
        steps[(min(one.ends, last) - first).days + 1] -= 1
    return tuple(accumulate(steps[:-1]))


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

"""Scheduled reports (定期报表) as their owners keep them: a saved view that is mailed to people of the house.

Each mail is made with its recipient's rights (see `mailing`). Refuses recipients who are not of the house, and
attachments where the house allows links alone. That one was made or ended is written down in the audit: what people
may see leaves by mail.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args
from zoneinfo import available_timezones

from engine.errors import InvalidForm, NotFound, Problem
from engine.organisation import Organisation
from engine.service import saved_views
from engine.service.app import Countersign
from engine.service.mailing_times import Every, Times, next_time
from engine.service.recording import By, changing
from engine.service.showing import person_name
from engine.service.view_pages import PAGES
from engine.service.views import Viewer
from engine.store import mailings as store
from engine.store import saved_views as views
from engine.store.mailings import Mailing
from engine.values import NO_TEXT, Bilingual

Form = Literal["link", "xlsx", "csv"]
FORMS: tuple[Form, ...] = get_args(Form)
EVERY: tuple[Every, ...] = get_args(Every)
MOST = 20  # mailings of one person
MOST_RECIPIENTS = 100
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mailing as somebody asks for it; `recipients` are accounts or names.

    `day`: 0 to 6 of the week (0 is Monday), 1 to 31 of the month.
    """

    view: int
    every: str
    day: int
    at: str
    zone: str
    workdays: bool
    form: str
    recipients: Sequence[str]


@dataclass(frozen=True, slots=True)
class MailingLine:
    """A mailing for its owner, or for one who gets it: then `recipients` are empty. `next_at` counts while active;
    `reason` says why it was stopped."""

    id: int
    view: int
    view_name: str
    page_title: Bilingual
    owner_name: str
    is_own: bool
    every: Every
    day: int
    at: str
    zone: str
    workdays: bool
    form: Form
    state: str
    reason: str
    next_at: datetime
    recipients: tuple[str, ...]


def listed(app: Countersign, viewer: Viewer) -> tuple[MailingLine, ...]:
    """Those of the viewer's own views, then those that they get."""
    By(viewer).authorize("views.read")
    with app.db.read() as tx:
        own = store.of_owner(tx, viewer.person)
        others = [one for one in store.to_person(tx, viewer.person) if one.owner != viewer.person]
        organisation = app.organisation(tx)
        lines = []
        for one in (*own, *others):
            view = views.find(tx, one.view)
            assert view is not None
            is_own = one.owner == viewer.person
            page = PAGES.get(view.page)
            lines.append(
                MailingLine(
                    id=one.id,
                    view=one.view,
                    view_name=view.name,
                    page_title=page.title if page else NO_TEXT,
                    owner_name=person_name(organisation, one.owner),
                    is_own=is_own,
                    every=cast("Every", one.every),
                    day=one.day,
                    at=one.at,
                    zone=one.zone,
                    workdays=one.workdays,
                    form=cast("Form", one.form),
                    state=one.state,
                    reason=one.reason,
                    next_at=one.next_at,
                    recipients=tuple(person_name(organisation, who) for who in one.recipients) if is_own else (),
                )
            )
    return tuple(lines)


def add(app: Countersign, by: By, wanted: Wanted) -> int:
    """Have a view of the viewer's own mailed; its number, the first one's where the same key asks again. NotFound where
    the view is not theirs, InvalidForm with all that is wrong."""
    assert by.viewer is not None
    with changing(app, by, "views.keep") as change:
        view = saved_views.own(change.tx, by.viewer, wanted.view)
        if (first := store.made_under(change.tx, by.key)) is not None:
            return first.id
        named = [(typed, _person(change.organisation, typed)) for typed in wanted.recipients]
        recipients = tuple(dict.fromkeys(person for _, person in named if person))
        problems = _wrong_times(wanted) + _wrong_form(app, wanted)
        if not named or len(recipients) > MOST_RECIPIENTS:
            problems.append(_of("mailing_recipients", "name 1 to 100 people", "recipients", most=MOST_RECIPIENTS))
        strangers = [typed for typed, person in named if not person]
        problems += [_of("mailing_stranger", "nobody of the house", "recipients", value=typed) for typed in strangers]
        if len(store.of_owner(change.tx, by.person)) >= MOST:
            problems.append(_of("mailing_many", f"{MOST} at most", "view", most=MOST))
        if problems:
            raise InvalidForm(problems)
        times = Times(cast("Every", wanted.every), wanted.day, wanted.at, wanted.zone, wanted.workdays)
        values = {
            "view": view.id,
            "every": wanted.every,
            "day": wanted.day,
            "at": wanted.at,
            "zone": wanted.zone,
            "workdays": wanted.workdays,
            "form": wanted.form,
            "state": "active",
            "next_at": next_time(times, change.now, app.calendar(change.tx)),
            "made_by": by.key,
        }
        number = store.add(change.tx, values, recipients)
        told = {"view": view.name, "page": view.page, "every": wanted.every, "form": wanted.form}
        change.note("mailing_made", str(number), after={**told, "recipients": ", ".join(recipients)})
    return number


def switch(app: Countersign, by: By, number: int, *, on: bool) -> None:
    """Switch the viewer's own off, or on again, also one that was stopped: it goes on with the next period."""
    with changing(app, by, "views.keep") as change:
        found = _own(store.find(change.tx, number), by)
        if on:
            following = next_time(times_of(found), change.now, app.calendar(change.tx))
            store.set_state(change.tx, number, "active", next_at=following)
        else:
            store.set_state(change.tx, number, "off")


def remove(app: Countersign, by: By, number: int) -> None:
    """Take the viewer's own away. What is queued is not sent any more."""
    with changing(app, by, "views.keep") as change:
        _own(store.find(change.tx, number), by)
        store.remove(change.tx, number)
        change.note("mailing_ended", str(number))


def decline(app: Countersign, viewer: Viewer, number: int) -> None:
    """The viewer wants it no longer. NotFound where they do not get it."""
    By(viewer).authorize("views.read")
    with app.db.begin() as tx:
        if not store.decline(tx, number, viewer.person, app.now()):
            raise NotFound()


def times_of(mailing: Mailing) -> Times:
    """When a mailing goes."""
    return Times(cast("Every", mailing.every), mailing.day, mailing.at, mailing.zone, mailing.workdays)


def _person(organisation: Organisation, typed: str) -> str:
    """The open account that this names, by itself or as the only person of that name; empty where none or several."""
    if typed in organisation.people:
        return typed if organisation.is_active(typed) else ""
    found = [one.id for one in organisation.people.values() if one.name == typed and organisation.is_active(one.id)]
    return found[0] if len(found) == 1 else ""


def _own(found: Mailing | None, by: By) -> Mailing:
    if found is None or found.owner != by.person:
        raise NotFound()
    return found


def _wrong_times(wanted: Wanted) -> list[Problem]:
    problems = []
    if wanted.every not in EVERY:
        problems.append(_of("mailing_every", "daily, weekly or monthly", "every"))
    first, last = {"weekly": (0, 6), "monthly": (1, 31)}.get(wanted.every, (0, 31))
    if not first <= wanted.day <= last:
        problems.append(_of("mailing_day", f"a day from {first} to {last}", "day", first=first, last=last))
    if not _CLOCK.fullmatch(wanted.at):
        problems.append(_of("mailing_at", "a time of day, as 08:30", "at"))
    if wanted.zone not in available_timezones():
        problems.append(_of("mailing_zone", "a time zone, as Asia/Shanghai", "zone"))
    return problems


def _wrong_form(app: Countersign, wanted: Wanted) -> list[Problem]:
    if wanted.form not in FORMS:
        return [_of("mailing_form", "link, xlsx or csv", "form")]
    if wanted.form != "link" and not app.settings.report_attachment_mb:
        return [_of("mailing_link_only", "this house sends links alone", "form")]
    return []


def _of(code: str, message: str, at: str, **fields: object) -> Problem:
    return Problem(code, message, at=at, fields=fields)

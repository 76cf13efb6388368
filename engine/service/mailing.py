"""Scheduled reports on their way: what is due becomes one message for each recipient, and each message a letter that is
made with its recipient's rights when it goes.

A period's messages and the next period are written in one transaction under keys that are taken once for ever, so a
period is queued once whoever is killed when; what is queued goes as notices do. Periods that passed while nothing ran
are not made up for one by one: one mail goes for all of them. Refuses to go on where the owner may not see any more
what is mailed: the mailing stops, and the owner is told.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import structlog

from engine.errors import Invalid, SignInNeeded
from engine.service import mailings, noticing, people, restoring, saved_views
from engine.service.app import Countersign
from engine.service.authorizing import allowed
from engine.service.holding import Address
from engine.service.mailing_times import next_time
from engine.service.noticing import NOWHERE
from engine.service.table_files import MOST_IN_SHEET, TooManyRows, filters_said, written
from engine.service.tabling import Table
from engine.service.view_pages import PAGES, filters_of
from engine.store import mailings as store
from engine.store import messages
from engine.store import people as accounts
from engine.store import saved_views as views
from engine.store.mailings import Mailing
from engine.store.messages import Claimed, New, Report, ReportStopped
from engine.store.saved_views import SavedView
from engine.values import Bilingual, Language

AT_ONCE = 20
CIRCUIT = "email:reports"
"""Reports go beside notices over the same server: one that is long in the making holds no notice up."""
MEGABYTE = 1024 * 1024
Stopped = Literal["owner", "page", "filter"]
STOPPED: dict[str, Bilingual] = {
    "owner": Bilingual(zh="所有者的账号已停用", en="its owner's account is closed"),
    "page": Bilingual(zh="所有者已无权查看该页面", en="its owner may not see the page any more"),
    "filter": Bilingual(zh="视图中的筛选条件已不存在", en="a filter of the view no longer exists"),
}
"""Why a mailing stops by itself."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ReportLetter:
    """A report for one recipient. `rows` is how many it has, of what they may see; `is_too_large`: it was asked for as
    a file, and is more than one mail takes; `by` is whose view it is, empty where it is the recipient's own."""

    person: str
    name: str
    email: str
    language: Language
    title: str
    page: str
    by: str
    as_of: datetime
    filters: str
    rows: int
    sees_more: bool
    is_too_large: bool
    attachment: Attachment | None
    link: str
    key: str
    channel: str = "email"
    address: Address = NOWHERE


def queue_due(app: Countersign) -> int:
    """Queue the mails of every mailing whose period has come. How many mailings."""
    if not restoring.may_send(app):
        return 0
    with app.db.read() as tx:
        waits = store.due(tx, app.now(), limit=AT_ONCE)
        found = {one.id: views.find(tx, one.view) for one in waits}
    why = {one.id: _why_not(app, one, found[one.id]) for one in waits}
    queued = 0
    for one in waits:
        with app.db.begin() as tx:
            following = next_time(mailings.times_of(one), app.now(), app.calendar(tx))
            if not store.move_on(tx, one.id, one.next_at, following):
                continue  # another process was first
            view = found[one.id]
            if view is not None and (reason := why[one.id]):
                store.set_state(tx, one.id, "stopped", reason=reason)
                noticing.put(app, tx, _told(app, one, view, reason))
                log.warning("mailing_stopped", mailing=one.id, reason=reason)
            else:
                for person in one.recipients:
                    messages.put(tx, _message(app, one, person), app.now())
            queued += 1
    return queued


def letter_of(app: Countersign, message: Claimed, report: Report) -> ReportLetter | None:
    """The mail of a queued report, as its recipient may see it now; None where there is nothing to send any more: the
    mailing was ended or declined, or the recipient may not open the page."""
    with app.db.read() as tx:
        mailing = store.find(tx, report.mailing)
        view = views.find(tx, mailing.view) if mailing else None
        row = accounts.find_person(tx, message.person)
        organisation = app.organisation(tx)
    if mailing is None or view is None or mailing.state != "active" or message.person not in mailing.recipients:
        return None
    page = PAGES.get(view.page)
    if row is None or not row.active or page is None:
        return None
    viewer = people.viewer_named(app, message.person)
    if not allowed(viewer, page.action):
        log.info("mailing_not_theirs", mailing=mailing.id, person=message.person)
        return None
    try:
        table = page.table(app, viewer, filters_of(view.query))
    except Invalid as error:
        log.warning("mailing_filter", mailing=mailing.id, error=error.message)
        return None
    made = _made(app, table, mailing.form, row.language)
    is_own = view.owner == message.person
    return ReportLetter(
        person=message.person,
        name=row.name,
        email=row.email,
        language=row.language,
        title=view.name,
        page=page.title.in_language(row.language),
        by="" if is_own else organisation.name(view.owner),
        as_of=table.as_of,
        filters=filters_said(table, row.language),
        rows=made.rows,
        sees_more=saved_views.sees_more(organisation, view.owner, message.person),
        is_too_large=made.is_too_large,
        attachment=made.attachment,
        link=f"{app.settings.public_url.rstrip('/')}/views/{view.id}",
        key=message.key,
    )


@dataclass(frozen=True, slots=True)
class _Made:
    rows: int
    attachment: Attachment | None = None
    is_too_large: bool = False


def _made(app: Countersign, table: Table, form: str, language: Language) -> _Made:
    """The table as what goes with the mail; a link alone where the house wants that, or the file is too large."""
    most = app.settings.report_attachment_mb * MEGABYTE
    match form:
        case "xlsx" | "csv" if most:
            name = f"{table.name}-{table.as_of.astimezone(table.zone):%Y-%m-%d}.{form}"  # mail programs know ASCII
            try:
                with written(table, form, language) as file:
                    if file.size > most:
                        return _Made(file.rows, is_too_large=True)
                    return _Made(file.rows, Attachment(name, file.media, file.data.read()))
            except TooManyRows:
                return _Made(MOST_IN_SHEET, is_too_large=True)
    return _Made(sum(1 for _ in table.rows))


def _why_not(app: Countersign, mailing: Mailing, view: SavedView | None) -> Stopped | None:
    """Why the mailing cannot go on for its owner; None where it can."""
    if view is None:
        return None
    page = PAGES.get(view.page)
    try:
        owner = people.viewer_named(app, mailing.owner)
    except SignInNeeded:
        return "owner"
    if page is None or not allowed(owner, page.action):
        return "page"
    try:
        page.table(app, owner, filters_of(view.query))
    except Invalid:
        return "filter"
    return None


def _message(app: Countersign, mailing: Mailing, person: str) -> New:
    """A recipient's message of the period that has come."""
    return New(
        key=f"report:{mailing.id}:{mailing.next_at:%Y%m%dT%H%M}:{person}:email",
        person=person,
        channel="email",
        circuit=CIRCUIT,
        occasion="report",
        case_id="",
        subject=Report(mailing.id),
        release_at=app.now(),
    )


def _told(app: Countersign, mailing: Mailing, view: SavedView, reason: str) -> New:
    return New(
        key=f"report-stopped:{mailing.id}:{mailing.next_at:%Y%m%dT%H%M}",
        person=mailing.owner,
        channel="",
        circuit="",
        occasion="report_stopped",
        case_id="",
        subject=ReportStopped(view.name, reason),
        release_at=app.now(),
    )

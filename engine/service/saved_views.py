"""Views that people save of pages with filters: kept under a name, renamed, shared with offices and roles, opened.

A view is a place to look from and no right to see: whoever opens it sees what they may see, and is told where its
maker sees more offices. Refuses pages that are not in `view_pages`, and says nothing of views that are not shared with
the asker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from engine.errors import Invalid, InvalidForm, NotFound, Problem
from engine.organisation import Organisation
from engine.service import candidates
from engine.service.app import Countersign
from engine.service.authorizing import allowed, authorize
from engine.service.showing import office_name, person_name
from engine.service.tabling import Table
from engine.service.view_pages import LONGEST_QUERY, PAGES, filters_of
from engine.service.views import Viewer
from engine.store import saved_views as store
from engine.store.saved_views import SavedView, Share
from engine.store.visibility import SEES_ALL, SEES_OWN_ONLY
from engine.values import NO_TEXT, Bilingual

MOST = 100  # views of one person
LONGEST_NAME = 60
MOST_SHARES = 20
Sharing = Share  # as callers name it


@dataclass(frozen=True, slots=True)
class ShareView:
    """With whom a view is shared: an office and those below it, a role, or a role there."""

    office: str
    office_name: Bilingual
    role: str


@dataclass(frozen=True, slots=True)
class SavedViewLine:
    """A view for its reader. `path` is empty where its page is gone or not theirs; `wrong` says what of it no longer
    exists; `sees_more`: its maker sees offices that the reader does not."""

    id: int
    name: str
    page: str
    page_title: Bilingual
    path: str
    query: str
    owner: str
    owner_name: str
    is_own: bool
    shares: tuple[ShareView, ...]
    wrong: tuple[Problem, ...]
    sees_more: bool


@dataclass(frozen=True, slots=True)
class ViewBar:
    """What a page shows of views: those of this page to choose from, and the one that was opened. `is_saved`: the
    filters at hand are one of them."""

    page: str
    query: str
    views: tuple[SavedViewLine, ...]
    opened: SavedViewLine | None
    is_saved: bool


def listed(app: Countersign, viewer: Viewer) -> tuple[SavedViewLine, ...]:
    """The viewer's own, then those that are shared with them or mailed to them."""
    authorize(viewer, "views.read")
    with app.db.read() as tx:
        organisation, found = app.organisation(tx), _theirs(app, tx, viewer)
    return tuple(_line(app, organisation, viewer, one) for one in found)


def bar(app: Countersign, viewer: Viewer, page: str, filters: Mapping[str, str], opened: str = "") -> ViewBar:
    """Views for a page, whose filters are `filters`; `opened` is the number of the view that led there, as it stands in
    the address. A number that is not theirs opens nothing."""
    query = PAGES[page].query_of(filters)
    if not allowed(viewer, "views.read"):
        return ViewBar(page, query, (), None, is_saved=True)
    with app.db.read() as tx:
        organisation, found = app.organisation(tx), [one for one in _theirs(app, tx, viewer) if one.page == page]
    lines = tuple(_line(app, organisation, viewer, one, is_checked=str(one.id) == opened) for one in found)
    led = next((one for one in lines if str(one.id) == opened), None)
    return ViewBar(page, query, lines, led, is_saved=any(one.query == query and one.is_own for one in lines))


def shown(app: Countersign, viewer: Viewer, number: int) -> SavedViewLine:
    """One view. NotFound where it is neither theirs nor shared with them."""
    authorize(viewer, "views.read")
    with app.db.read() as tx:
        organisation, found = app.organisation(tx), _one(app, tx, viewer, number)
    return _line(app, organisation, viewer, found)


def mine(app: Countersign, viewer: Viewer, number: int) -> SavedViewLine:
    """One of the viewer's own. NotFound where it is not."""
    authorize(viewer, "views.keep")
    with app.db.read() as tx:
        organisation, found = app.organisation(tx), own(tx, viewer, number)
    return _line(app, organisation, viewer, found)


def table(app: Countersign, viewer: Viewer, number: int) -> Table:
    """What a view names, of what the viewer may see. NotFound where view or page are not theirs, Invalid where a filter
    can no longer be read."""
    line = shown(app, viewer, number)
    if not line.path:
        raise NotFound()
    if line.wrong:
        raise Invalid(line.wrong)
    return PAGES[line.page].table(app, viewer, filters_of(line.query))


def save(app: Countersign, viewer: Viewer, name: str, page: str, query: str) -> int:
    """Keep the filters of a page under a name, in place of the viewer's view of that name there; its number. Filters
    that the page does not have are left out. InvalidForm with what is wrong."""
    authorize(viewer, "views.keep")
    of = PAGES.get(page)
    if of is None or not allowed(viewer, of.action):
        raise InvalidForm([Problem("view_page", "there is no such page with filters", at="page")])
    name, problems = _named(name)
    kept = of.query_of(filters_of(query))
    if len(kept) > LONGEST_QUERY:
        problems.append(Problem("view_long", "these filters are too long to be kept", at="name"))
    if not problems:
        try:
            of.table(app, viewer, filters_of(kept))
        except Invalid as error:
            problems += error.problems
    with app.db.begin() as tx:
        own = store.of_owner(tx, viewer.person)
        if len(own) >= MOST and (page, name) not in {(one.page, one.name) for one in own}:
            problems.append(Problem("view_many", f"{MOST} views at most", at="name", fields={"most": MOST}))
        if problems:
            raise InvalidForm(problems)
        return store.save(tx, viewer.person, page, name, kept)


def change(app: Countersign, viewer: Viewer, number: int, name: str, shares: Sequence[Share]) -> None:
    """Call the viewer's own view otherwise and share it with these alone; an office is a code or a name. NotFound where
    the view is not theirs, Invalid with what is wrong."""
    authorize(viewer, "views.keep")
    name, problems = _named(name)
    with app.db.begin() as tx:
        found = own(tx, viewer, number)
        organisation = app.organisation(tx)
        taken = {one.name for one in store.of_owner(tx, viewer.person) if one.page == found.page and one.id != number}
        if name in taken:
            problems.append(Problem("view_name_taken", "another view of yours is called so", at="name"))
        problems += _wrong_shares(organisation, shares)
        if problems:
            raise InvalidForm(problems)
        offices = [candidates.one_office(organisation, one.office)[0] if one.office else "" for one in shares]
        store.rename(tx, number, name)
        store.share(tx, number, [Share(office, one.role) for office, one in zip(offices, shares, strict=True)])


def remove(app: Countersign, viewer: Viewer, number: int) -> None:
    """Take the viewer's own view away, with what is mailed of it. NotFound where it is not theirs."""
    authorize(viewer, "views.keep")
    with app.db.begin() as tx:
        store.remove(tx, own(tx, viewer, number).id)


def own(tx: Connection, viewer: Viewer, number: int) -> SavedView:
    """The viewer's own view of that number; NotFound where there is none."""
    found = store.find(tx, number)
    if found is None or found.owner != viewer.person:
        raise NotFound()
    return found


def roles(app: Countersign) -> tuple[str, ...]:
    """The roles that somebody holds, to share with."""
    with app.db.read() as tx:
        return tuple(sorted({grant.role for grant in app.organisation(tx).grants}))


def _wrong_of(app: Countersign, viewer: Viewer, view: SavedView) -> tuple[Problem, ...]:
    """What of a view no longer exists for this viewer: its page, a filter, a value of one."""
    page = PAGES.get(view.page)
    if page is None or not allowed(viewer, page.action):
        return (Problem("view_page_gone", "its page no longer exists, or is not for you"),)
    filters = filters_of(view.query)
    gone = [name for name in filters if name not in page.names]
    problems = [Problem("view_filter_gone", f"no filter {name}", at=name, fields={"name": name}) for name in gone]
    try:
        page.table(app, viewer, filters)
    except Invalid as error:
        problems += error.problems
    return tuple(problems)


def _theirs(app: Countersign, tx: Connection, viewer: Viewer) -> tuple[SavedView, ...]:
    mine = store.of_owner(tx, viewer.person)
    organisation = app.organisation(tx)
    others = [one for one in store.shared(tx) if _is_shared(organisation, viewer, one)]
    others += store.mailed_to(tx, viewer.person)
    known = {one.id: one for one in (*mine, *others)}
    return tuple(known.values())


def _one(app: Countersign, tx: Connection, viewer: Viewer, number: int) -> SavedView:
    found = next((one for one in _theirs(app, tx, viewer) if one.id == number), None)
    if found is None:
        raise NotFound()
    return found


def _is_shared(organisation: Organisation, viewer: Viewer, view: SavedView) -> bool:
    return any(
        share.role in ("", grant.role) and (not share.office or share.office in organisation.line(grant.office))
        for share in view.shares
        for grant in viewer.grants
    )


def _line(
    app: Countersign, organisation: Organisation, viewer: Viewer, view: SavedView, *, is_checked: bool = True
) -> SavedViewLine:
    page = PAGES.get(view.page)
    is_theirs = page is not None and allowed(viewer, page.action)
    wrong = _wrong_of(app, viewer, view) if is_checked else ()
    return SavedViewLine(
        id=view.id,
        name=view.name,
        page=view.page,
        page_title=page.title if page else NO_TEXT,
        path=page.path if page and is_theirs else "",
        query=view.query,
        owner=view.owner,
        owner_name=person_name(organisation, view.owner),
        is_own=view.owner == viewer.person,
        shares=tuple(
            ShareView(one.office, office_name(organisation, one.office) if one.office else NO_TEXT, one.role)
            for one in view.shares
        ),
        wrong=wrong,
        sees_more=sees_more(organisation, view.owner, viewer.person),
    )


def sees_more(organisation: Organisation, owner: str, reader: str) -> bool:
    """Whether the offices of `owner` reach further than those of `reader`: told from their roles alone, so that it
    says nothing of what is there."""
    if owner == reader:
        return False
    theirs, mine = organisation.held(owner), organisation.held(reader)
    if any(grant.role in SEES_ALL for grant in mine):
        return False
    if any(grant.role in SEES_ALL for grant in theirs):
        return True
    reached = {grant.office for grant in mine if grant.role not in SEES_OWN_ONLY}
    return any(
        not reached.intersection(organisation.line(grant.office)) for grant in theirs if grant.role not in SEES_OWN_ONLY
    )


def _named(name: str) -> tuple[str, list[Problem]]:
    name = " ".join(name.split())
    wrong = not name or len(name) > LONGEST_NAME
    return name, [Problem("view_name", f"a name of at most {LONGEST_NAME} signs", at="name")] if wrong else []


def _wrong_shares(organisation: Organisation, shares: Sequence[Share]) -> list[Problem]:
    problems = []
    known = {grant.role for grant in organisation.grants}
    if len(shares) > MOST_SHARES:
        problems.append(Problem("view_shares", f"{MOST_SHARES} at most", at="office", fields={"most": MOST_SHARES}))
    for one in shares:
        if one.role and one.role not in known:
            problems.append(Problem("view_role", "nobody holds such a role", at="role", fields={"value": one.role}))
        if not one.office and not one.role:
            problems.append(Problem("view_nobody", "choose an office, a role, or both", at="office"))
    return problems

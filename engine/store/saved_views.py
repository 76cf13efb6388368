"""Views that people saved of pages with filters, and with which offices and roles they are shared."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from engine.store.session import inserting
from engine.store.tables import mailing_recipients, mailings, saved_views, view_shares


@dataclass(frozen=True, slots=True)
class Share:
    """With whom: everybody of an office and those below it, who holds a role, or who holds a role there."""

    office: str
    role: str


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view as stored. `page` is the key of a page, `query` what stands behind the question mark of its address."""

    id: int
    owner: str
    page: str
    name: str
    query: str
    shares: tuple[Share, ...] = ()


_COLUMNS = tuple(saved_views.c[name] for name in ("id", "owner", "page", "name", "query"))


def find(tx: Connection, number: int) -> SavedView | None:
    """The view, or None."""
    return next(iter(_read(tx, saved_views.c.id == number)), None)


def of_owner(tx: Connection, person: str) -> tuple[SavedView, ...]:
    """A person's own, by page and name."""
    return _read(tx, saved_views.c.owner == person)


def shared(tx: Connection) -> tuple[SavedView, ...]:
    """All that are shared with anybody."""
    return _read(tx, saved_views.c.id.in_(sa.select(view_shares.c.view)))


def mailed_to(tx: Connection, person: str) -> tuple[SavedView, ...]:
    """Those that are mailed to a person who did not decline."""
    gets = (mailing_recipients.c.person == person) & mailing_recipients.c.left_at.is_(None)
    own = sa.select(mailings.c.view).join(mailing_recipients, mailing_recipients.c.mailing == mailings.c.id).where(gets)
    return _read(tx, saved_views.c.id.in_(own))


def save(tx: Connection, owner: str, page: str, name: str, query: str) -> int:
    """Keep a view, in place of the owner's of that name on that page; its number."""
    row = {"owner": owner, "page": page, "name": name, "query": query}
    kept = inserting(tx, saved_views).values(row)
    again = kept.on_conflict_do_update(index_elements=["owner", "page", "name"], set_={"query": query})
    number: int = tx.execute(again.returning(saved_views.c.id)).scalar_one()
    return number


def rename(tx: Connection, number: int, name: str) -> None:
    """Call it otherwise."""
    tx.execute(sa.update(saved_views).where(saved_views.c.id == number).values(name=name))


def share(tx: Connection, number: int, shares: Collection[Share]) -> None:
    """Share it with these and nobody else."""
    tx.execute(sa.delete(view_shares).where(view_shares.c.view == number))
    rows = [{"view": number, "office": one.office, "role": one.role} for one in dict.fromkeys(shares)]
    if rows:
        tx.execute(sa.insert(view_shares), rows)


def remove(tx: Connection, number: int) -> None:
    """Take it away, with what is mailed of it."""
    own = sa.select(mailings.c.id).where(mailings.c.view == number)
    tx.execute(sa.delete(mailing_recipients).where(mailing_recipients.c.mailing.in_(own)))
    tx.execute(sa.delete(mailings).where(mailings.c.view == number))
    tx.execute(sa.delete(view_shares).where(view_shares.c.view == number))
    tx.execute(sa.delete(saved_views).where(saved_views.c.id == number))


def _read(tx: Connection, *parts: ColumnElement[bool]) -> tuple[SavedView, ...]:
    query = sa.select(*_COLUMNS).where(*parts).order_by(saved_views.c.page, saved_views.c.name, saved_views.c.id)
    rows = tx.execute(query).all()
    shares = _shares(tx, [row.id for row in rows])
    return tuple(SavedView(*(*row, tuple(shares.get(row.id, ())))) for row in rows)


def _shares(tx: Connection, numbers: Iterable[int]) -> dict[int, list[Share]]:
    found: dict[int, list[Share]] = {}
    wanted = list(numbers)
    if wanted:
        query = sa.select(view_shares).where(view_shares.c.view.in_(wanted))
        for row in tx.execute(query.order_by(view_shares.c.office, view_shares.c.role)):
            found.setdefault(row.view, []).append(Share(row.office, row.role))
    return found

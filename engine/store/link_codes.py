"""One-time codes for links: one live code per link, only as a hash, with how often it was missed.

A row stands for every link for which a code was asked, also where none could be mailed: whoever asks sees no
difference.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.store.session import inserting
from engine.store.tables import link_codes


def find(tx: Connection, link: str, *, lock: bool = False) -> Row[Any] | None:
    """The row of a link's code, expired and used ones too; with `lock`, tries at the same moment wait in turn."""
    query = sa.select(link_codes).where(link_codes.c.link == link)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def ask(tx: Connection, link: str, person: str, browser: str, *, at: datetime, expires_at: datetime) -> None:
    """A code is asked for; the one before it is worth nothing any more."""
    new = {"person": person, "browser": browser, "code": "", "asked_at": at, "expires_at": expires_at, "wrong": 0}
    upsert = inserting(tx, link_codes).values(link=link, **new)
    tx.execute(upsert.on_conflict_do_update(index_elements=["link"], set_=new | {"asked": link_codes.c.asked + 1}))


def put(tx: Connection, link: str, asked_at: datetime, code: str) -> bool:
    """Keep the hash of the code that is being mailed; False where another was asked for meanwhile."""
    asked = (link_codes.c.link == link) & (link_codes.c.asked_at == asked_at)
    return bool(tx.execute(sa.update(link_codes).where(asked).values(code=code)).rowcount)


def miss(tx: Connection, link: str) -> None:
    """It was tried, and wrong."""
    tx.execute(sa.update(link_codes).where(link_codes.c.link == link).values(wrong=link_codes.c.wrong + 1))


def use_up(tx: Connection, link: str) -> None:
    """The code was right, and is worth nothing from now on."""
    tx.execute(sa.update(link_codes).where(link_codes.c.link == link).values(code=""))

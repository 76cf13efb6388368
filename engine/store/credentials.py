"""Second factors with their recovery codes, reset links and API tokens. Tokens and codes only as hashes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.store.session import inserting
from engine.store.tables import api_tokens, password_resets, people, recovery_codes, second_factors


def set_password(tx: Connection, person: str, hashed: str, *, must_change: bool) -> bool:
    """Give a person another password; False where there is no such person."""
    query = sa.update(people).where(people.c.id == person)
    return bool(tx.execute(query.values(password_hash=hashed, must_change=must_change)).rowcount)


def find_factor(tx: Connection, person: str) -> Row[Any] | None:
    """secret (encrypted), created_at, last_step; or None."""
    return tx.execute(sa.select(second_factors).where(second_factors.c.person == person)).one_or_none()


def lock_factor(tx: Connection, person: str) -> Row[Any] | None:
    """As `find_factor`; codes of this person tried at the same moment wait for each other."""
    query = sa.select(second_factors).where(second_factors.c.person == person).with_for_update()
    return tx.execute(query).one_or_none()


def put_factor(tx: Connection, person: str, secret: str, at: datetime) -> None:
    """Ask codes of this secret from now on, instead of any before."""
    remove_factor(tx, person)
    tx.execute(sa.insert(second_factors).values(person=person, secret=secret, created_at=at))


def use_step(tx: Connection, person: str, step: int) -> None:
    """The code of a time step was used: it and those before it count no more."""
    tx.execute(sa.update(second_factors).where(second_factors.c.person == person).values(last_step=step))


def remove_factor(tx: Connection, person: str) -> bool:
    """Ask no codes any more; False where none were."""
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.person == person))
    return bool(tx.execute(sa.delete(second_factors).where(second_factors.c.person == person)).rowcount)


def put_recovery_codes(tx: Connection, person: str, hashes: Iterable[str]) -> None:
    """New recovery codes; those from before count no more."""
    tx.execute(sa.delete(recovery_codes).where(recovery_codes.c.person == person))
    tx.execute(sa.insert(recovery_codes), [{"person": person, "hash": one} for one in hashes])


def use_recovery_code(tx: Connection, person: str, hashed: str, at: datetime) -> bool:
    """Use a recovery code up; False where there is none like it left."""
    left = (recovery_codes.c.person == person) & (recovery_codes.c.hash == hashed) & recovery_codes.c.used_at.is_(None)
    return bool(tx.execute(sa.update(recovery_codes).where(left).values(used_at=at)).rowcount)


def recovery_codes_left(tx: Connection, person: str) -> int:
    """How many recovery codes were not used."""
    left = (recovery_codes.c.person == person) & recovery_codes.c.used_at.is_(None)
    return tx.execute(sa.select(sa.func.count()).select_from(recovery_codes).where(left)).scalar_one()


def put_reset(tx: Connection, hashed: str, person: str, *, at: datetime, expires_at: datetime) -> None:
    """A reset link; those before it are worth nothing any more."""
    tx.execute(sa.delete(password_resets).where(password_resets.c.person == person))
    row = {"hash": hashed, "person": person, "created_at": at, "expires_at": expires_at}
    tx.execute(sa.insert(password_resets).values(row))


def find_reset(tx: Connection, hashed: str) -> Row[Any] | None:
    """person, created_at, expires_at, used_at; or None."""
    return tx.execute(sa.select(password_resets).where(password_resets.c.hash == hashed)).one_or_none()


def use_reset(tx: Connection, hashed: str, at: datetime) -> bool:
    """Use a reset link up; False where somebody did."""
    unused = (password_resets.c.hash == hashed) & password_resets.c.used_at.is_(None)
    return bool(tx.execute(sa.update(password_resets).where(unused).values(used_at=at)).rowcount)


def add_token(tx: Connection, row: dict[str, Any]) -> None:
    """Keep an API token: hash, person, name, scopes, ending, created_at, expires_at. Kept twice it is kept once."""
    tx.execute(inserting(tx, api_tokens).values(row).on_conflict_do_nothing())


def find_token(tx: Connection, hashed: str) -> Row[Any] | None:
    """The row of an API token, revoked and expired ones too; or None."""
    return tx.execute(sa.select(api_tokens).where(api_tokens.c.hash == hashed)).one_or_none()


def tokens_of(tx: Connection, person: str) -> tuple[Row[Any], ...]:
    """A person's API tokens that were not revoked, the newest first; expired ones too."""
    kept = (api_tokens.c.person == person) & api_tokens.c.revoked_at.is_(None)
    return tuple(tx.execute(sa.select(api_tokens).where(kept).order_by(api_tokens.c.created_at.desc())))


def use_token(tx: Connection, hashed: str, at: datetime) -> None:
    """An API token was used."""
    tx.execute(sa.update(api_tokens).where(api_tokens.c.hash == hashed).values(used_at=at))


def revoke_tokens(tx: Connection, person: str, at: datetime, *, ids: str = "") -> int:
    """Revoke a person's API token whose hash begins with `ids`, or all of them; how many there were."""
    kept = (
        (api_tokens.c.person == person)
        & api_tokens.c.revoked_at.is_(None)
        & api_tokens.c.hash.startswith(ids, autoescape=True)
    )
    return tx.execute(sa.update(api_tokens).where(kept).values(revoked_at=at)).rowcount

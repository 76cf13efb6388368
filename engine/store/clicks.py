"""Links of waves and the looks at them (点击) as rows.

At most LONGEST_LIST looks of a message are kept: a token that somebody fetches for ever fills no table. Refuses to know
who looked: a client is a hash of the day.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import clicks, recipients, wave_links, waves

LONGEST_LIST = 20


@dataclass(frozen=True, slots=True)
class Linked:
    """The message that a link stands in, and where its wave's link leads."""

    wave: str
    row: int
    target: str
    case_id: str
    customer: str
    channel: str
    sent_at: datetime | None


def enter(tx: Connection, wave: str, target: str) -> int:
    """The number of a wave's links; made at the first call, which also says where they lead."""
    tx.execute(inserting(tx, wave_links).values(wave=wave, target=target).on_conflict_do_nothing())
    number: int = tx.execute(sa.select(wave_links.c.number).where(wave_links.c.wave == wave)).scalar_one()
    return number


def find(tx: Connection, number: int, row: int) -> Linked | None:
    """The message at `row` of the wave with that number."""
    return _found(tx, (wave_links.c.number == number) & (recipients.c.row == row))


def message(tx: Connection, wave: str, row: int) -> Linked | None:
    """The message at `row` of a wave, which need have no links of ours."""
    return _found(tx, (recipients.c.wave == wave) & (recipients.c.row == row))


def count(tx: Connection, wave: str, row: int) -> int:
    """How many looks of a message are kept."""
    here = (clicks.c.wave == wave) & (clicks.c.row == row)
    return int(tx.execute(sa.select(sa.func.count()).select_from(clicks).where(here)).scalar_one())


def record(tx: Connection, linked: Linked, *, at: datetime, client: str, agent: str, machine: str) -> None:
    """Write one look."""
    values: dict[str, Any] = {"wave": linked.wave, "row": linked.row, "at": at}
    tx.execute(sa.insert(clicks).values(**values, client=client, agent=agent, machine=machine))


def others(tx: Connection, linked: Linked, client: str, since: datetime) -> set[tuple[str, int]]:
    """The other messages whose links the client opened since then."""
    here = (clicks.c.client == client) & (clicks.c.at >= since)
    other = sa.or_(clicks.c.wave != linked.wave, clicks.c.row != linked.row)
    found = tx.execute(sa.select(clicks.c.wave, clicks.c.row).where(here, other).distinct()).all()
    return {(wave, row) for wave, row in found}


def call_machine(tx: Connection, client: str, since: datetime, machine: str, of: Linked | None = None) -> int:
    """What the client opened since then, all or of one message, was a machine's; how many looks had been a person's."""
    here = [clicks.c.client == client, clicks.c.at >= since, clicks.c.machine == ""]
    if of is not None:
        here += [clicks.c.wave == of.wave, clicks.c.row == of.row]
    return tx.execute(sa.update(clicks).where(*here).values(machine=machine)).rowcount


def is_followed(tx: Connection, wave: str, row: int) -> bool:
    """Whether a person followed a link of the message."""
    here = (clicks.c.wave == wave) & (clicks.c.row == row) & (clicks.c.machine == "")
    return tx.execute(sa.select(sa.literal(1)).where(here).limit(1)).first() is not None


def of_case(tx: Connection, case_id: str) -> tuple[int, int, int]:
    """Of a case: messages whose link a person followed, looks of persons, looks of machines."""
    mine = sa.select(waves.c.id).where(waves.c.case_id == case_id)
    person = sa.case((clicks.c.machine == "", 1), else_=0)
    per_message = (
        sa.select(sa.func.sum(person).label("persons"), sa.func.count().label("all"))
        .where(clicks.c.wave.in_(mine))
        .group_by(clicks.c.wave, clicks.c.row)
        .subquery()
    )
    followed = sa.func.count(sa.case((per_message.c.persons > 0, 1)))
    persons = sa.func.coalesce(sa.func.sum(per_message.c.persons), 0)
    every = sa.func.coalesce(sa.func.sum(per_message.c.all), 0)
    messages, human, looks = tx.execute(sa.select(followed, persons, every)).one()
    return int(messages), int(human), int(looks) - int(human)


def _found(tx: Connection, here: sa.ColumnElement[bool]) -> Linked | None:
    chosen = sa.select(
        recipients.c.wave,
        recipients.c.row,
        sa.func.coalesce(wave_links.c.target, ""),
        recipients.c.case_id,
        recipients.c.customer,
        recipients.c.channel,
        recipients.c.sent_at,
    ).join_from(recipients, wave_links, recipients.c.wave == wave_links.c.wave, isouter=True)
    found = tx.execute(chosen.where(here)).one_or_none()
    return Linked(*found) if found else None

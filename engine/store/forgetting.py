"""Takes one customer out of the case database: a name that says nothing stands wherever the number stood.

Rows stay, so that every count still adds up; what waited to be sent is settled as suppressed. Texts that cannot change,
because a history or a fingerprint seals them, are counted and left to people. Refuses to begin while a message to the
customer may be on its way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Table

from engine.store import moves, suppression, waves
from engine.store.chunks import UNANSWERED
from engine.store.session import database_now
from engine.store.suppression import Suppression
from engine.store.tables import (
    attachments,
    call_attempts,
    calls,
    cases,
    chunks,
    comments,
    contact_policies,
    cost_tables,
    customer_group_versions,
    definitions,
    drafts,
    history,
    holdouts,
    kept_forms,
    metadata,
    offer_versions,
    opt_out_addresses,
    opt_outs,
    parked_receipts,
    phrases,
    recipients,
    recommendations,
    rehearsals,
    replies,
    responses,
    saved_views,
    snapshots,
    suppressions,
    tasks,
    uploads,
    waivers,
)
from engine.store.tables import waves as wave_rows

ERASED = "erased"
DOUBTFUL = "erased after an interrupted attempt"
FOR_GOOD = "erased on request"
Rewritten = Callable[[str], str]
WORDS = (
    (waivers, waivers.c.reason),
    (suppressions, suppressions.c.reason),
    (saved_views, saved_views.c.name),
    (saved_views, saved_views.c.query),
    (phrases, phrases.c.text),
    (parked_receipts, parked_receipts.c.body),
    (recommendations, recommendations.c.evidence),
    (calls, calls.c.note),
    (call_attempts, call_attempts.c.note),
    (call_attempts, call_attempts.c.evidence),
    (customer_group_versions, customer_group_versions.c.title),
    (customer_group_versions, customer_group_versions.c.note),
)
JSON = (
    (customer_group_versions, customer_group_versions.c.source),
    (customer_group_versions, customer_group_versions.c.tests),
    (rehearsals, rehearsals.c.inputs),
)
PLAIN = tuple(
    table
    for table in metadata.sorted_tables
    if "customer" in table.columns and table not in (recipients, replies, responses, suppressions)
)
"""Every other table with a customer: the name stands in place of the number."""
SEALED: tuple[Column[str], ...] = (
    cases.c.body,
    history.c.body,
    tasks.c.remark,
    tasks.c.reason,
    attachments.c.name,
    offer_versions.c.reason,
    contact_policies.c.reason,
    holdouts.c.reason,
    cost_tables.c.reason,
    comments.c.text,
    definitions.c.source,
    drafts.c.source,
)
"""Texts of people that a history or a fingerprint seals, or that are theirs to write."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Whom to forget: the number, the name instead, the words to look for in texts, and how a text of words, a JSON
    text, a manifest and a sealed form are written without them."""

    customer: str
    name: str
    words: tuple[str, ...]
    of_words: Rewritten
    of_json: Rewritten
    of_manifest: Rewritten
    of_form: Callable[[str], str | None]


def bar(tx: Connection, name: str, *, by: str, at: datetime) -> None:
    """Put the name on the black list, for good: nobody who has it is contacted from this moment on."""
    suppression.add(tx, [Suppression("black", name, FOR_GOOD)], by=by, at=at)


def is_on_its_way(tx: Connection, customer: str) -> bool:
    """Whether a chunk with a message to the customer is claimed at this moment."""
    now = database_now(tx)
    query = sa.select(sa.literal(1)).select_from(chunks).where(chunks.c.state == "claimed", chunks.c.lease_until > now)
    held = sa.exists().where(
        recipients.c.wave == chunks.c.wave,
        recipients.c.row.between(chunks.c.first, chunks.c.last),
        recipients.c.customer == customer,
    )
    return tx.execute(query.where(held).limit(1)).first() is not None


def is_being_written(tx: Connection) -> bool:
    """Whether a delivery is dividing its list into waves, which goes by the order of the numbers in it."""
    query = sa.select(sa.literal(1)).where(wave_rows.c.state == "loading").limit(1)
    return tx.execute(query).first() is not None


def forget(tx: Connection, one: Forgotten, *, at: datetime) -> dict[str, int]:
    """Take the customer out of every table but the histories; how many rows of each had them."""
    counts = {
        "recipients": _ledger(tx, one, at),
        "responses": _responses(tx, one),
        "kept_forms": _forms(tx, one),
        "opt_out_addresses": _addresses(tx, one),
        "replies": _replies(tx, one),
        **{table.name: _renamed(tx, table, one) for table in PLAIN},
        "suppressions": _count(tx, sa.delete(suppressions).where(suppressions.c.customer == one.customer)),
        "uploads": _count(tx, sa.delete(uploads).where(uploads.c.kind == "dataset")),
    }
    texts: dict[str, int] = {}
    for table, column in WORDS:
        texts[table.name] = texts.get(table.name, 0) + _rewritten(tx, table, column, one, one.of_words)
    for table, column in JSON:
        texts[table.name] = texts.get(table.name, 0) + _rewritten(tx, table, column, one, one.of_json)
    texts["snapshots"] = _manifests(tx, one)
    for name, count in texts.items():
        counts[name] = counts.get(name, 0) + count
    return {name: count for name, count in counts.items() if count}


def left(tx: Connection, one: Forgotten) -> dict[str, int]:
    """In how many texts that cannot be changed here the customer is named, by table."""
    found: dict[str, int] = {}
    for column in SEALED:
        texts = tx.execute(sa.select(column).where(_has(column, one))).scalars() if one.words else ()
        count = sum(one.of_words(text) != text for text in texts if text)
        if count:
            found[column.table.name] = found.get(column.table.name, 0) + count
    return found


def standing(tx: Connection, one: Forgotten) -> dict[str, int]:
    """How many rows of each table are the customer's."""
    counts = {}
    for table in (recipients, replies, responses, suppressions, *PLAIN):
        mine = sa.select(sa.func.count()).select_from(table).where(table.c.customer == one.customer)
        counts[table.name] = int(tx.execute(mine).scalar_one())
    for table, column in (*WORDS, *JSON):
        texts = tx.execute(sa.select(column).where(_has(column, one))).scalars()
        counts[table.name] = counts.get(table.name, 0) + sum(one.of_words(text) != text for text in texts)
    return {name: count for name, count in (counts | left(tx, one)).items() if count}


def everybody(tx: Connection) -> Iterator[str]:
    """Every number of a customer in a table, each once per table."""
    for table in (recipients, replies, responses, suppressions, *PLAIN):
        yield from tx.execute(sa.select(table.c.customer).distinct().execution_options(yield_per=10_000)).scalars()


def _ledger(tx: Connection, one: Forgotten, at: datetime) -> int:
    """Case by case, because the ledger's index begins with the case."""
    of_cases = tx.execute(sa.select(wave_rows.c.case_id, wave_rows.c.channel).distinct().order_by("case_id")).all()
    places: list[tuple[str, int]] = []
    for case_id, channel in of_cases:
        here = (recipients.c.case_id == case_id) & (recipients.c.channel == channel)
        found = sa.select(recipients.c.wave, recipients.c.row).where(here, recipients.c.customer == one.customer)
        places += ((wave, row) for wave, row in tx.execute(found))
    waves.lock_all(tx, [wave for wave, _ in places])
    for wave, row in places:
        doubt = sa.exists().where(
            chunks.c.wave == wave,
            chunks.c.first <= row,
            chunks.c.last >= row,
            sa.or_(chunks.c.state == "claimed", chunks.c.error.startswith(UNANSWERED)),
        )
        mine = recipients.c.row == row
        moves.move(tx, wave, mine & doubt, come_from="waiting", to="unknown", reason=DOUBTFUL, settled_at=at)
        moves.move(tx, wave, mine, come_from="waiting", to="suppressed", reason=ERASED, settled_at=at)
        tx.execute(sa.update(recipients).where(recipients.c.wave == wave, mine).values(customer=one.name))
        moves.touch(tx, wave)
    return len(places)


def _renamed(tx: Connection, table: Table, one: Forgotten) -> int:
    return _count(tx, sa.update(table).where(table.c.customer == one.customer).values(customer=one.name))


def _responses(tx: Connection, one: Forgotten) -> int:
    """The source's own id of what they did may name them as well."""
    mine = sa.select(responses.c.case_id, responses.c.kind, responses.c.reference)
    found = tx.execute(mine.where(responses.c.customer == one.customer).order_by(*mine.selected_columns)).all()
    for number, (case_id, kind, reference) in enumerate(found):
        here = (responses.c.case_id == case_id) & (responses.c.kind == kind) & (responses.c.reference == reference)
        fresh = {"customer": one.name, "reference": f"{one.name}-{number}"}
        tx.execute(sa.update(responses).where(here).values(**fresh))
    return len(found)


def _replies(tx: Connection, one: Forgotten) -> int:
    """Nobody can tell what a sealed text says of them, so it goes; that there was a reply stays."""
    mine = sa.update(replies).where(replies.c.customer == one.customer)
    return _count(tx, mine.values(customer=one.name, text="", shown=""))


def _addresses(tx: Connection, one: Forgotten) -> int:
    """Nothing is sent to who was erased; to whom else the number belongs must opt out anew."""
    mine = sa.select(opt_outs.c.id).where(opt_outs.c.customer == one.customer)
    here = sa.or_(opt_out_addresses.c.opt_out.in_(mine), opt_out_addresses.c.address.in_(one.words))
    return _count(tx, sa.delete(opt_out_addresses).where(here))


def _rewritten(tx: Connection, table: Table, column: Column[str], one: Forgotten, written: Rewritten) -> int:
    keys = tuple(table.primary_key.columns)
    count = 0
    for text, *key in tx.execute(sa.select(column, *keys).where(_has(column, one))).all():
        fresh = written(text)[: getattr(column.type, "length", None)]
        if fresh != text:
            here = sa.and_(*(name == value for name, value in zip(keys, key, strict=True)))
            tx.execute(sa.update(table).where(here).values({column: fresh}))
            count += 1
    return count


def _manifests(tx: Connection, one: Forgotten) -> int:
    """The masked sample of a list may show them, so every manifest is looked at."""
    count = 0
    for number in tx.execute(sa.select(snapshots.c.id)).scalars().all():
        here = snapshots.c.id == number
        text = tx.execute(sa.select(snapshots.c.manifest).where(here)).scalar_one()
        fresh = one.of_manifest(text)
        if fresh != text:
            tx.execute(sa.update(snapshots).where(here).values(manifest=fresh))
            count += 1
    return count


def _forms(tx: Connection, one: Forgotten) -> int:
    """What somebody typed before they had to sign in anew; a form that nobody can read any more goes."""
    count = 0
    for key, body in tx.execute(sa.select(kept_forms.c.hash, kept_forms.c.body)).all():
        fresh = one.of_form(body)
        if fresh is None:
            tx.execute(sa.delete(kept_forms).where(kept_forms.c.hash == key))
        elif fresh != body:
            tx.execute(sa.update(kept_forms).where(kept_forms.c.hash == key).values(body=fresh))
            count += 1
    return count


def _has(column: Column[str], one: Forgotten) -> sa.ColumnElement[bool]:
    return sa.or_(*(column.contains(word, autoescape=True) for word in (one.customer, *one.words)))


def _count(tx: Connection, statement: sa.Update | sa.Delete) -> int:
    return int(tx.execute(statement).rowcount)

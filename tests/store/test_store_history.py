"""A changed, removed, swapped or added entry is found and named."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store import history as chain
from engine.store.session import Database
from engine.store.tables import cases, history
from tests.store.by_hand import approve, open_case, submit

_IN_C1 = history.c.case_id == "c1"

Tamper = Callable[[Connection], object]


def _change(seq: int, **values: object) -> Tamper:
    return lambda tx: tx.execute(sa.update(history).where(_IN_C1, history.c.seq == seq).values(values))


def _remove(seq: int) -> Tamper:
    return lambda tx: tx.execute(sa.delete(history).where(_IN_C1, history.c.seq == seq))


def _swap(tx: Connection) -> None:
    for was, now in ((1, 9), (2, 1), (9, 2)):
        tx.execute(sa.update(history).where(_IN_C1, history.c.seq == was).values(seq=now))


def _truncate(tx: Connection) -> None:
    tx.execute(sa.delete(history).where(_IN_C1, history.c.seq == 3))
    tx.execute(sa.update(cases).where(cases.c.id == "c1").values(seq=2))


def _set_back(tx: Connection) -> None:
    body = sa.func.replace(cases.c.body, '"approved"', '"approving"')
    tx.execute(sa.update(cases).where(cases.c.id == "c1").values(body=body))


TAMPERED: dict[str, tuple[Tamper, int]] = {
    "the words of the body": (_change(2, body=sa.func.replace(history.c.body, "li", "ma")), 2),
    "one byte of the body": (_change(3, body=history.c.body + " "), 3),
    "the actor": (_change(3, actor="chen"), 3),
    "the door": (_change(3, via="link"), 3),
    "for whom": (_change(1, on_behalf_of="chen"), 1),
    "the command": (_change(3, kind="Close"), 3),
    "the time": (_change(2, at=datetime(2020, 1, 1, tzinfo=UTC)), 2),
    "the hash": (_change(2, hash="0" * 64), 2),
    "the link": (_change(2, previous="0" * 64), 2),
    "the first entry is gone": (_remove(1), 1),
    "a middle entry is gone": (_remove(2), 2),
    "the last entry is gone": (_remove(3), 3),
    "the last entry is gone and the case set back": (_truncate, 3),
    "the case": (_set_back, 3),
    "two entries are swapped": (_swap, 1),
}


@pytest.mark.parametrize("what", TAMPERED)
@pytest.mark.tampers
def test_tampering_is_found_and_the_first_bad_entry_named(db: Database, what: str) -> None:
    open_case(db)
    submit(db)
    approve(db, "wang")
    open_case(db, "c2")
    tamper, seq = TAMPERED[what]
    with db.begin() as tx:
        assert _broken(tx) == []
        _drop_triggers(tx)
        tamper(tx)
        broken = _broken(tx)
    assert [(found.case_id, found.seq) for found in broken] == [("c1", seq)]
    assert broken[0].reason


def test_an_entry_reads_back_as_it_was_recorded(db: Database) -> None:
    open_case(db)
    recorded = submit(db)
    with db.read() as tx:
        entry = chain.load(tx, "c1")[1]
    assert entry.events == recorded.events
    assert (entry.command.actor, entry.kind, entry.via) == ("li", "Submit", "page")


def _broken(tx: Connection) -> list[chain.Broken]:
    return [found for case_id in chain.case_ids(tx) if (found := chain.verify(tx, case_id))]


def _drop_triggers(tx: Connection) -> None:
    if tx.dialect.name == "sqlite":
        tx.execute(sa.text("DROP TRIGGER history_no_update"))
        tx.execute(sa.text("DROP TRIGGER history_no_delete"))
    else:
        tx.execute(sa.text("ALTER TABLE history DISABLE TRIGGER ALL"))

"""Histories that were tampered with are found; what a chain cannot show, a checkpoint shows."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.cli.demo.people import OFFICES, PEOPLE
from engine.errors import InvalidFile, NotFound
from engine.organisation.roster import OFFICE_COLUMNS, PEOPLE_COLUMNS
from engine.service import auditing, checkpoints, definitions, importing, personnel, sheets
from engine.service.app import Countersign
from engine.service.auditing import Asked
from engine.service.recording import OPERATOR, By
from engine.settings import Settings
from engine.store import trail
from engine.store.session import Database
from engine.store.tables import cases, history, organisation_history
from tests.api.cases import decide, submitted, viewer

pytestmark = pytest.mark.tampers


@pytest.fixture
def app(db: Database, db_url: str, tmp_path: Path) -> Countersign:
    opened = Countersign(Settings(home=tmp_path, database_url=db_url), db)
    offices = [(one.code, one.zh, one.en, one.level, one.parent or "") for one in OFFICES]
    staff = [(one.id, one.name, "", one.language, "", ";".join(map("@".join, one.grants))) for one in PEOPLE]
    for headings, rows in ((OFFICE_COLUMNS, offices), (PEOPLE_COLUMNS, staff)):
        importing.load(opened, OPERATOR, sheets.write("csv", headings, rows, title="all"), "all.csv")
    return opened


@pytest.fixture
def with_kinds(app: Countersign) -> Countersign:
    definitions.publish_shipped(app)
    return app


def unlocked(tx: Connection) -> None:
    """As somebody could who owns the database."""
    if tx.dialect.name == "sqlite":
        for table in ("organisation_history", "history"):
            for verb in ("UPDATE", "DELETE"):
                tx.execute(sa.text(f"DROP TRIGGER IF EXISTS {table}_no_{verb}"))
    else:
        for table in ("organisation_history", "history"):
            tx.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def broken(app: Countersign) -> list[tuple[str, int]]:
    return [(one.case_id, one.seq) for one in auditing.verify(app, OPERATOR).broken]


def test_the_organisations_history_refuses_change_and_removal(app: Countersign):
    for statement in (sa.update(organisation_history).values(actor="x"), sa.delete(organisation_history)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), app.db.begin() as tx:
            tx.execute(statement)


@pytest.mark.parametrize("column", ["at", "kind", "actor", "via", "address", "subject", "body", "previous", "hash"])
def test_every_changed_part_of_an_entry_is_found(app: Countersign, column: str):
    assert broken(app) == []
    with app.db.begin() as tx:
        unlocked(tx)
        value = app.now() + timedelta(days=1) if column == "at" else "forged"
        tx.execute(sa.update(organisation_history).where(organisation_history.c.seq == 7).values({column: value}))
    assert broken(app)[0] == ("organisation", 7)


def test_a_removed_entry_is_found(app: Countersign):
    with app.db.begin() as tx:
        unlocked(tx)
        tx.execute(sa.delete(organisation_history).where(organisation_history.c.seq == 7))
    assert broken(app) == [("organisation", 7)]


def test_what_is_cut_off_the_end_is_found_by_the_checkpoint_alone(app: Countersign):
    made = checkpoints.export(app, OPERATOR)
    assert checkpoints.compare(app, OPERATOR, made, "c").broken == ()
    with app.db.begin() as tx:
        unlocked(tx)
        last = trail.head(tx)[0]
        tx.execute(sa.delete(organisation_history).where(organisation_history.c.seq >= last - 1))
    assert broken(app) == []
    found = checkpoints.compare(app, OPERATOR, made, "c").broken
    assert [(one.case_id, one.seq) for one in found] == [("organisation", last - 1)]


def test_a_case_whose_chain_was_computed_again_is_found_by_the_checkpoint_alone(with_kinds: Countersign):
    app = with_kinds
    kept, case_id = submitted(app, title="kept"), submitted(app)
    made = checkpoints.export(app, OPERATOR)
    other = submitted(app, title="another history")
    with app.db.begin() as tx:  # a whole history, sealed as ours are, in the place of the other
        unlocked(tx)
        rewritten(tx, case_id, other)
    assert [one for one, _ in broken(app) if one not in (case_id, other)] == []
    found = checkpoints.compare(app, OPERATOR, made, "c").broken
    assert case_id in [one.case_id for one in found]
    assert kept not in [one.case_id for one in found]


def rewritten(tx: Connection, case_id: str, other: str) -> None:
    from engine.store.history import BEGINNING, Entry, _hash

    previous = BEGINNING
    for entry in [
        Entry(*row)
        for row in tx.execute(sa.select(history).where(history.c.case_id == case_id).order_by(history.c.seq))
    ]:
        forged = Entry(
            case_id,
            entry.seq,
            entry.at + timedelta(hours=1),
            *(entry.kind, entry.actor),
            entry.on_behalf_of,
            entry.via,
            entry.body,
            previous,
            "",
        )
        values = {"at": forged.at, "previous": previous, "hash": (previous := _hash(forged))}
        tx.execute(sa.update(history).where(history.c.case_id == case_id, history.c.seq == entry.seq).values(values))
    tx.execute(sa.update(cases).where(cases.c.id == case_id).values(head=previous))


def test_a_checkpoint_that_was_changed_or_is_of_another_installation_is_refused(app: Countersign, tmp_path: Path):
    made = checkpoints.export(app, OPERATOR)
    for wrong in (made.replace(b'"version":1', b'"version":2'), b"", b"{}\nAAAA", made[:-20]):
        with pytest.raises(InvalidFile):
            checkpoints.compare(app, OPERATOR, wrong, "c")
    strange = checkpoints.public_key(Settings(home=tmp_path / "other"))
    with pytest.raises(InvalidFile):
        checkpoints.compare(app, OPERATOR, made, "c", strange)


def test_the_audit_pages_through_both_histories_and_finds(with_kinds: Countersign):
    app = with_kinds
    case_id = submitted(app)
    decide(app, "liguoqiang")
    by = By(viewer(app, "xuwen"))
    personnel.give_role(app, "zhengkai", "head", "440111", by=By(viewer(app, "machao"), "page", "10.1.2.3"))
    seen, cursor = [], ""
    while True:
        page = auditing.listed(app, by, Asked(), cursor)
        seen += [(one.source, one.subject, one.seq) for one in page.rows]
        cursor = page.next
        if not cursor:
            break
    with app.db.read() as tx:
        assert (
            len(seen)
            == len(set(seen))
            == trail.head(tx)[0] + tx.execute(sa.select(sa.func.count()).select_from(history)).scalar_one()
        )
    newest = auditing.listed(app, by, Asked()).rows[0]
    assert (newest.kind, newest.actor_name, newest.address) == ("role_given", "马超", "10.1.2.3")
    assert newest.after == {"role": "head", "office": "440111", "weight": 1}
    number = auditing.listed(app, by, Asked(kind="Submit")).rows[0].subject
    assert {one.case_id for one in auditing.listed(app, by, Asked(case=number)).rows} == {case_id}
    assert {one.actor for one in auditing.listed(app, by, Asked(person="liguoqiang", kind="Decide")).rows} == {
        "liguoqiang"
    }
    assert auditing.listed(app, by, Asked(case="no such number")).rows == ()
    assert auditing.listed(app, by, Asked(last="2000-01-01")).rows == ()
    table = auditing.table(app, by, Asked(kind="role_given"))
    assert [row[4] for row in table.rows] == ["role_given"]
    assert [(name.en, value.en) for name, value in table.filters] == [("kind", "role_given")]


@pytest.mark.parametrize("login", ["wangmin", "liguoqiang"])
def test_the_audit_is_not_there_for_others(app: Countersign, login: str):
    by = By(viewer(app, login))
    for look in (
        lambda: auditing.listed(app, by, Asked()),
        lambda: auditing.table(app, by, Asked()),
        lambda: auditing.verify(app, by),
        lambda: checkpoints.export(app, by),
    ):
        with pytest.raises(NotFound):
            look()

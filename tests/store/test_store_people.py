"""Offices, people, sessions, links, definitions: kept, found, and no more."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.errors import NotPossible
from engine.organisation import Office
from engine.store import definitions, links, people, sessions
from engine.store.session import Database
from engine.store.tables import links as link_table
from tests.store.by_hand import NOON


def settle(db: Database) -> None:
    """A province, a city, a county, and five people."""
    with db.begin() as tx:
        people.add_offices(
            tx,
            [
                Office("43", "湖南省", "province"),
                Office("4301", "长沙市", "city", parent="43"),
                Office("430102", "芙蓉区", "county", parent="4301"),
            ],
        )
        people.add_people(tx, [{"id": name, "name": name.title()} for name in ("li", "wang", "chen", "ma", "sun")])
        people.add_grants(
            tx,
            [
                {"person": "li", "role": "submitter", "office": "430102"},
                {"person": "wang", "role": "head", "office": "430102"},
                {"person": "chen", "role": "finance", "office": "4301"},
                {"person": "ma", "role": "auditor", "office": "43"},
                {"person": "sun", "role": "submitter", "office": "430102"},
            ],
        )


def test_the_organisation_loads_and_every_change_raises_its_revision(db: Database) -> None:
    with db.read() as tx:
        assert people.revision(tx) == 0
    settle(db)
    with db.read() as tx:
        loaded = people.revision(tx)
        organisation = people.load_organisation(tx)
    assert organisation.resolve("head@county", "430102") == ("wang",)
    assert organisation.resolve("role:finance@city", "430102") == ("chen",)
    with db.begin() as tx:
        assert people.set_active(tx, "wang", active=False)
        assert not people.remove_grant(tx, person="chen", role="head", office="4301")
        assert people.revision(tx) == loaded + 1
        assert people.load_organisation(tx).resolve("head@county", "430102") == ()


def test_a_snapshot_asks_for_the_revision_once_and_a_write_sees_its_own(db: Database) -> None:
    asked: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    with db.read() as tx:
        before = [people.revision(tx) for _ in range(3)]
        settle(db)
        assert people.revision(tx) == before[0]
    assert before == [0, 0, 0]
    assert sum("SELECT organisation.revision" in statement for statement in asked) == 1
    with db.read() as tx:
        loaded = people.revision(tx)
    assert loaded > 0, "the next snapshot asks anew"
    with db.begin() as tx:
        people.set_active(tx, "wang", active=False)
        assert people.revision(tx) == loaded + 1


def test_adding_twice_keeps_what_is_there(db: Database) -> None:
    settle(db)
    settle(db)
    with db.begin() as tx:
        people.add_people(tx, [{"id": "li", "name": "Somebody else"}])
        found = people.find_person(tx, "li")
        assert found is not None and found.name == "Li"
        assert [(row.role, row.office, row.zh) for row in people.grants_of(tx, "li")] == [
            ("submitter", "430102", "芙蓉区")
        ]


def test_sessions_and_devices_are_found_by_hash_and_end_with_the_account(db: Database) -> None:
    settle(db)
    with db.begin() as tx:
        for hashed in ("a" * 64, "b" * 64):
            sessions.add(tx, hashed, "li", created_at=NOON, expires_at=NOON + timedelta(hours=1))
        sessions.add_device(tx, "d" * 64, "li", created_at=NOON, expires_at=NOON + timedelta(days=90))
        sessions.touch(tx, "a" * 64, seen_at=NOON, expires_at=NOON + timedelta(hours=2))
        sessions.end(tx, "b" * 64)
        sessions.end(tx, "b" * 64)
        session = sessions.find(tx, "a" * 64)
        assert session is not None and session.expires_at == NOON + timedelta(hours=2)
        assert sessions.find(tx, "b" * 64) is None
        people.set_active(tx, "li", active=False)
        assert sessions.find(tx, "a" * 64) is None
        assert sessions.find_device(tx, "d" * 64) is None


def test_failed_sign_ins_are_counted_within_their_window(db: Database) -> None:
    with db.begin() as tx:
        for minutes in (0, 5, 20):
            sessions.note_try(tx, "name:li", NOON + timedelta(minutes=minutes))
        since = NOON + timedelta(minutes=4)
        assert sessions.full_since(tx, "name:li", 2, since=since) == NOON + timedelta(minutes=5)
        assert sessions.full_since(tx, "name:li", 3, since=since) is None
        sessions.forget_tries(tx, "name:li", before=NOON + timedelta(minutes=10))
        assert sessions.full_since(tx, "name:li", 1, since=NOON) == NOON + timedelta(minutes=20)
        assert sessions.full_since(tx, "name:li", 2, since=NOON) is None


def mail(tx: sa.Connection) -> str:
    expires = NOON + timedelta(days=14)
    return links.create(
        tx, person="wang", case_id="c1", task="c1-2-0", step="head", round=1, seq=2, now=NOON, expires_at=expires
    )


def test_a_link_is_found_by_its_token_which_is_not_stored(db: Database) -> None:
    with db.begin() as tx:
        token, other = mail(tx), mail(tx)
        assert len(token) >= 43 and token != other
        found = links.find(tx, token)
        assert found is not None and (found.person, found.task, found.seq) == ("wang", "c1-2-0", 2)
        for wrong in ("", token[:-1], token + "x", token.swapcase(), "\udcff"):
            assert links.find(tx, wrong) is None
        assert token not in str(tx.execute(sa.select(link_table)).all())
        assert links.revoke_for_task(tx, "c1-2-0", NOON) == 2
        assert links.revoke_for_task(tx, "c1-2-0", NOON) == 0
        revoked = links.find(tx, token)
        assert revoked is not None and revoked.revoked_at == NOON


def test_a_published_text_never_changes(db: Database) -> None:
    def publish(version: int, text: str) -> None:
        with db.begin() as tx:
            definitions.publish(
                tx, name="telecom", version=version, fingerprint=text * 64, source=text, author="li", by="ma", at=NOON
            )

    publish(1, "a")
    publish(1, "a")
    publish(2, "b")
    with pytest.raises(NotPossible, match="raise `version:`"):
        publish(2, "c")
    with db.begin() as tx:
        definitions.save(tx, name="telecom", version=3, fingerprint="d" * 64, source="d", author="li")
        definitions.save(tx, name="telecom", version=3, fingerprint="e" * 64, source="e", author="li")
    with db.read() as tx:
        newest = definitions.newest(tx, "telecom")
        assert newest is not None and newest.version == 2
        assert definitions.source(tx, "a" * 64) == "a"
        assert definitions.source(tx, "e" * 64) == "e"
        assert definitions.source(tx, "d" * 64) is None
        assert [one.name for one in definitions.all_newest(tx)] == ["telecom"]
        assert definitions.newest(tx, "nothing") is None

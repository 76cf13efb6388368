"""The database opened: transactions, snapshots, errors that say what to do."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.errors import DatabaseUnavailable, NoSpace
from engine.store import history
from engine.store.session import Database
from engine.store.tables import numbering
from tests.servers.postgres import PostgresServer, create_database
from tests.store.by_hand import open_case, submit


def test_a_transaction_that_fails_leaves_nothing(db: Database) -> None:
    with pytest.raises(RuntimeError), db.begin() as tx:
        tx.execute(sa.insert(numbering).values(scope="a", year=2026, next=1))
        raise RuntimeError
    with db.read() as tx:
        assert tx.execute(sa.select(numbering)).all() == []


def test_a_reader_keeps_its_snapshot_and_cannot_write(db: Database) -> None:
    with db.read() as reader:
        assert reader.execute(sa.select(sa.func.count()).select_from(numbering)).scalar() == 0
        with db.begin() as tx:
            tx.execute(sa.insert(numbering).values(scope="a", year=2026, next=1))
        assert reader.execute(sa.select(sa.func.count()).select_from(numbering)).scalar() == 0
        with pytest.raises(sa.exc.DBAPIError):
            reader.execute(sa.insert(numbering).values(scope="b", year=2026, next=1))
    with db.begin() as tx:
        tx.execute(sa.insert(numbering).values(scope="c", year=2026, next=1))


def test_eight_threads_of_a_hundred_increments_lose_none(db: Database) -> None:
    with db.begin() as tx:
        tx.execute(sa.insert(numbering).values(scope="a", year=2026, next=0))
    failures: list[BaseException] = []

    def increment() -> None:
        try:
            for _ in range(100):
                with db.begin() as tx:
                    query = sa.select(numbering.c.next).where(numbering.c.scope == "a").with_for_update()
                    seen = tx.execute(query).scalar_one()
                    tx.execute(sa.update(numbering).values(next=seen + 1))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=increment) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with db.read() as tx:
        assert tx.execute(sa.select(numbering.c.next)).scalar_one() == 800


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "no database address"),
        ("fantasy://x", "no database address"),
        ("mysql://x/y", "possible"),
        ("postgresql://u:secret@127.0.0.1:1/x", "refused"),
        ("sqlite:////no/such/folder/x.db", "it cannot be opened"),
    ],
)
def test_a_wrong_address_is_told_in_one_sentence(url: str, words: str) -> None:
    with pytest.raises(DatabaseUnavailable) as told, Database(url).begin():
        pass
    assert words in told.value.message
    assert "secret" not in told.value.message
    assert "COUNTERSIGN_DATABASE_URL" in told.value.message


def test_a_database_without_tables_names_the_command(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(DatabaseUnavailable, match="database migrate"), db.read() as tx:
        tx.execute(sa.select(numbering))
    db.close()


def test_a_full_disk_is_told_and_nothing_half_written_remains(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    with pytest.raises(NoSpace, match=r"case\.db"), db.begin() as tx:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        tx.execute(sa.insert(numbering).values(scope="a", year=2026, next=1))
        for n in range(2000):
            tx.execute(sa.insert(numbering).values(scope=f"{n:080}", year=2026, next=1))
    with db.read() as tx:
        assert tx.execute(sa.select(numbering)).all() == []
    db.close()


def test_a_server_that_restarts_is_used_again(pg_restarting: PostgresServer) -> None:
    db = Database(create_database(pg_restarting.url, "restarting"))
    db.migrate()
    open_case(db)
    pg_restarting.restart()
    assert submit(db).seq == 2
    with db.read() as tx:
        assert history.verify(tx, "c1") is None
    db.close()

"""The schema that migrations make is the schema that the code believes in, on both databases."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from engine.definition.numbers import NumberPattern
from engine.store import closings, migrations
from engine.store.closings import Closing
from engine.store.numbering import next_number
from engine.store.session import Database
from engine.store.tables import cases, history, metadata, numbering, organisation
from tests.servers.postgres import create_database
from tests.store.by_hand import open_case


def test_models_and_migrations_give_the_same_schema(db: Database) -> None:
    with db.read() as tx:
        # SQLite gives defaults back in other quotes; there PostgreSQL speaks for both.
        defaults = db.dialect_name == "postgresql"
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": defaults})
        assert compare_metadata(context, metadata) == []
        inspector = sa.inspect(tx)
        for table in metadata.sorted_tables:
            checks = {check["name"] for check in inspector.get_check_constraints(table.name)}
            wanted = {check.name for check in table.constraints if isinstance(check, sa.CheckConstraint)}
            assert checks == wanted, table.name
            partial = {
                index["name"]: _bare(index["dialect_options"][f"{db.dialect_name}_where"])
                for index in inspector.get_indexes(table.name)
                if index.get("dialect_options", {}).get(f"{db.dialect_name}_where") is not None
            }
            believed = {
                index.name: _bare(index.dialect_options[db.dialect_name]["where"])
                for index in table.indexes
                if index.dialect_options[db.dialect_name]["where"] is not None
            }
            assert partial.keys() == believed.keys(), table.name


def test_migrating_twice_changes_nothing(db: Database) -> None:
    db.migrate()
    with db.read() as tx:
        assert [tuple(row) for row in tx.execute(sa.select(organisation.c.id, organisation.c.revision))] == [(1, 0)]


def test_several_processes_may_migrate_an_empty_database_at_once(pg_server: str, worker: str) -> None:
    url = create_database(pg_server, f"countersign_empty_{worker}")
    failures: list[BaseException] = []

    def migrate() -> None:
        try:
            db = Database(url)
            db.migrate()
            db.close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_numbers_without_a_year_go_on_counting_over_the_years(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'before.db'}"
    if kind == "postgresql":
        worker = request.getfixturevalue("worker")
        url = create_database(request.getfixturevalue("pg_server"), f"countersign_before_{worker}")
    db = Database(url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with db.begin() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0004")
        rows = [("440111-2025-#", 2025, 8), ("440111-2026-#", 2026, 5), ("MC#", 2026, 41)]
        tx.execute(sa.insert(numbering), [{"scope": scope, "year": year, "next": n} for scope, year, n in rows])
    db.migrate()
    with db.begin() as tx:
        counted = NumberPattern("MC{seq:04}").counted(office="440111", year=2027)
        assert next_number(tx, *counted) == 41
        assert next_number(tx, "440111-2026-#", 2026) == 5
    db.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_cases_that_were_closed_before_stand_in_the_library(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'before.db'}"
    if kind == "postgresql":
        worker = request.getfixturevalue("worker")
        url = create_database(request.getfixturevalue("pg_server"), f"countersign_closed_{worker}")
    db = Database(url)
    db.migrate()
    open_case(db)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with db.begin() as tx:
        tx.execute(sa.update(cases).values(state="closed"))
        (closed_at,) = tx.execute(sa.select(cases.c.updated_at)).scalars()
        config.attributes["connection"] = tx
        command.downgrade(config, "0053")
    db.migrate()
    with db.read() as tx:
        assert closings.find(tx, "c1") == Closing("c1", closed_at)
        assert closings.stands_there(tx, "c1")
    db.close()


def test_the_history_refuses_change_and_removal(db: Database) -> None:
    open_case(db)
    for statement in (sa.update(history).values(actor="somebody"), sa.delete(history)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), db.begin() as tx:
            tx.execute(statement)
    if db.dialect_name == "postgresql":
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), db.begin() as tx:
            tx.execute(sa.text("TRUNCATE history"))


def _bare(condition: object) -> str:
    return str(condition).replace(" ", "").replace("(", "").replace(")", "")

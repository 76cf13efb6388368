"""`countersign database`: migrate and verify from a shell."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from engine.cli.database import app
from engine.store.session import Database
from engine.store.tables import cases
from tests.store.by_hand import open_case, submit


def test_migrate_makes_the_tables_and_twice_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/case.db"
    for _ in range(2):
        ran = CliRunner().invoke(app, ["migrate", "--database", url])
        assert ran.exit_code == 0 and "up to date" in ran.output
    db = Database(url)
    open_case(db)
    db.close()


@pytest.mark.tampers
def test_verify_names_the_case_that_is_not_what_its_history_says(db: Database, db_url: str) -> None:
    open_case(db, "c1")
    open_case(db, "c2")
    submit(db, "c2")
    whole = CliRunner().invoke(app, ["verify", "--database", db_url])
    assert (whole.exit_code, whole.stdout) == (0, "2 cases verified, 0 broken.\n")
    with db.begin() as tx:
        body = sa.func.replace(cases.c.body, "approving", "approved")
        tx.execute(sa.update(cases).where(cases.c.id == "c2").values(body=body))
    broken = CliRunner().invoke(app, ["verify", "--database", db_url])
    assert broken.exit_code == 1
    assert "case c2, entry 2: the case is not what its history says" in broken.stdout
    assert "2 cases verified, 1 broken." in broken.stdout

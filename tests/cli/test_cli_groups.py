"""`countersign audience groups` as an operator uses it, and a trial that names a saved group."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app as program
from engine.errors import SchemaBehind
from engine.service.app import Countersign
from engine.settings import Settings
from tests.acceptance.group_case import loaded
from tests.acceptance.offices import load_people

TEXT = "source: {rule: c.arpu >= 80}\ntests:\n- in: {arpu: 80}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{tmp_path / 'case.db'}")
    app = Countersign.open(Settings())
    app.db.migrate()
    load_people(app)
    loaded(app)
    app.close()
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["audience", *arguments])


def test_a_group_is_saved_shown_tried_out_and_used(home: Path) -> None:
    file = home / "vip.yaml"
    file.write_text(TEXT)
    assert "No customer group" in run("groups", "list").stdout
    made = run("groups", "save", "vip", str(file), "--title", "High value", "--owner", "wangmin", "--note", "first")
    assert made.stdout == "Version 1 of vip is the newest.\n", made.output
    assert "High value" in run("groups", "list").stdout
    shown = run("groups", "show", "vip").stdout
    file.write_text(shown.replace(">= 80", ">= 70"))
    assert "10 customers now, 20 then, of 90: 10 join, 0 leave." in run("groups", "impact", "vip", str(file)).stdout
    told = json.loads(run("groups", "impact", "vip", str(file), "--json").stdout)
    assert (told["before"], told["after"]) == (10, 20)
    plan = home / "plan.yaml"
    plan.write_text("audience:\n  source: {group: vip}\n  remove: [{group: vip@1}]\n")
    assert run("groups", "save", "vip", str(file), "--title", "High value", "--base", "1").exit_code == 0
    done = run("run", str(plan), "--as-of", "2026-11-01", "--json")
    assert json.loads(done.stdout)["target"] == 10, done.output
    assert "no more" in run("groups", "end", "vip").stdout
    refused = run("run", str(plan), "--as-of", "2026-11-01", "--json")
    assert "there is no customer group vip" in str(refused.exception)
    assert "offered again" in run("groups", "end", "vip", "--again").stdout


def test_a_trial_makes_no_case_database_and_changes_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = home / "plan.yaml"
    plan.write_text("audience:\n  source: {group: vip}\n")
    older = home / "older.db"
    for url in (f"sqlite:///{home / 'none.db'}", f"sqlite:///{older}"):
        monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", url)
        refused = run("run", str(plan), "--as-of", "2026-11-01")
        assert isinstance(refused.exception, SchemaBehind) and "countersign database migrate" in str(refused.exception)
        assert not (home / "none.db").exists()
        shutil.copy(home / "case.db", older)
        with sqlite3.connect(older) as db:
            db.execute("UPDATE alembic_version SET version_num = '0019'")
    with sqlite3.connect(older) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [("0019",)]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("source:\n  union:\n  - {rule: c.arpuu >= 80}\n", "3:14: E303"),
        ("source: {rule: c.arpu >= 80}\ntests:\n- out: {arpu: 80}\n", "3:3: D150"),
        ("source: [\n", "2:1: E101"),
        ("sauce: 1\n", "1:1: E111"),
    ],
)
def test_what_is_wrong_is_told_at_its_place_in_the_file(home: Path, text: str, place: str) -> None:
    file = home / "vip.yaml"
    file.write_text(text)
    done = run("groups", "save", "vip", str(file), "--title", "x", "--owner", "wangmin")
    assert done.exit_code != 0
    assert f"{file}:{place}" in str(done.exception), done.exception
    assert "No customer group" in run("groups", "list").stdout

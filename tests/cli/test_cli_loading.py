"""A command loads what it uses: the rest would make every command wait for it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.cli.main import NOUNS, app
from tests.support import ROOT

FEW_COMMANDS_USE = (
    "aiohttp", "alembic", "api", "apprise", "authlib", "babel", "duckdb", "fastapi", "icalendar", "prefect", "pypinyin",
    "python_calamine", "reportlab", "scipy", "statsmodels", "xlsxwriter", "z3", "zxcvbn",
)  # fmt: skip
PROGRAM = """
import sys
sys.argv = ["countersign", *{words!r}]
from engine.cli.main import app
try:
    app()
except SystemExit as ended:
    code = ended.code
print("loaded", *sorted({{name.partition(".")[0] for name in sys.modules}}))
sys.exit(code)
"""


def loaded_by(home: Path, *words: str) -> set[str]:
    """The packages that a process has loaded when the command has been carried out."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(words=list(words))],
        env={"COUNTERSIGN_HOME": str(home), "COUNTERSIGN_DATABASE_URL": f"sqlite:///{home / 'case.db'}"},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("loaded ")[2].split())


def test_listing_cases_loads_nothing_that_it_does_not_use(staffed: Path) -> None:
    loaded = loaded_by(staffed.parent, "cases", "list", "--as", "wangmin")
    assert "sqlalchemy" in loaded
    assert loaded & set(FEW_COMMANDS_USE) == set()


def test_help_loads_no_engine(tmp_path: Path) -> None:
    loaded = loaded_by(tmp_path, "--help")
    assert "typer" in loaded
    assert loaded & {"sqlalchemy", "pydantic", "msgspec", *FEW_COMMANDS_USE} == set()


@pytest.mark.parametrize("noun", NOUNS)
def test_the_list_of_nouns_says_of_each_what_it_says_of_itself(noun: str) -> None:
    program: Any = typer.main.get_command(app)
    first_paragraph = program.commands[noun].help.partition("\n\n")[0]
    assert " ".join(first_paragraph.split()) == NOUNS[noun][1]


def test_a_command_that_migrates_loads_what_migrates(tmp_path: Path) -> None:
    assert "alembic" in loaded_by(tmp_path, "database", "migrate")

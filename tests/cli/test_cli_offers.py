"""`countersign offers`: a file in, a look, a publication, a file out."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.service import offers
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.settings import Settings

FILE = "code,kind,name_zh,monthly_fee,data_gb\nflow-59,tariff,畅享,59.00,20\nvoice-19,tariff,语音,19,\n"


@pytest.fixture
def home(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", sqlite_url)
    return tmp_path


def run(*words: str) -> str:
    done = CliRunner().invoke(program, ["offers", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_file_is_proposed_looked_at_and_comes_out_again(home: Path) -> None:
    file = home / "offers.csv"
    file.write_text(FILE)
    assert "There is no offer yet." in run("list")
    assert "Would propose 2" in run("import", str(file), "--dry-run")
    assert "There is no offer yet." in run("list")
    assert "Proposed 2, unchanged 0." in run("import", str(file))
    assert "Proposed 0, unchanged 2." in run("import", str(file))
    assert "open" in run("list", "畅享") and "voice-19" not in run("list", "畅享")
    assert "monthly_fee: 59.00" in run("show", "flow-59")
    for name in ("out.csv", "out.xlsx"):
        run("export", str(home / name))
        assert "Proposed 0, unchanged 2." in run("import", str(home / name))


def test_the_operator_publishes_what_somebody_else_proposed_and_not_their_own(home: Path) -> None:
    (home / "offers.csv").write_text(FILE)
    run("import", str(home / "offers.csv"))
    refused = CliRunner().invoke(program, ["offers", "publish", "flow-59", "1"])
    assert refused.exit_code != 0
    opened = Countersign.open(Settings())
    try:
        assert offers.show(opened, OPERATOR, "flow-59").shown.state == "open"
    finally:
        opened.close()


def test_a_wrong_row_is_named_by_line_and_column(home: Path) -> None:
    (home / "offers.csv").write_text(FILE + "a b,tariff,X,-1,\n")
    refused = CliRunner().invoke(program, ["offers", "import", str(home / "offers.csv")])
    assert refused.exit_code != 0
    assert "There is no offer yet." in run("list")

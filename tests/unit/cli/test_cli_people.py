"""`countersign people import`: a file of offices and people becomes accounts that can sign in."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.cli.people import read
from engine.errors import InvalidFile
from engine.service import people
from engine.service.app import Countersign
from engine.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "staff.yaml"


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> str:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    done = CliRunner().invoke(program, ["people", "import", str(file)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_newcomer_signs_in_with_the_password_that_was_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    output = run(tmp_path, monkeypatch, EXAMPLE)
    shown = re.search(r"wangmin\W+王敏[^\w-]+([\w-]+)", output)
    assert shown, output
    app = Countersign.open(Settings(home=tmp_path))
    try:
        signed_in = people.sign_in(app, "wangmin", shown[1], address="127.0.0.1")
        assert people.viewer_of(app, signed_in.token).has("submitter")
    finally:
        app.close()


def test_the_same_file_again_adds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run(tmp_path, monkeypatch, EXAMPLE)
    assert "0 new people; 12 were there" in run(tmp_path, monkeypatch, EXAMPLE)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("offices: [{code: '1', zh: a, level: village}]", "county"),
        ("offices: [{code: '1', zh: a, level: county, parent: '9'}]", "which is no office"),
        ("people: [{id: li, name: Li, email: l@x, roles: [head@7]}]", "which is no office"),
        ("people: [{id: li, name: Li, email: l@x, roles: [head]}]", "ROLE@OFFICE"),
        ("people: [{id: Li Ming, name: Li, email: l@x, roles: [head@1]}]", "people.0.id"),
        ("people: [", "staff.yaml:1:"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, words: str):
    file = tmp_path / "staff.yaml"
    file.write_text(text)
    with pytest.raises(InvalidFile) as refused:
        read(file)
    assert words in str(refused.value)

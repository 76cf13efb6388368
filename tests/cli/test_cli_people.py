"""`countersign people import`: a file of offices and people becomes accounts that can sign in."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.cli.people import read
from engine.errors import InvalidFile
from engine.service import passwords, people, signing_in
from engine.service.app import Countersign
from engine.service.sessions import Browser
from engine.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "staff.yaml"


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path) -> str:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    done = CliRunner().invoke(program, ["people", "import", str(file)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_newcomer_signs_in_with_the_password_that_was_shown_and_is_asked_for_one_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    output = run(tmp_path, monkeypatch, EXAMPLE)
    shown = re.search(r"wangmin\W+王敏[^\w-]+([\w-]+)", output)
    assert shown, output
    app = Countersign.open(Settings(home=tmp_path))
    try:
        signed_in = people.sign_in(app, "wangmin", shown[1], address="127.0.0.1")
        assert signed_in.stage == "password"
        own, here = "夜雨十年灯 jiang hu", Browser()
        done = signing_in.choose_password(app, signed_in.token, new=own, again=own, browser=here)
        assert people.viewer_of(app, done.token).has("submitter")
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
        (
            "people:\n  - {id: Li Ming, name: Li, email: l@x, roles: [head@1]}",
            "staff.yaml:2:10: E112 this has the wrong form, not Li Ming (1 to 40 small letters, digits or . _ -, ",
        ),
        ("people: [", "staff.yaml:1:"),
        (
            "people:\n  - {id: li, nam: Li, email: l@x, roles: [head@1]}",
            "staff.yaml:2:14: E111 unknown key nam (did you",
        ),
        ("people: [{id: li, name: Li, email: l@x, roles: head@1}]", "staff.yaml:1:48: E112 a list is expected"),
        ("offices: &a [{code: '1', zh: a, level: county}]", "staff.yaml:1:10: E103"),
        ("", "staff.yaml:1:1: E108 the file is empty (it has offices: and people:)"),
        ("- Li", "staff.yaml:1:1: E112 keys with values are expected (known: offices, people)"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(tmp_path: Path, text: str, words: str):
    file = tmp_path / "staff.yaml"
    file.write_text(text)
    with pytest.raises(InvalidFile) as refused:
        read(file)
    assert words in str(refused.value)


def test_a_file_that_is_no_text_or_has_no_end_is_refused(tmp_path: Path):
    for content, words in (
        (b"people: \xb5\xa4", ":1:1: E100 this is not UTF-8"),
        (b"#" * 9_000_000, "E106 the file is too"),
    ):
        (tmp_path / "staff.yaml").write_bytes(content)
        with pytest.raises(InvalidFile) as refused:
            read(tmp_path / "staff.yaml")
        assert words in str(refused.value)
    with pytest.raises(InvalidFile) as refused:
        read(tmp_path)
    assert "cannot be read: Is a directory" in str(refused.value)


def test_a_file_of_a_whole_province_is_read(tmp_path: Path):
    rows = "".join(f"  - {{id: p{n}, name: Li, email: p{n}@example.org, roles: [head@1]}}\n" for n in range(4000))
    (tmp_path / "staff.yaml").write_text('offices: [{code: "1", zh: a, level: county}]\npeople:\n' + rows)
    assert len(read(tmp_path / "staff.yaml").people) == 4000


def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    done = CliRunner().invoke(program, ["people", *words])
    return done.exit_code, " ".join((done.output + str(done.exception or "")).split())


def test_the_first_administrator_is_made_once_on_an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code, said = invoke(tmp_path, monkeypatch, "first-administrator", "Boss!")
    assert code != 0 and "small letters" in said
    code, said = invoke(tmp_path, monkeypatch, "first-administrator", "boss", "--name", "赵总")
    assert code == 0, said
    given = re.search(r"shown this once: (\S+)", said)
    assert given
    app = Countersign.open(Settings(home=tmp_path))
    try:
        assert people.sign_in(app, "boss", given[1], address="127.0.0.1").stage == "password"
        assert people.viewer_named(app, "boss").has("administrator")
    finally:
        app.close()
    code, said = invoke(tmp_path, monkeypatch, "first-administrator", "second")
    assert code != 0 and "There is an administrator already: boss" in said


def test_a_reset_link_is_printed_for_who_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    invoke(tmp_path, monkeypatch, "first-administrator", "boss")
    code, said = invoke(tmp_path, monkeypatch, "password", "boss")
    assert code == 0, said
    link = re.search(r"http://127.0.0.1:8000/reset/(\S+)", said)
    assert link
    app = Countersign.open(Settings(home=tmp_path))
    try:
        assert passwords.reset_for(app, link[1]).person == "boss"
    finally:
        app.close()
    assert "there was none" in invoke(tmp_path, monkeypatch, "forget-second-factor", "boss")[1]
    code, said = invoke(tmp_path, monkeypatch, "password", "nobody")
    assert code != 0 and "nobody has the open account nobody" in said

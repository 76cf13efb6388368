"""The author's tools with what a newcomer gets wrong: a sentence that says what to do, an exit code, never a trace."""

import gzip
import sys
from pathlib import Path

import pytest

from engine.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs/tutorial"
EXAMPLES = ROOT / "definitions/examples"
LOG = "case,activity,role,timestamp\n1,Request Payment,UNDEFINED,2026-01-05T09:00:00\n"
WRONG_MAP = """\
columns: {event: 5, case: case}
evnts: {}
events: {A: {event: aprove, role: boss}, B: {event: reject}}
"""
BOMB = "a: &a [x, x]\n" + "".join(
    f"{one}: &{one} [*{before}, *{before}]\n" for before, one in zip("abcd", "bcde", strict=True)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of every wrong sort, beside the right ones."""
    made = tmp_path_factory.mktemp("mistakes")
    for file in (*TUTORIAL.glob("*.yaml"), *EXAMPLES.glob("payment-approval*.yaml")):
        (made / file.name).write_bytes(file.read_bytes())
    (made / "folder").mkdir()
    (made / "binary.yaml").write_bytes(b"name: x\n\xff\xfe\x00")
    (made / "gbk.yaml").write_bytes("# 传单营销案\n".encode("gbk"))
    (made / "large.yaml").write_bytes(b"a: b\n" * 1_000_000)
    (made / "bomb.yaml").write_text(BOMB)
    (made / "deep.yaml").write_text("[" * 5_000)
    (made / "empty.yaml").write_text("")
    (made / "tab.yaml").write_text("apiVersion: countersign/v1\n\tkind: CaseDefinition\n")
    (made / "itself.yaml").write_text(
        "apiVersion: countersign/v1\nkind: CaseDefinition\nname: itself\nversion: 1\nextends: itself\n"
    )
    (made / "log.csv").write_text(LOG)
    (made / "empty.csv").write_text("")
    packed = gzip.compress((LOG * 2_000).encode())
    (made / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
    (made / "wrong.yaml").write_text(WRONG_MAP)
    (made / "semicolons.csv").write_text(LOG.replace(",", ";"))
    (made / "blank.csv").write_text(LOG.replace("\n1,", "\n  ,"))
    (made / "strange.csv").write_text(LOG + "1,Dance,UNDEFINED,2026\n2,Sing,UNDEFINED,2026\n3,Dance,UNDEFINED,2026\n")
    return made


@pytest.fixture
def told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Gives the arguments to the program as a shell would, in that folder; the exit code and all that was printed."""

    def run_it(arguments: str) -> tuple[int, str]:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path / "var"))
        monkeypatch.setattr(sys, "argv", ["countersign", *arguments.split()])
        with pytest.raises(SystemExit) as end:
            run()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return int(end.value.code or 0), printed.out + printed.err

    return run_it


@pytest.mark.parametrize(
    "command", ["check", "test", "prove", "diagram", "simulate", "diff 1-form.yaml", "publish --as x"]
)
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("missing.yaml", "E100 missing.yaml cannot be read: No such file or directory (name a YAML file)"),
        ("folder", "E100 folder cannot be read: Is a directory (name a YAML file)"),
        ("binary.yaml", "binary.yaml:2:1: E100 this is not UTF-8 text (save the file as UTF-8)"),
        ("gbk.yaml", "gbk.yaml:1:1: E100 this is not UTF-8 text (save the file as UTF-8)"),
        ("large.yaml", "large.yaml:1:1: E106 the file is too large (256 KB at most)"),
        ("bomb.yaml", "bomb.yaml:2:8: E104 the alias *a is not allowed (write the value out)"),
        ("deep.yaml", "deep.yaml:1:22: E107 too deep (20 levels at most)"),
        ("empty.yaml", "empty.yaml:1:1: E108 the file is empty (start with apiVersion: countersign/v1)"),
        ("tab.yaml", "(indent with spaces, not tabs)"),
        ("staff.yaml", "staff.yaml:1:1: E111 unknown key offices"),
        ("itself.yaml", "E120"),
    ],
)
def test_a_file_that_is_no_definition(told, command: str, file: str, words: str):
    code, printed = told(f"definitions {command} {file}")
    assert code == 1
    assert words in printed, printed


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no file without an end here")
def test_a_file_without_an_end_is_not_read_to_it(told):
    assert "E106 the file is too large" in told("definitions check /dev/zero")[1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "given budget: this is needed (add --given budget=VALUE)\ngiven reach: this is needed"),
        ("budgt=1 reach=1", "given budgt: there is no field budgt (did you mean budget?)"),
        ("budget=much reach=1", "given budget: not a number: much"),
        ("budget=1,000 reach=1", "given budget: not a number: 1,000"),
        ("budget=-1 reach=1.5", "given budget: at least 0\ngiven reach: not a whole number: 1.5"),
        ("budget=1 reach=1 window=2026-01-01", "given window: both days are needed"),
        ("budget reach=1", "given 'budget' is not K=V (write --given budget=80000)"),
        ("budget=1 budget=2 reach=1", "given budget is given twice"),
        ("budget=1 reach=1 --office 9", "`countersign database migrate` makes it"),
        ("budget=1 reach=1 --at 9999-12-31", "at deadlines cannot be counted from 9999-12-31 (name a day of the years"),
    ],
)
def test_a_proposal_that_cannot_be_simulated(told, given: str, words: str):
    code, printed = told(f"definitions simulate 5-version-2.yaml {given}")
    assert code == 1
    assert words in printed, printed


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("simulate 5-version-2.yaml budget=1 reach=1 --at yesterday", 2, "--at"),
        ("simulate payment-approval.yaml", 1, "there is no route to simulate"),
        ("test 1-form.yaml", 1, "E902 there are no scenarios (write them under tests:)"),
        ("prove 1-form.yaml", 0, "1-form.yaml: there are no guarantees (write them under guarantees:)"),
        ("diagram 1-form.yaml --format png", 2, "'png' is not one of"),
        ("diagram 1-form.yaml --chain to_town", 1, "leaflet has no chain to_town (there are to_city)"),
        ("diagram 1-form.yaml --output folder", 1, "folder cannot be written: Is a directory"),
        ("publish 1-form.yaml", 1, "say who acts: --author PERSON saves a draft"),
        ("publish 1-form.yaml --as gaolin", 1, "`countersign database migrate` makes it"),
        ("list", 1, "`countersign database migrate` makes it"),
        ("migrate leaflet --to two --as gaolin", 2, "--to"),
        ("migrate leaflet --to 2 --as gaolin --dry-run", 1, "`countersign database migrate` makes it"),
        ("replay payment-approval.yaml log.csv --map missing.yaml", 1, "E100 missing.yaml cannot be read"),
        ("replay payment-approval.yaml log.csv --map folder", 1, "E100 folder cannot be read"),
        ("replay payment-approval.yaml log.csv --map payment-approval.yaml", 1, "R103 columns is missing"),
        ("replay payment-approval.yaml log.csv --map bomb.yaml", 1, "bomb.yaml:2:8: E104"),
        ("replay payment-approval.yaml missing.csv --map payment-approval.map.yaml", 1, "R117 the log cannot be read"),
        ("replay payment-approval.yaml empty.csv --map payment-approval.map.yaml", 1, "R111 the log is empty"),
        ("replay payment-approval.yaml binary.yaml --map payment-approval.map.yaml", 1, "R113 this is not UTF-8 text"),
        (
            "replay payment-approval.yaml staff.yaml --map payment-approval.map.yaml",
            1,
            "R116 there is no column 'case'",
        ),
        ("replay payment-approval.yaml semicolons.csv --map payment-approval.map.yaml", 1, "R114 the columns are sep"),
        (
            "replay payment-approval.yaml blank.csv --map payment-approval.map.yaml",
            1,
            "blank.csv:2:1: R115 the row names",
        ),
        ("replay payment-approval.yaml log.csv --map empty.yaml", 1, "E108 the file is empty (it has columns, events"),
        (
            "replay payment-approval.yaml cut.csv.gz --map payment-approval.map.yaml",
            1,
            "R112 the packed file breaks off",
        ),
        (
            "replay payment-approval.yaml log.csv --map payment-approval.map.yaml --verdicts folder",
            1,
            "R118 folder cannot be written: Is a directory",
        ),
        ("replay payment-approval.yaml log.csv --map wrong.yaml", 1, "wrong.yaml:1:18: R101 event is a text"),
        ("replay payment-approval.yaml log.csv --map wrong.yaml", 1, "wrong.yaml:2:1: R102 unknown key evnts"),
        (
            "replay payment-approval.yaml log.csv --map wrong.yaml",
            1,
            "wrong.yaml:3:21: R104 the definition has no event aprove",
        ),
        (
            "replay payment-approval.yaml log.csv --map wrong.yaml",
            1,
            "wrong.yaml:3:35: R105 the definition has no role boss",
        ),
        ("replay payment-approval.yaml log.csv --map wrong.yaml", 1, "R106 nobody is said to do reject"),
        ("replay 1-form.yaml log.csv --map payment-approval.map.yaml", 1, "R100 leaflet has no lifecycle of its own"),
    ],
)
def test_arguments_that_cannot_be(told, arguments: str, code: int, words: str):
    found, printed = told(f"definitions {arguments}")
    assert found == code, printed
    assert words in printed, printed


@pytest.mark.parametrize("durably", ["", " --durable"])
def test_every_event_of_a_log_that_the_map_lacks_is_told_once(told, durably: str):
    code, printed = told(
        f"definitions replay payment-approval.yaml strange.csv --map payment-approval.map.yaml{durably}"
    )
    assert code == 1
    lines = [line for line in printed.splitlines() if "R110" in line]
    assert [line.split(" (")[0] for line in lines] == [
        "strange.csv:3:1: R110 the map has no event 'Dance'",
        "strange.csv:4:1: R110 the map has no event 'Sing'",
    ]


def test_what_two_people_cannot_publish_or_move(told):
    assert told("people import staff.yaml")[0] == 0
    for arguments, code, words in (
        ("publish 4-guarantees.yaml --as nobody", 1, "there is no active person 'nobody' (add them with"),
        ("publish 4-guarantees.yaml --author hejun", 1, "hejun may not write definitions (give them the role"),
        (
            "publish 4-guarantees.yaml --as gaolin",
            1,
            "nobody saved leaflet version 1 as a draft (save it with --author",
        ),
        ("publish 4-guarantees.yaml --author shiyu --as shiyu", 1, "another person with role definition_author"),
        ("publish 3-scenarios.yaml --as gaolin", 1, "shiyu saved another text under that version"),
        ("publish 4-guarantees.yaml --as gaolin", 0, "leaflet version 1 is published by gaolin; its author is shiyu"),
        ("publish 4-guarantees.yaml --as shiyu", 0, "is published already (by gaolin), nothing changed"),
        ("publish 3-scenarios.yaml --author shiyu", 1, "write `version: 2` in its text"),
        ("migrate leaflet --to 9 --as gaolin --dry-run", 1, "leaflet version 9 is not published"),
        ("migrate leaflt --to 1 --as gaolin --dry-run", 1, "leaflt version 1 is not published"),
        ("migrate leaflet --to 1 --as gaolin --dry-run --only 5101-2026-0001", 1, "no running case 5101-2026-0001"),
        ("migrate leaflet --to 1 --as hejun --dry-run", 1, "hejun may not write definitions"),
        ("migrate leaflet --to 1 --as gaolin --dry-run", 0, "0 can move, 0 stay"),
    ):
        found, printed = told(f"definitions {arguments}")
        assert (found, words in printed) == (code, True), f"{arguments}\n{printed}"

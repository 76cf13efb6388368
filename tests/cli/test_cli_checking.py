"""`countersign definitions check` as a person at a shell sees it."""

import subprocess
import sys
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]
TEN = ROOT / "tests/unit/definition/ten_mistakes.yaml"


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from engine.cli.definitions import app; app()", "check", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_ten_mistakes_are_ten_lines_and_exit_code_1() -> None:
    done = check(str(TEN))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) == 10
    assert lines[0] == f"{TEN}:9:69: E111 unknown key maximum (did you mean max?)"
    assert done.stderr.strip() == "1 checked: 10 errors, 0 warnings"


def test_json_has_one_object_per_problem() -> None:
    done = check(str(TEN), "--json")
    assert done.returncode == 1
    problems = orjson.loads(done.stdout)
    assert [problem["code"] for problem in problems][:2] == ["E111", "E203"]
    assert all(problem["file"] == str(TEN) and problem["line"] > 0 for problem in problems)


def test_the_shipped_definitions_pass() -> None:
    done = check("definitions/telecom-marketing-case.yaml", "definitions/hillstrom-email-case.yaml")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_file_that_cannot_be_read_does_not_hide_what_is_wrong_with_the_others(tmp_path: Path) -> None:
    binary, large = tmp_path / "binary.yaml", tmp_path / "large.yaml"
    binary.write_bytes(b"name: x\n\xff\xfe\x00")
    large.write_bytes(b"a: b\n" * 1_000_000)
    done = check(str(tmp_path / "none.yaml"), str(binary), str(large), str(tmp_path), str(TEN))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == f"E100 {tmp_path / 'none.yaml'} cannot be read: No such file or directory (name a YAML file)"
    assert lines[1] == f"{binary}:2:1: E100 this is not UTF-8 text (save the file as UTF-8)"
    assert lines[2] == f"{large}:1:1: E106 the file is too large (256 KB at most)"
    assert lines[3].startswith(f"E100 {tmp_path} cannot be read: ")
    assert len(lines) == 14

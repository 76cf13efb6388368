"""`deploy/dev/customers.py` in the hands of somebody who has not made the database yet."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT


def made(folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """The program, for a hundred customers."""
    program = [
        sys.executable,
        str(ROOT / "deploy/dev/customers.py"),
        "--customers",
        "100",
        "--data",
        str(folder / "data"),
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    return subprocess.run(program, env=environment | settings, cwd=ROOT, capture_output=True, text=True, check=False)


def test_without_tables_it_says_what_to_do_and_makes_nothing(tmp_path: Path) -> None:
    done = made(tmp_path, COUNTERSIGN_HOME=str(tmp_path / "home"))
    assert done.returncode == 1
    assert "countersign database migrate" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists() and not (tmp_path / "home").exists()


def test_a_server_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    done = made(tmp_path, COUNTERSIGN_DATABASE_URL="postgresql://u:secret@127.0.0.1:1/x")
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "Traceback" not in done.stderr and "secret" not in done.stderr

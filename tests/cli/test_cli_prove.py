"""`countersign definitions prove` as an author uses it."""

from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from engine.cli.main import app as program

SHIPPED = Path(__file__).resolve().parents[2] / "definitions" / "telecom-marketing-case.yaml"


def prove(file: Path) -> Result:
    return CliRunner().invoke(program, ["definitions", "prove", str(file)], catch_exceptions=False)


def test_every_guarantee_of_a_shipped_definition_is_answered():
    done = prove(SHIPPED)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert len(lines) >= 5
    assert all(": proved, over " in line for line in lines), done.output


def test_a_false_one_is_refuted_with_a_case_that_breaks_it(tmp_path: Path):
    file = tmp_path / "case.yaml"
    text = SHIPPED.read_text(encoding="utf-8")
    file.write_text(text.replace("guarantees:\n", "guarantees:\n  - {never: filed}\n"), encoding="utf-8")
    done = prove(file)
    assert done.exit_code == 1
    (refuted,) = [line for line in done.output.splitlines() if "REFUTED" in line]
    assert "never filed" in refuted
    assert "submit" in refuted

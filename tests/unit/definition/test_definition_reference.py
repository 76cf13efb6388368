"""docs/reference.md is whole; docs/filing.md holds definitions that do what it says."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.definition.check import check
from engine.definition.schema import schema

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/reference.md"
FILING = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/filing.md").read_text("utf-8"), re.DOTALL)


def test_the_command_writes_the_page(tmp_path: Path):
    done = CliRunner().invoke(app, ["definitions", "reference", "--output", str(tmp_path / "page.md")])
    assert done.exit_code == 0
    assert (tmp_path / "page.md").read_text("utf-8") == PAGE.read_text("utf-8")


def test_every_part_has_a_place_and_every_link_leads_to_one():
    text = PAGE.read_text("utf-8")
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert len(titles) == len(set(titles)) == len(schema()["$defs"]) + 2  # the whole, and the codes
    anchors = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) - anchors == set()


def test_every_key_says_what_it_means_unless_it_names_the_kind_of_its_part():
    silent = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| \**`.*\|  \|$", line)]
    assert [line for line in silent if not re.match(r"\| \**`(type|kind|mode|zh|en)`", line)] == []


def test_every_code_of_the_language_stands_in_it():
    code = re.compile(r'"([EW][0-9]{3})"')
    told = {
        found
        for folder in ("definition", "expr", "cli/definitions")
        for file in (ROOT / "engine" / folder).rglob("*.py")
        for found in code.findall(file.read_text("utf-8"))
    }
    assert len(told) > 90
    assert told - set(re.findall(r"^\| ([EW][0-9]{3}) \|", PAGE.read_text("utf-8"), re.MULTILINE)) == {"E300"}


@pytest.mark.parametrize("text", FILING, ids=["filing alone", "approval first"])
def test_the_definitions_of_the_filing_page_do_what_their_scenarios_say(text: str, tmp_path: Path):
    assert check(text).problems == ()
    file = tmp_path / "filing.yaml"
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["definitions", "test", str(file)])
    assert done.exit_code == 0, done.output
    assert text.count("- {name: ") >= 4

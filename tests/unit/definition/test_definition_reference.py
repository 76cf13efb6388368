"""docs/reference.md is whole, in Chinese too; docs/filing.md holds definitions that do what it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.definition.check import check
from engine.definition.descriptions import catalogue
from engine.definition.hints import HINTS, MESSAGES
from engine.definition.schema import schema

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/reference.md"
CHINESE = ROOT / "docs/reference.zh.md"
FILING = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/filing.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize(("language", "page"), [([], PAGE), (["--language", "zh"], CHINESE)], ids=["en", "zh"])
def test_the_command_writes_the_page(tmp_path: Path, language: list[str], page: Path):
    done = CliRunner().invoke(app, ["definitions", "reference", *language, "--output", str(tmp_path / "page.md")])
    assert done.exit_code == 0
    assert (tmp_path / "page.md").read_text("utf-8") == page.read_text("utf-8")


def descriptions(part: object) -> Iterator[str]:
    """Every description of a schema."""
    if isinstance(part, dict):
        if isinstance(part.get("description"), str):
            yield part["description"]
        for inner in part.values():
            yield from descriptions(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from descriptions(inner)


def messages() -> Iterator[str]:
    """What the page says of every code."""
    for row in re.findall(r"^\| [EW][0-9]{3} \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE):
        yield from row.replace("\\|", "|").split("; or: ")


def test_everything_that_is_said_of_the_language_has_its_chinese():
    """Write what this names into engine/definition/descriptions.zh.po."""
    said = {*descriptions(schema()), *messages()}
    assert len(said) > 400
    assert sorted(said - catalogue().keys()) == []
    assert [one for one in said if not re.search("[一-鿿]", catalogue()[one]) and re.search("[a-z]{3} ", one)] == []


def test_the_catalogue_has_nothing_that_is_not_said():
    folder = ROOT / "engine/definition"
    own = "".join((folder / name).read_text("utf-8") for name in ("reference.py", "schema.py", "shape.py"))
    left = set(catalogue()) - {*descriptions(schema()), *messages(), *MESSAGES, *HINTS}
    assert [one for one in left if one not in own] == []


def test_editors_are_told_in_chinese_what_they_are_told_in_english():
    done = CliRunner().invoke(app, ["definitions", "schema", "--language", "zh"])
    told = json.loads(done.stdout)
    assert told["else"]["properties"]["proposal"]["description"] == "表单"
    plain = [one for one in descriptions(told) if not re.search("[一-鿿]", one)]
    assert plain == []

    def bare(part: object) -> object:
        if isinstance(part, dict):
            return {key: bare(inner) for key, inner in part.items() if key not in ("description", "title")}
        return [bare(inner) for inner in part] if isinstance(part, list) else part

    assert bare(told) == bare(schema())


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

"""docs/tutorial.md can be followed by its text alone: every file, change and command of it, in an empty folder."""

from pathlib import Path

import pytest

from engine.definition.check import check
from tests.tutorial import ROOT, SERVES, TEXT, blocks, edit, run, shows

STEPS = sorted((ROOT / "docs/tutorial").glob("[0-9]-*.yaml"))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.stem)
def test_the_file_after_each_step_has_no_problem(step: Path):
    assert check(step.read_text("utf-8")).problems == ()


@pytest.mark.timeout(900)  # every command of the tutorial, each a process of its own
def test_following_the_text_prints_what_it_shows_and_makes_the_files(tmp_path: Path):
    commands, made, printed = [], set(), ""
    for block in blocks():
        match block.language:
            case "yaml" | "diff":
                made.add(edit(tmp_path, block).read_text("utf-8"))
            case "sh":
                lines = [line for line in block.text.splitlines() if line != SERVES]
                printed = "".join(run(tmp_path, line) for line in lines)
                commands += lines
            case "text":
                assert shows(block.text, printed), f"{block.text}\n--- but this was printed:\n{printed}"
    words = {line.split()[2] for line in commands if line.startswith("countersign definitions ")}
    assert words == {"check", "simulate", "diagram", "test", "prove", "publish", "diff", "list"}
    assert (tmp_path / "leaflet.svg").read_text("utf-8").startswith("<svg")
    kept = {file.name: file.read_text("utf-8") for file in [*STEPS, ROOT / "docs/tutorial/staff.yaml"]}
    assert [name for name, text in kept.items() if text not in made] == []


def test_every_block_is_followed_and_nothing_is_shown_that_no_command_printed():
    kinds = [block.language for block in blocks()]
    assert set(kinds) == {"yaml", "diff", "sh", "text"}
    assert TEXT.count("```") == 2 * (len(kinds) + 1)  # and the one that makes the environment
    assert all(kinds[n - 1] == "sh" for n, kind in enumerate(kinds) if kind == "text")


def test_a_wildcard_hides_no_wrong_line():
    assert shows("a\n…\nd", "a\nb\nc\nd\n")
    assert not shows("a\n…\nd", "a\nb\nc\n")
    assert not shows("a: …", "b: 1")

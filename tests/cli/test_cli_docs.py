"""Every command that the README and the docs show exists, with every option they give it."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from engine.cli.evaluation import FileOrVerb
from engine.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAM: Any = typer.main.get_command(app)


def shown(page: Path) -> list[str]:
    """What stands behind `countersign` in code, on a line of its own or within a sentence."""
    text = page.read_text("utf-8")
    lines = re.findall(r"^(?: {4}| {8})?(?:\.venv/bin/)?countersign ([a-z][^\n`#|]*)", text, re.MULTILINE)
    return [line.strip(" \\") for line in lines + re.findall(r"`countersign ([a-z][^`#]*)`", text)]


def wrong(line: str) -> str:
    """What does not exist of it; empty where all does."""
    words = shlex.split(re.sub(r"[…\[\]]|\.\.\.", " ", line.replace("|", " ")))
    command = PROGRAM
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    if isinstance(command, FileOrVerb) and words:
        command = command.commands["file"]
    if hasattr(command, "commands") and words:
        return f"no command {words[0]}"
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help"}
    return ", ".join(word for word in words if word.startswith("--") and word.split("=")[0] not in known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists(page: Path):
    assert {line: said for line in shown(page) if (said := wrong(line))} == {}


def test_many_are_shown():
    assert sum(len(shown(page)) for page in PAGES) > 50
    assert wrong("definitions chekc FILE") == "no command chekc"
    assert wrong("definitions check FILE --jsn") == "--jsn"

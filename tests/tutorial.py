"""docs/tutorial.md as somebody without any other knowledge follows it: its files, its changes, its commands."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
PREPARED = "## 1. "
SERVES = "countersign up"
FAILS = "exit code 1"


@dataclass(frozen=True)
class Block:
    """A fenced block; `order` is the bold line above it that says what to do with it."""

    language: str
    text: str
    order: str


def blocks(text: str = TEXT) -> Iterator[Block]:
    """The blocks after the environment was made, in the order of the page."""
    order = ""
    for part in re.finditer(
        r"^\*\*(?P<order>[^\n]*)\*\*$|^```(?P<language>\w+)\n(?P<text>.*?)^```$",
        text[text.index(PREPARED) :],
        re.MULTILINE | re.DOTALL,
    ):
        if part["order"] is not None:
            order = part["order"]
        else:
            yield Block(part["language"], part["text"], order)


def edit(folder: Path, block: Block) -> Path:
    """Do to the file what the bold line says."""
    verb, name = re.fullmatch(r".* · (write|replace|append|change) .*?`([\w.-]+)`", block.order).groups()  # type: ignore[union-attr]  # a line without an order fails the test as it should
    file = folder / name
    if verb == "write":
        text = block.text
    elif verb == "append":
        text = file.read_text("utf-8") + block.text
    elif verb == "replace":
        text = file.read_text("utf-8")
        text = text[: text.index("\napproval:") + 1] + block.text
    else:
        text = file.read_text("utf-8")
        lines = block.text.splitlines()
        assert len(lines) % 2 == 0
        for old, new in zip(lines[::2], lines[1::2], strict=True):
            assert (old[0], new[0]) == ("-", "+")
            assert text.count(old[1:] + "\n") == 1, old
            text = text.replace(old[1:] + "\n", new[1:] + "\n")
    file.write_text(text, encoding="utf-8")
    return file


def run(folder: Path, line: str) -> str:
    """What one command prints; it ends as the page says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    done = subprocess.run(
        line,
        shell=True,
        cwd=folder,
        env=kept | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == (1 if FAILS in line else 0), f"{line}\n{done.stdout}"
    return done.stdout


def shows(shown: str, printed: str) -> bool:
    """Whether a page's block shows what was printed; `…` stands for anything, spaces at the end do not count."""
    plain = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    pattern = re.escape(shown.strip()).replace("…", ".*")
    return re.fullmatch(pattern, plain, re.DOTALL) is not None

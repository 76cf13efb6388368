"""Error seeding: good definitions broken in one place at a time, in the ways that people break them.

Every mutation is made by a rule from the text of the shipped and example definitions, so that nobody picks the easy
ones. The figures are printed and asserted.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.definition.check import check

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "definitions").glob("*.yaml"), *(ROOT / "definitions/examples").glob("*.yaml")])

Lines = list[str]


class Mutation(NamedTuple):
    """One broken text and the line (from 1) that was broken."""

    kind: str
    file: str
    line: int
    text: str
    what: str


def _swapped(word: str) -> str:
    """The word with two letters near its middle in the wrong order."""
    middle = len(word) // 2
    for at in (*range(middle, len(word) - 1), *range(middle)):
        if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word + "x"


def _at(pattern: str, change: Callable[[re.Match[str]], str]) -> Callable[[str], Iterator[str]]:
    """For each match in a line, the line with that match changed."""

    def lines(line: str) -> Iterator[str]:
        for match in re.finditer(pattern, line):
            yield line[: match.start()] + change(match) + line[match.end() :]

    return lines


def _after(*keys: str, value: str = "[a-z_]+") -> str:
    """A pattern for the value of one of the keys."""
    return "|".join(f"(?<={key}: ){value}" for key in keys)


CLOSED = (
    *("visibility", "channel", "catalogue", "self", "repeat", "resume", "link", "need", "freeze", "type", "mode"),
    *("join", "on_reject"),
)
PER_LINE: dict[str, Callable[[str], Iterator[str]]] = {
    "misspelt key": _at(
        r"(?<=[ {])(?!zh|en\b)[a-z_]{3,}(?=: )|^[a-z_A-Z]{3,}(?=:)|(?<=  )[a-z_]{3,}(?=:$)", lambda m: _swapped(m[0])
    ),
    "misspelt field": _at(r"(?<=\bform\.)[a-z_]{3,}", lambda m: _swapped(m[0])),
    "misspelt param": _at(r"(?<=\bparams\.)[a-z_]{3,}", lambda m: _swapped(m[0])),
    "misspelt customer field": _at(r"(?<=\bc\.)[a-z_]{3,}", lambda m: _swapped(m[0])),
    "misspelt metric": _at(r"(?<=\bm\.)[a-z_]{3,}|(?<=metric: )[a-z_]+", lambda m: _swapped(m[0])),
    "misspelt chain or block": _at(_after("use", "else", "include", "then"), lambda m: _swapped(m[0])),
    "misspelt step to drop": _at(r"(?<=drop: \[)[a-z_]+", lambda m: _swapped(m[0])),
    "misspelt level": _at(r"(?<=@)(city|county|province)(?=[\")])", lambda m: _swapped(m[0])),
    "misspelt way to find people": _at(r"\"(role|head|members)(?=[:@(])", lambda m: '"' + _swapped(m[1])),
    "misspelt kind": _at(_after(*CLOSED), lambda m: _swapped(m[0])),
    "misspelt material": _at(r"(?<=material: \[)[a-z_]+", lambda m: _swapped(m[0])),
    "misspelt exclusion or metric of a list": _at(r"(?<=^    - )[a-z]+$", lambda m: _swapped(m[0])),
    "wrong unit": _at(r"(?<=[ \[])([0-9]+)(wd|d|h)(?=[,\]}]|$)", lambda m: f"{m[1]}{'wk' if m[2] == 'wd' else 'days'}"),
    "no unit": _at(r"(?<=ack: )[0-9]+wd|(?<=wait: )[0-9]+h|(?<=window: )[0-9]+wd", lambda m: m[0].rstrip("wdh")),
    "no time at all": _at(r"(?<=[ \[])[1-9][0-9]*(wd|h)(?=[,\]}]|$)", lambda m: f"0{m[1]}"),
    "share over all": _at(r"(?<=share: )[0-9]+%", lambda m: "140%"),
    "share without sign": _at(r"(?<=share: )([0-9]+)%", lambda m: m[1]),
    "hours that are none": _at(r"\"09:00-20:00\"", lambda m: '"09:00-25:00"'),
    "hours without quotes and end": _at(r"\"09:00-20:00\"", lambda m: "09:00"),
    "wrong rate": _at(r"(?<=rate: )([0-9]+)/min", lambda m: f"{m[1]}/minutes"),
    "truth that is none": _at(r"(?<=required: )true|(?<=notify: )true", lambda m: "yes"),
    "text for a number": _at(r"(?<=version: )[0-9]+|(?<=scale: )[0-9]+|(?<=max: )[0-9]+(?=$|})", lambda m: "many"),
    "amount with a comma": _at(r"\"([0-9]{2,3})([0-9]{3})\.00\"", lambda m: f'"{m[1]},{m[2]}.00"'),
    "amount without quotes": _at(r"\"([0-9]{4,})\.00\"", lambda m: f"{m[1]}.00"),
    "number compared with a text": _at(
        r"(?<=[<>] )params\.[a-z_]+|(?<=[<>]= )params\.[a-z_]+|(?<=> )[0-9]{4,}",
        lambda m: "'much'",
    ),
    "condition that is none": _at(r"(?<=when: \")(form\.[a-z]+) [^\"]*", lambda m: m[1]),
    "one equals sign": _at(r"==", lambda m: "="),
    "half an and": _at(r" && ", lambda m: " & "),
    "bracket left open": _at(r"duration\('([0-9a-z]+)'\)", lambda m: f"duration('{m[1]}'"),
    "wrong span in a rule": _at(r"duration\('([0-9]+)d'\)", lambda m: f"duration('{m[1]} days')"),
    "quote left open": _at(r"\"(?=[,}]|$)", lambda m: ""),
    "brace left open": _at(r"}$", lambda m: ""),
    "anchor": _at(r"(?<=- )(?={(?:when|approve|use|metric|name))", lambda m: "&row "),
    "no space after the colon": _at(r"(?<=^      type): (?=[a-z])", lambda m: ":"),
    "tab": _at(r"^    (?=  [a-z])", lambda m: "\t"),
    "nothing": _at(r"(?<=who: )\"[^\"]+\"|(?<=ack: )[0-9]+wd|(?<=currency: )[A-Z]+", lambda m: ""),
    "condition that never holds": _at(r"(?<=when: \")(?=form\.)", lambda m: "form.budget < 0 && "),
    "step that cannot be": _at(r"(?<=[a-z]) (approved|asked|acknowledged)(?=\")", lambda m: " aproved"),
}


def _of_lines(file: str, lines: Lines) -> Iterator[Mutation]:
    for kind, change in PER_LINE.items():
        for number, line in enumerate(lines):
            if line.lstrip().startswith("#"):
                continue
            for broken in change(line):
                if broken != line:
                    text = "\n".join([*lines[:number], broken, *lines[number + 1 :]])
                    yield Mutation(kind, file, number + 1, text + "\n", f"{line.strip()} -> {broken.strip()}")


DROPPED = (
    r"\s+(- )?(who|ack|type|of|name|share|channel|say|rule|source|at): ?.*|(apiVersion|kind|name|version|title): .*"
)


def _of_blocks(file: str, lines: Lines) -> Iterator[Mutation]:
    def mutation(kind: str, line: int, changed: Lines) -> Mutation:
        return Mutation(kind, file, line, "\n".join(changed) + "\n", lines[line - 1].strip())

    for n, line in enumerate(lines):
        stripped = line.strip()
        if re.fullmatch(r"\s+[a-z_]+: [^{\[]*", line) and n + 1 < len(lines):
            yield mutation("key twice", n + 2, [*lines[: n + 1], line, *lines[n + 1 :]])
        if stripped.startswith("- {else:"):
            yield mutation("no else", n + 1, [*lines[:n], *lines[n + 1 :]])
            yield mutation("row after else", n + 2, [*lines[: n + 1], lines[n - 1], *lines[n + 1 :]])
        if stripped.startswith("- {when:") and n and re.match(r"\s+(- {when|route|#)", lines[n - 1]):
            yield mutation("same row twice", n + 2, [*lines[: n + 1], line, *lines[n + 1 :]])
            broader = [*lines[:n], re.sub(r'when: "[^"]*"', 'when: "form.budget >= 0"', line), *lines[n:]]
            yield mutation("row under one that takes all", n + 2, broader)
        if re.match(r"\s+join: ", line):
            yield mutation(
                "join that starves", n + 1, [*lines[:n], re.sub(r"join: .*", "join: {n: 9}", line), *lines[n + 1 :]]
            )
        chain = re.match(r"    ([a-z_]+):$", line)
        if chain and n + 1 < len(lines) and re.match(r"      - ({?approve|{?include|{?file)", lines[n + 1]):
            own = f"      - {{include: {chain[1]}}}"
            yield mutation("chain that includes itself", n + 2, [*lines[: n + 1], own, *lines[n + 1 :]])
            yield mutation("chain called like a state", n + 1, [*lines[:n], "    approved:", *lines[n + 1 :]])
        step = re.match(r"(\s+- )approve: ([a-z_]+)$", line)
        if step:
            twin = f'{step[1]}{{approve: {step[2]}, who: "head@county"}}'
            yield mutation("step twice", n + 2, [*lines[:n], twin, *lines[n:]])
        if re.match(r"  [a-z]+:$", line) and stripped not in ("fields:", "numbering:"):
            yield mutation("indented too far", n + 1, [*lines[:n], " " + line, *lines[n + 1 :]])
        if re.fullmatch(DROPPED, line) and not stripped.startswith("- "):
            after = n + 1
            while after < len(lines) and len(lines[after]) - len(lines[after].lstrip()) > len(line) - len(
                line.lstrip()
            ):
                after += 1
            yield mutation("left out", n + 1, [*lines[:n], *lines[after:]])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def mutations() -> list[Mutation]:
    """At most nine of a kind and file, spread over the file."""
    found: dict[tuple[str, str], list[Mutation]] = {}
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if "kind: CaseDefinition" not in text or check(text, path.name).problems:
            continue
        lines = text.splitlines()
        for mutation in (*_of_lines(path.name, lines), *_of_blocks(path.name, lines)):
            found.setdefault((mutation.kind, mutation.file), []).append(mutation)
    chosen = []
    for of_kind in found.values():
        stride = max(1, len(of_kind) // 9)
        chosen += of_kind[::stride][:9]
    return chosen


def test_seeded_errors_are_caught_at_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    seeded = mutations()
    missed, elsewhere = [], []
    for mutation in seeded:
        problems = check(mutation.text, mutation.file).problems
        lines = {problem.line for problem in problems}
        # what was left out has no line: the one before it, or what it belonged to, is where it would have stood
        near = mutation.kind in ("left out", "no else")
        if not problems:
            missed.append(mutation)
        elif mutation.line not in lines and not (near and any(line < mutation.line for line in lines)):
            elsewhere.append(mutation)
    caught = len(seeded) - len(missed)
    exact = caught - len(elsewhere)
    with capsys.disabled():
        share = f"{caught / len(seeded):.1%} caught, {exact / len(seeded):.1%} on the exact line"
        print(f" [{len(seeded)} seeded errors of {len({m.kind for m in seeded})} kinds: {share}]", end="")
    told = [f"{m.kind}: {m.file}:{m.line} {m.what}" for m in (*missed, *elsewhere)]
    assert len(seeded) >= 200
    assert caught >= 0.95 * len(seeded), (Counter(m.kind for m in missed), told)
    assert exact >= 0.90 * len(seeded), (Counter(m.kind for m in elsewhere), told)

"""A customer group as a text to write in: YAML with `source:` and `tests:`, and what is wrong with it at its line.

Refuses other keys: name, title and note stand beside the text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import ndiff
from typing import Any

from engine.definition.document import Document, read
from engine.definition.flat import as_yaml
from engine.errors import Invalid, InvalidForm, Problem
from engine.expr.types import nearest
from engine.service.group_texts import MOST_BYTES, Test

KEYS = ("source", "tests")


@dataclass(frozen=True, slots=True)
class GroupText:
    """What a text says."""

    source: Any
    tests: tuple[Test, ...]
    document: Document

    def placed(self, error: Invalid) -> tuple[Problem, ...]:
        """The problems of a group that was written so, those of the text at their lines."""
        return tuple(self._placed(one) if one.at.partition(".")[0] in KEYS else one for one in error.problems)

    def _placed(self, problem: Problem) -> Problem:
        path = tuple(int(part) if part.isdecimal() else part for part in problem.at.split("."))
        place = self.document.place(path, key=problem.code == "E111")
        line, column = place.line, place.column
        if "offset" in problem.fields:  # within a text: where that sign stands
            line, column = place.of_sign(self.document.source, problem.fields["offset"])
        return replace(problem, line=line, column=column)


def parsed(text: str) -> GroupText:
    """What the text says. InvalidForm with lines where it is no YAML, or says something else."""
    document = read(text.replace("\r\n", "\n"), MOST_BYTES)
    problems = list(document.problems)
    value = document.value if isinstance(document.value, dict) else {}
    for key in value:
        if key not in KEYS:
            place = document.place((key,), key=True)
            hint = nearest(str(key), KEYS)
            problems.append(Problem("E111", f"unknown key {key}", hint, key, place.line, place.column))
    if not problems and "source" not in value:
        problems.append(Problem("E110", "source is missing", "it stands at the top of the file", line=1, column=1))
    tests = value.get("tests") or []
    if not isinstance(tests, list):
        place = document.place(("tests",))
        problems.append(Problem("E112", "a list is expected", "", "tests", place.line, place.column))
    if problems:
        raise InvalidForm(problems)
    return GroupText(value["source"], tuple(tests), document)


def changes(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """What became of the lines of a text: ("", line) stays, "-" is gone, "+" is new."""
    compared = (line for line in ndiff(old.splitlines(), new.splitlines()) if not line.startswith("?"))
    return tuple((line[0].strip(), line[2:]) for line in compared)


def written(source: Mapping[str, Any], tests: Sequence[Test]) -> str:
    """The text of a group, to be changed."""
    return as_yaml({"source": source} | ({"tests": list(tests)} if tests else {}))

"""What the check says is said in Chinese too: every hint and message in the code, and those of wrong texts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli.main import app
from engine.definition import shape
from engine.definition.check import check
from engine.definition.descriptions import catalogue
from engine.definition.hints import HINTS, MESSAGES, worded
from engine.definition.saying import told
from tests.support import ROOT

PLACES = {
    "Unreadable": 1,
    "Finding": 2,
    "Problem": 2,
    "problem_at": 2,
    "_problem": 2,
    "tell": 3,
}  # of the hint, among the arguments
NOT_CHECKED = ("replay.py", "replay_map.py", "diagram.py", "simulate.py")  # of logs, pictures and trials, not of texts
CHINESE = re.compile("[一-鿿]")


def texts(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may give, with a word in each place that varies."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            yield "".join(str(v.value) if isinstance(v, ast.Constant) else "5000" for v in node.values)
        case ast.IfExp():
            yield from (*texts(node.body), *texts(node.orelse))
        case ast.BoolOp():
            for value in node.values:
                yield from texts(value)


def of_call(call: ast.Call) -> Iterator[ast.AST]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = PLACES.get(name)
    if place is not None and len(call.args) > place:
        yield call.args[place]
    yield from (each.value for each in call.keywords if each.arg == "hint")
    if name == "problem" and len(call.args) == 5:  # of the reader: code, message, hint, line, column
        yield call.args[2]


def of_assignment(node: ast.Assign) -> Iterator[ast.AST]:
    for target in node.targets:
        if getattr(target, "id", "") == "hint":
            yield node.value
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            named = zip(target.elts, node.value.elts, strict=False)
            yield from (value for each, value in named if getattr(each, "id", "") == "hint")


def hints_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield from (text for each in of_call(node) for text in texts(each))
        if isinstance(node, ast.Assign):
            yield from (text for each in of_assignment(node) for text in texts(each))
        if isinstance(node, ast.FunctionDef) and node.name.endswith(("_hint", "_conversion", "_quotes")):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from texts(inner.value)


def sources() -> list[Path]:
    folders = (ROOT / "engine/definition", ROOT / "engine/expr")
    found = [one for folder in folders for one in sorted(folder.glob("*.py")) if one.name not in NOT_CHECKED]
    return [*found, ROOT / "engine/organisation/who.py"]


def test_every_hint_has_its_chinese():
    """Write what this names into engine/definition/hints.py and descriptions.zh.po."""
    found = {text for path in sources() for text in hints_of(path) if text and not re.fullmatch(r"E\d{3}", text)}
    assert len(found) > 90
    assert sorted(text for text in found if not CHINESE.search(worded(text, "zh", HINTS))) == []


def test_every_message_of_the_reader_has_its_chinese():
    found = set()
    for path in (ROOT / "engine/definition").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "problem" and len(node.args) == 5:
                found |= set(texts(node.args[1]))
    assert len(found) > 8
    found |= {f"{re.sub('{.*?}', '7', words)}, not 8" for words in shape._WORDS.values() if "here are" not in words}
    assert sorted(text for text in found if not CHINESE.search(worded(text, "zh", MESSAGES))) == []


def said_by(call: ast.Call) -> Iterator[ast.AST]:
    name = getattr(call.func, "id", "")
    if name == "PydanticCustomError":
        yield call.args[1]
    if name == "Unreadable":
        yield call.args[0]
    yield from (each.value for each in call.keywords if each.arg == "custom_error_message")


def custom() -> set[str]:
    """What the models themselves say of a value."""
    found = set()
    for folder in ("definition", "audience", "delivery", "evaluation"):
        for path in (ROOT / "engine" / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    found |= {text for each in said_by(node) for text in texts(each)}
    return {text.replace("{{", "{").replace("}}", "}") for text in found} - {"{message}", "{why}"}


def test_every_message_of_the_models_has_its_chinese():
    assert len(custom()) > 25
    assert sorted(text for text in custom() if not CHINESE.search(worded(text, "zh", MESSAGES))) == []


@pytest.mark.parametrize("template", (*MESSAGES, *HINTS))
def test_a_template_keeps_what_varies_in_its_chinese(template: str):
    places = set(re.findall(r"\{(\w+)\}", template))
    assert set(re.findall(r"\{(\w+)\}", catalogue()[template])) == places
    filled = re.sub(r"\{(\w+)\}", r"‹\1›", template)
    said = worded(filled, "zh", MESSAGES if template in MESSAGES else HINTS)
    assert CHINESE.search(said)
    assert all(f"‹{place}›" in said for place in places)


def test_a_wrong_text_is_told_in_chinese():
    text = """apiVersion: countersign/v1
kind: CaseDefinition
name: x
version: one
titel: {zh: 一, en: one}
proposal: {fields: {budget: {type: mony}}}
approval: {route: [{else: main}], chains: {main: [{aprove: a, who: "head@county"}]}}
"""
    problems = [told(problem, "zh") for problem in check(text).problems]
    assert len(problems) >= 4
    for problem in problems:
        assert CHINESE.search(problem.message), problem
        assert not problem.hint or CHINESE.search(problem.hint), problem


def test_the_command_speaks_chinese(tmp_path: Path):
    file = tmp_path / "wrong.yaml"
    file.write_text("apiVersion: countersign/v1\nkind: CaseDefinition\nnaem: x\n")
    done = CliRunner().invoke(app, ["definitions", "check", str(file), "--language", "zh"])
    assert done.exit_code == 1
    assert "您是否要写 name？" in done.stdout
    assert all(CHINESE.search(line) for line in done.stdout.splitlines())

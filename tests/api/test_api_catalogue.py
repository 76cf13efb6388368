"""Both languages, everywhere: no message without Chinese, no words outside the catalogue."""

import ast
import re
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment

import api
import engine
import flows
import notifications
from api.i18n import CATALOGUE, catalogue
from engine.errors import CountersignError
from tests.api.sources import API, messages

PLACEHOLDER = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
WORDS = re.compile(r"[A-Za-z\u4e00-\u9fff]{2,}")
SHOWN = {"aria-label", "placeholder", "title", "alt"}
KEPT = {"“%(why)s”", "“%(remark)s”"}  # quotation marks are the same in both
NOT_TEXT = re.compile(  # classes, addresses and attributes that a template puts together elsewhere
    r"{% block (body_class|action) %}.*?{% endblock %}|{% set describe -?%}.*?{%-? endset %}", re.S
)
SAYS = ("N_", "words", "plural", "Field", "Query", "Header", "Path", "ConfigDict", "add_argument")
TEMPLATES = sorted((API / "templates").glob("*.html"))
CODE = sorted(
    path for path in API.rglob("*.py") if path.name not in ("app.py", "__main__.py", "documenting.py", "metrics.py")
)


def import_everything() -> None:
    """Every module that may define an error, so that what is said does not depend on what ran before."""
    for package in (engine, api, flows, notifications):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations" not in module.name:
                import_module(module.name)


import_everything()


def test_every_message_has_its_chinese():
    chinese = catalogue("zh")
    missing = []
    for message, place in messages().items():
        if isinstance(message, tuple):
            found = chinese.ngettext(*message, 2)
            same = found in message
        else:
            same = chinese.gettext(message) == message and bool(WORDS.search(message))
        if same and message not in KEPT:
            missing.append(f"{place}: {message}")
    assert not missing


def test_the_chinese_fills_the_same_places():
    with CATALOGUE.open("rb") as file:
        entries = [entry for entry in read_po(file, locale="zh") if entry.id]
    for entry in entries:
        english = entry.id if isinstance(entry.id, str) else entry.id[-1]
        chinese = entry.string if isinstance(entry.string, str) else entry.string[0]
        assert set(PLACEHOLDER.findall(english)) == set(PLACEHOLDER.findall(chinese)), english


def test_the_catalogue_holds_nothing_that_nobody_says_any_more():
    with CATALOGUE.open("rb") as file:
        known = {entry.id if isinstance(entry.id, str) else tuple(entry.id) for entry in read_po(file) if entry.id}
    assert known - set(messages()) == set()


class _Literals(HTMLParser):
    """Collects the text and the shown attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in SHOWN and value]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


OF_LANGUAGES = {  # a language's own name; date patterns
    "中文",
    "y年M月d日",
    "M月d日",
    "M月d日 HH:mm",
    "y年M月d日 HH:mm",
    "d MMM y, HH:mm",
    "d MMM y",
    "y年M月",
    "MMMM y",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(path: Path):
    parser = _Literals()
    parser.feed(literal_text(path.read_text()))
    assert [text.strip() for text in parser.found if WORDS.search(text)] == []


def literal_text(source: str) -> str:
    """What a template says itself: without expressions, statements, comments and translated blocks."""
    kept, inside = [], False
    for _, kind, value in Environment(extensions=["jinja2.ext.i18n"]).lex(NOT_TEXT.sub("", source)):
        if kind == "name" and value in ("trans", "endtrans"):
            inside = value == "trans"
        if kind == "data" and not inside:
            kept.append(value)
    return "".join(kept)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(API)))
def test_code_says_nothing_untranslated(path: Path):
    tree = ast.parse(path.read_text())
    said = {id(each) for call in ast.walk(tree) if isinstance(call, ast.Call) for each in translated(call)}
    quiet = said | {id(each) for node in ast.walk(tree) for each in unseen(node)}
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet
        if re.search(r"[A-Z\u4e00-\u9fff]\w* [a-z]|[\u4e00-\u9fff]{2}", node.value) and node.value not in OF_LANGUAGES
    ]
    assert found == []


def translated(call: ast.Call) -> list[ast.AST]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return (
        list(ast.walk(call))
        if name in ("N_", "words", "plural", "Field", "Query", "Header", "Path", "ConfigDict", "add_argument")
        else []
    )


def unseen(node: ast.AST) -> list[ast.AST]:
    """Docstrings: for readers of the code."""
    body = getattr(node, "body", None)
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
        first = body[0]
        return [first.value] if isinstance(first, ast.Expr) else []
    return []


def test_every_error_class_is_in_the_catalogue():
    def classes(kind: type[CountersignError]) -> list[type[CountersignError]]:
        return [kind, *(below for child in kind.__subclasses__() for below in classes(child))]

    chinese = catalogue("zh")
    templates = {" ".join((kind.__doc__ or "").split()) for kind in classes(CountersignError)[1:]} - {"{summary}"}
    assert {template for template in templates if chinese.gettext(template) == template} == set()

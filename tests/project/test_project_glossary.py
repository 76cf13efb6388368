"""Pages speak the glossary's words, and code uses none of the words that say nothing."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "api", "flows", "notifications", "definitions")
EMPTY_WORDS = {"helper", "helpers", "util", "utils", "manager", "info", "misc", "process_data"}

# The glossary's English word, where it stands for the thing, and what its Chinese must hold.
TERMS = {
    r"\bproposals?\b": "方案",
    r"\bwithdr(aw|ew|awn)\b": "撤回",
    r"\bwaves?\b": "波",
    r"\bcontrol groups?\b": "对照",
    r"\breject(ed|s)?\b": "拒绝",
    r"\breturned\b": "退回",
    r"\bapproved?\b(?! by)": "同意|审批|批准|通过",
    r"\bclosed the case\b": "结案",
    r"\bcopied\b": "抄送",
    r"\btarget customers\b": "目标客户",
    r"\bfrozen list\b": "冻结名单",
    r"\bevaluat(ed|ion)\b": "评估",
}


def spoken() -> list[tuple[str, str]]:
    """Every message of the pages with its Chinese."""
    with (ROOT / "api/locale/zh/LC_MESSAGES/messages.po").open("rb") as file:
        entries = [entry for entry in read_po(file, locale="zh") if entry.id]
    plain = [(entry.id, entry.string) for entry in entries if isinstance(entry.id, str)]
    plural = [(entry.id[-1], entry.string[-1]) for entry in entries if not isinstance(entry.id, str)]
    return plain + plural


@pytest.mark.parametrize("english", TERMS)
def test_pages_use_the_glossarys_chinese_word(english: str):
    said = [(message, chinese) for message, chinese in spoken() if re.search(english, message, re.I)]
    assert said, "the term is on no page; take it out of this list"
    wrong = [pair for pair in said if not re.search(TERMS[english], pair[1])]
    assert not wrong


def test_the_glossary_has_those_words():
    glossary = (ROOT / "docs/glossary.md").read_text()
    for word in (
        "方案",
        "撤回",
        "波次",
        "对照组",
        "拒绝",
        "退回",
        "同意",
        "结案",
        "抄送",
        "退订",
        "目标客户",
        "冻结名单",
    ):
        assert word in glossary


def test_no_module_class_or_function_has_a_name_that_says_nothing():
    empty = []
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            names = {path.stem}
            for part in ast.walk(ast.parse(path.read_text())):
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    names.add(part.name)
            words = {word.lower() for name in names for word in re.findall(r"[A-Z]?[a-z]+", name)}
            if words & EMPTY_WORDS:
                empty.append((str(path.relative_to(ROOT)), words & EMPTY_WORDS))
    assert not empty

"""Every code that the service can show has a word."""

import ast
import inspect
import re
from collections import Counter
from pathlib import Path
from typing import get_args

from api import words
from api.errors import problem_sentence, sentence
from engine.delivery.channels import CHANNELS
from engine.errors import AlreadyDecided, NotPossible, Problem
from engine.evaluation.verdict import Caution
from engine.machine.case import Decision, Verb
from engine.service.announcing import EVENTS
from engine.service.chain_views import NodeState
from engine.store import tables
from tests.api.test_api_formats import formats
from tests.api.view_samples import NOW


def allowed(table: str) -> set[str]:
    """The states that a table's check lets in."""
    checks = (str(getattr(check, "sqltext", "")) for check in tables.metadata.tables[table].constraints)
    states = next(text for text in checks if text.startswith("state in"))
    return set(re.findall(r"'(\w+)'", states))


def test_closed_sets_are_covered():
    assert set(get_args(Decision)) <= set(words.DECISIONS) & set(words.DECIDED) & set(words.EVENTS)
    assert set(get_args(Verb)) == set(words.VERBS)
    assert set(get_args(NodeState)) == set(words.NODES)
    assert set(get_args(Caution)) == set(words.WARNINGS)
    assert allowed("waves") == set(words.WAVES)
    assert set(CHANNELS) <= set(words.CHANNELS)
    assert set(EVENTS) == set(words.WEBHOOK_EVENTS) - {"ping"}


def test_every_table_of_words_that_a_template_names_is_there():
    named = re.compile(r'said\("([A-Z_]+)"|\bwords\.([A-Z_]+)')
    templates = Path(inspect.getfile(words)).parent / "templates"
    found = {a or b for path in templates.glob("*.html") for a, b in named.findall(path.read_text(encoding="utf-8"))}
    assert len(found) > 30
    assert {one for one in found if not hasattr(words, one)} == set()


def test_no_table_of_words_hides_another_of_the_same_name():
    given = Counter(
        target.id
        for file in Path(inspect.getfile(words)).parent.glob("words*.py")
        for part in ast.parse(file.read_text()).body
        if isinstance(part, ast.Assign)
        for target in part.targets
        if isinstance(target, ast.Name) and target.id != "__all__"
    )
    assert [name for name, times in given.items() if times > 1] == []


def test_refusals_speak_the_readers_language():
    first = AlreadyDecided(by="陈思", decision="approve", at=NOW)
    assert sentence(first, formats("zh")) == "陈思 已于 9月23日 13:12 处理：同意。"
    assert sentence(first, formats("en")) == '陈思 already decided "approved" at 23 Sep 13:12.'
    refused = NotPossible(action="start the delivery", state="approving", possible="withdraw")
    assert sentence(refused, formats("zh")) == "审批中时不能开始派送；可以：撤回。"


def test_what_a_definition_says_is_shown_in_the_readers_language():
    problem = Problem(
        "form.check", "Limited to 20,000", at="reach", fields={"say": {"zh": "不得超过2万户", "en": "Limited"}}
    )
    assert problem_sentence(problem, formats("zh")) == "不得超过2万户"
    assert problem_sentence(problem, formats("en")) == "Limited"

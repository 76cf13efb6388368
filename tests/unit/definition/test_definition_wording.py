"""Conditions, people and spans in the words of those who read diagrams and differences."""

from typing import Any

import pytest

from engine.definition.load import load
from engine.definition.model import Definition
from engine.definition.wording import Wording
from engine.values import Duration, Language


@pytest.fixture
def worded(small: str) -> Definition:
    options = "{new: {zh: 新办, en: New}, old: {zh: 续办, en: Old}}"
    fields = f"    kind: {{type: choice, label: {{zh: 类别, en: Kind}}, of: {options}}}\n"
    fields += "    lead: {type: person, label: {zh: 牵头人, en: Lead}}\n    bare: {type: int}\n"
    text = small.replace("  material: [budget]\n", f"{fields}  material: [budget]\n")
    text = text.replace('{limit: "100.00"}', '{limit: "50000.00", rate: "0.25", word: new, some: [a, b]}')
    text = text.replace(
        "approval:\n", "approval:\n  rules: {large: 'form.budget > params.limit || form.bare > 2'}\n", 1
    )
    return load(text, prove=False)


@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        ("form.budget>params.limit", "预算>50,000", "Budget>50,000"),
        ("form.budget <= 0.50 && form.bare == 3", "预算 ≤ 0.50 且 bare = 3", "Budget ≤ 0.50 and bare = 3"),
        ("form.kind == 'new' || form.kind != params.word", "类别 = 新办 或 类别 ≠ 新办", "Kind = New or Kind ≠ New"),
        ("!has(form.goal)", "非已填(目标)", "not filled in (Goal)"),
        ("form.title == 'x'", "案名 = “x”", "Title = “x”"),
        ("rules.large", "预算 > 50,000 或 bare > 2", "Budget > 50,000 or bare > 2"),
        ("rules.large && true", "(预算 > 50,000 或 bare > 2) 且 是", "(Budget > 50,000 or bare > 2) and yes"),
        ("form.budgt > params.limitt", "budgt > params.limitt", "budgt > params.limitt"),
        ("form.budget >", "预算 >", "Budget >"),
        ("form.budget ＞ 1", "form.budget ＞ 1", "form.budget ＞ 1"),
    ],
)
def test_a_condition_reads_in_the_labels_of_the_form(worded: Definition, rule: str, zh: str, en: str) -> None:
    assert (Wording(worded, "zh").rule(rule), Wording(worded, "en").rule(rule)) == (zh, en)


@pytest.mark.parametrize(
    ("who", "zh", "en"),
    [
        ("head@county", "县负责人", "county head"),
        ("role:finance@city", "市 finance", "city finance"),
        ("role:finance", "finance", "finance"),
        ("superior", "申报人的上级", "the submitter's superior"),
        ("superior(2)", "申报人往上第2级", "2 levels above the submitter"),
        ("submitter", "申报人", "the submitter"),
        ("field(lead)", "申报时所选：牵头人", "chosen in Lead"),
        (("head@city", "superior"), "市负责人、申报人的上级", "city head, the submitter's superior"),
    ],
)
def test_who_is_asked_reads_as_people_say_it(worded: Definition, who: Any, zh: str, en: str) -> None:
    assert (Wording(worded, "zh").who(who), Wording(worded, "en").who(who)) == (zh, en)


def test_a_table_of_people_names_its_conditions(worded: Definition, small: str) -> None:
    table = "[{when: 'form.budget > 7', who: head@city}, {else: head@county}]"
    approve = load(small.replace('"head@county"', table), prove=False).approval.chains["long"][0]
    assert Wording(worded, "zh").who(approve.who) == "预算 > 7: 市负责人、否则 县负责人"  # type: ignore[union-attr]  # an approval


@pytest.mark.parametrize(
    ("span", "language", "words"),
    [("3wd", "zh", "3个工作日"), ("3wd", "en", "3 working days"), ("1h", "en", "1 hour"), ("30m", "zh", "30分钟")],
)
def test_a_span_is_said_with_its_unit(worded: Definition, span: str, language: Language, words: str) -> None:
    assert Wording(worded, language).span(Duration.parse(span)) == words

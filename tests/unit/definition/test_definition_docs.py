"""docs/definition-language.md: its definition loads, its expressions compile, its tables are complete.

The reference beside it is what the models and rules say.
"""

import re
from pathlib import Path
from typing import get_args

import pytest

from engine.definition.catalogue import catalogue
from engine.definition.check import RULES, check
from engine.definition.form_fields import FormField
from engine.definition.reference import reference_text
from engine.expr import compile_expression
from engine.expr.functions import FUNCTIONS
from engine.expr.types import BOOL, DECIMAL, INT, TEXT, List, Record, Scope

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/definition-language.md").read_text(encoding="utf-8")


def test_the_definition_on_the_page_has_no_problem() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert check(example).problems == ()


def test_the_expressions_on_the_page_compile() -> None:
    customers = catalogue("customers")
    assert customers is not None
    form = Record({"budget": DECIMAL, "discount": DECIMAL, "reach": INT, "channels": List(TEXT), "goal": TEXT}, "form")
    scope = Scope({"form": form, "params": Record({"city_budget": DECIMAL}, "params"), "c": customers.record})
    rules = re.findall(r"^    (\S.*)$", PAGE.split("## Expressions")[1].split("Operators")[0], re.MULTILINE)
    assert len(rules) == 5
    for rule in rules:
        compile_expression(rule, scope, gives=BOOL)


def test_every_field_kind_function_and_code_stands_on_the_page() -> None:
    kinds = [get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(FormField)[0])]
    assert [kind for kind in kinds if f"`{kind}`" not in PAGE] == []
    assert [function.name for function in FUNCTIONS if function.name not in PAGE] == []
    spans = [
        (low[0], int(low[1:]), int((high or low)[1:]))
        for low, high in re.findall(r"^\| ([EW]\d+)(?:-([EW]\d+))?", PAGE, re.MULTILINE)
    ]
    codes = {rule.code for rule in RULES if rule.code != "E300"}
    assert [c for c in codes if not any(c[0] == s and low <= int(c[1:]) <= high for s, low, high in spans)] == []


def test_the_reference_is_what_the_models_and_rules_say() -> None:
    kept = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    if kept != reference_text():
        pytest.fail("run: countersign definitions reference --output docs/reference.md", pytrace=False)

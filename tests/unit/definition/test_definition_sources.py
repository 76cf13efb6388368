"""SQL and feedback in a definition: every mistake at its place in the file, in both languages."""

import re

import pytest

from engine.audience.sql import CheckedSql, check_sql, parameters_of
from engine.definition.check import check
from engine.definition.compile import compile_process
from engine.definition.saying import told
from engine.errors import Problem
from tests.security.sql_corpus import REFUSED
from tests.security.test_security_sql import TABLES

CHINESE = re.compile("[一-鿿]")


def with_source(small: str, source: str, fields: str = "") -> str:
    text = small.replace("  fields:\n", f"  fields:\n{fields}", 1)
    return f"{text}audience:\n  source: {source}\n"


def errors(text: str) -> list[Problem]:
    return [problem for problem in check(text).problems if problem.severity == "error"]


def test_problems_of_a_statement_in_a_block_text_stand_at_their_lines(small: str) -> None:
    text = with_source(small, "{union: []}").replace(
        "{union: []}",
        "\n    sql: |\n      SELECT customer\n      FROM custmers\n      WHERE arpu > 38 AND now() > :asof",
    )
    found = [(problem.code, problem.line, problem.column, problem.hint) for problem in errors(text)]
    first = text.splitlines().index("      FROM custmers") + 1
    assert found == [
        ("E323", first, 12, "did you mean customers?"),
        ("E325", first + 1, 27, ""),
        ("E329", first + 1, 35, "did you mean :as_of?"),
    ]


def test_a_field_of_the_catalogue_is_known_to_a_statement_and_another_is_not(small: str) -> None:
    assert errors(with_source(small, '{sql: "select customer from customers where arpu > 38"}')) == []
    (problem,) = errors(with_source(small, '{sql: "select customer from customers where arpuu > 38"}'))
    line = (small + "audience:\n").count("\n") + 1
    assert (problem.code, problem.line, problem.hint) == ("E324", line, "did you mean arpu?")
    assert problem.column == len('  source: {sql: "select customer from customers where ') + 1


def test_any_list_may_be_named(small: str) -> None:
    assert errors(with_source(small, '{sql: "select customer from list_vip"}')) == []


def test_a_field_that_a_statement_or_feedback_reads_decides_on_the_list(small: str) -> None:
    extra = "    prior: {type: ref, to: case, label: {zh: 前案, en: Earlier case}}\n"
    extra += "    low: {type: int, label: {zh: 下限, en: Least}}\n"
    statement = '{sql: "select customer from customers where arpu > :form_low"}'
    source = f"{{union: [{statement}, {{feedback: {{of: form.prior, outcome: converted}}}}]}}"
    checked = check(with_source(small, source, extra))
    assert checked.definition is not None, checked.problems
    assert {"low", "prior"} <= compile_process(checked.definition).selected_by
    assert {"as_of", "form_low", "form_prior"} <= set(parameters_of(checked.definition.scope))


@pytest.mark.parametrize(
    ("of", "hint"),
    [("prior", "did you mean form.prior?"), ("form.priori", "did you mean form.prior?"), ("form.low", "")],
)
def test_feedback_of_what_is_no_field_of_one_text_is_told(small: str, of: str, hint: str) -> None:
    extra = "    prior: {type: ref, to: case, label: {zh: 前案, en: Earlier case}}\n"
    extra += "    low: {type: int, label: {zh: 下限, en: Least}}\n"
    text = with_source(small, f"{{feedback: {{of: {of}, outcome: converted}}}}", extra)
    (problem,) = errors(text)
    assert (problem.code, problem.line) == ("E215", len(text.splitlines()))
    assert hint in problem.hint
    assert CHINESE.search(told(problem, "zh").message)


@pytest.mark.parametrize(("code", "text"), REFUSED)
def test_what_is_wrong_with_a_statement_is_said_in_chinese(code: str, text: str) -> None:
    found = check_sql(text, TABLES)
    assert not isinstance(found, CheckedSql)
    for problem in found:
        chinese = told(problem, "zh")
        assert CHINESE.search(chinese.message), problem
        assert not problem.hint or CHINESE.search(chinese.hint) or problem.hint.isascii() is False, problem

"""SQL of users: what a selection refuses before it runs, what it takes, and that no text ends it in an error."""

import random

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from engine.audience.compile import readable_tables
from engine.audience.sql import CheckedSql, check_sql
from engine.audience.sql_allowed import FUNCTIONS
from engine.definition.catalogue import catalogue
from engine.errors import Problem
from tests.security.sql_corpus import BOMBS, REFUSED, TAKEN

CODES = {*(f"E32{n}" for n in range(1, 10)), "E351"}
known = catalogue("customers")
assert known is not None
TABLES = readable_tables(known.types)


def problems_of(text: str) -> tuple[Problem, ...]:
    found = check_sql(text, TABLES)
    return () if isinstance(found, CheckedSql) else found


def test_the_corpus_is_large_enough() -> None:
    assert len(REFUSED) >= 60 and len(TAKEN) >= 20


@pytest.mark.parametrize(("code", "text"), REFUSED)
def test_a_statement_of_the_corpus_is_refused_for_its_reason(code: str, text: str) -> None:
    problems = problems_of(text)
    assert code in {problem.code for problem in problems}
    for problem in problems:
        line = (text.split("\n") or [""])[problem.line - 1]
        assert 1 <= problem.column <= len(line) + 1
        assert problem.message and 0 <= problem.fields["offset"] <= len(text)


@pytest.mark.parametrize("text", BOMBS)
def test_a_statement_without_end_is_refused(text: str) -> None:
    assert {problem.code for problem in problems_of(text)} & {"E322", "E325", "E326"}


@pytest.mark.parametrize("text", TAKEN)
def test_a_good_statement_is_taken_and_written_anew(text: str) -> None:
    found = check_sql(text, TABLES)
    assert isinstance(found, CheckedSql), found
    written = found.tree.sql("duckdb")
    assert "--" not in written.replace("-- none'", "") and "/*" not in written.replace("'/* no comment */", "")
    assert sqlglot.parse_one(written, read="duckdb") is not None


@pytest.mark.parametrize(
    "text",
    [
        "select customer from customers where " + "(" * 400 + "arpu" + ")" * 400 + " > 1",
        "select customer from customers where " + "case when true then " * 400 + "true" + " end" * 400,
        "select customer from customers where " + "not " * 2_000 + "true",
        "select customer from customers where " + "- " * 2_000 + "1 > 0",
        "select customer from customers where " + " or ".join(["arpu = 1"] * 700),
        "select customer from customers where name = '" + "x" * 20_000 + "'",
        "select customer from customers where arpu in (" + ", ".join(map(str, range(2_000))) + ")",
        " union ".join(["select customer from customers"] * 30),
        "select c.customer from customers c"
        + "".join(f" join contacts k{n} on k{n}.customer = c.customer" for n in range(13)),
        "select customer from " + "(select customer from " * 25 + "customers" + ")" * 25,
        "select customer from customers where " + "[" * 100 + "]" * 100,
    ],
    ids=["brackets", "cases", "nots", "minuses", "ors", "text", "values", "unions", "joins", "queries", "lists"],
)
def test_a_statement_that_is_too_large_is_refused_in_words(text: str) -> None:
    (problem,) = problems_of(text)
    assert problem.code == "E328"


def test_all_problems_are_told_at_once_each_at_its_place() -> None:
    text = "select customer\nfrom custmers\nwhere arpuu > 38 and now() > :asof"
    told = [(problem.code, problem.line, problem.column, problem.hint) for problem in problems_of(text)]
    assert told == [
        ("E323", 2, 6, "did you mean customers?"),
        ("E325", 3, 22, ""),
        ("E329", 3, 30, "did you mean :as_of?"),
    ]
    (column,) = problems_of("select customer from customers where arpuu > 38")
    assert (column.code, column.column, column.hint) == ("E324", 38, "did you mean arpu?")


def test_a_column_of_the_selection_itself_cannot_be_meant() -> None:
    found = check_sql("select k.customer from contacts k join list_vip v on v.customer = k.customer", TABLES)
    assert isinstance(found, CheckedSql)
    assert found.tree.sql("duckdb") == (
        'SELECT "k"."customer" FROM "contacts" AS "k" JOIN "list_vip" AS "v" ON "v"."customer" = "k"."customer"'
    )
    assert found.tables == {"contacts", "list_vip"}


CALLS = {
    "bool_and": "bool_and(sms_consent)",
    "bool_or": "bool_or(sms_consent)",
    "cast": "cast(age as int)",
    "contains": "contains(name, 'x')",
    "count": "count(*)",
    "count_if": "count_if(age > 1)",
    "date_add": "date_add(contract_end, interval 1 day)",
    "date_diff": "date_diff('day', contract_end, contract_end)",
    "date_trunc": "date_trunc('month', contract_end)",
    "extract": "extract(year from contract_end)",
    "if": "if(age > 1, 1, 2)",
    "left": "left(name, 1)",
    "make_date": "make_date(2026, 1, 1)",
    "mod": "mod(age, 2)",
    "regexp_matches": "regexp_matches(name, 'x')",
    "replace": "replace(name, 'x', 'y')",
    "right": "right(name, 1)",
    "substr": "substr(name, 1, 2)",
    "substring": "substring(name, 1, 2)",
    "try_cast": "try_cast(name as int)",
}
TWO = {"coalesce", "concat", "ends_with", "greatest", "ifnull", "least", "nullif", "starts_with", "strpos"}
RANKS = {"cume_dist", "dense_rank", "percent_rank", "rank"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_allow_list_can_be_used(name: str) -> None:
    call = CALLS.get(name) or f"{name}({'name, name' if name in TWO else 'contract_end' if 'day' in name else 'age'})"
    if name in RANKS:
        call = f"{name}() over (order by age)"
    found = check_sql(f"select customer from (select customer, {call} as x from customers group by all_) y", TABLES)
    assert not isinstance(found, CheckedSql) and [problem.code for problem in found] == ["E324"]  # all_ alone


def mutations(text: str, chance: random.Random) -> str:
    """The text with a few of its words dropped, doubled, exchanged or replaced."""
    words = text.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split(" ")
    others = [
        "(",
        ")",
        "'",
        '"',
        ";",
        "--",
        "/*",
        "$$",
        "select",
        "from",
        "customers",
        "*",
        ":as_of",
        "union",
        "\0",
        "é",
        "[",
        "::",
        "=>",
    ]
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(words))
        match chance.randrange(4):
            case 0:
                del words[at : at + 1]
                words = words or [""]
            case 1:
                words.insert(at, words[at])
            case 2:
                other = chance.randrange(len(words))
                words[at], words[other] = words[other], words[at]
            case _:
                words[at] = chance.choice(others)
    return " ".join(words)


@given(st.sampled_from([*TAKEN, *(text for _, text in REFUSED)]), st.randoms(use_true_random=False))
def test_no_text_ends_the_check_in_an_error(text: str, chance: random.Random) -> None:
    changed = mutations(text, chance)
    found = check_sql(changed, TABLES)
    if isinstance(found, CheckedSql):
        again = check_sql(found.tree.sql("duckdb").replace("$as_of", ":as_of"), TABLES)
        assert isinstance(again, CheckedSql), again  # what runs would be taken itself
    else:
        assert found and {problem.code for problem in found} <= CODES


@given(st.text(max_size=60))
def test_no_nonsense_ends_the_check_in_an_error(text: str) -> None:
    found = check_sql(text, TABLES)
    assert isinstance(found, CheckedSql) or found

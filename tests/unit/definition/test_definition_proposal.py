"""Reading a form: everything that was entered right is kept, everything wrong is told beside its field."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.load import load
from engine.definition.model import Definition
from engine.definition.numbers import NumberPattern

ROOT = Path(__file__).resolve().parents[3]
RAW: dict[str, Any] = {
    "title": " 国庆营销案 ",
    "offer": "flow-10g",
    "budget": "80000.00",
    "reach": "60000",
    "discount": "0.8",
    "channels": ["hall", "sms"],
    "window": ["2026-10-01", "2026-10-31"],
    "message": "尊敬的客户\r\n您好",
    "goal": "",
}


TELECOM = load((ROOT / "definitions/telecom-marketing-case.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def telecom() -> Definition:
    return TELECOM


def found(telecom: Definition, **changes: Any) -> dict[str, str]:
    parsed = telecom.proposal.parse({**RAW, **changes}, whole=True)
    return {problem.at: problem.code for problem in parsed.problems}


def test_a_right_form_gives_the_values_a_case_keeps(telecom: Definition) -> None:
    parsed = telecom.proposal.parse(RAW, whole=True)
    assert parsed.problems == ()
    assert parsed.values == {
        "title": "国庆营销案",
        "offer": "flow-10g",
        "budget": "80000.00",
        "reach": 60000,
        "discount": "0.8",
        "channels": ["sms", "hall"],
        "window": ["2026-10-01", "2026-10-31"],
        "message": "尊敬的客户\n您好",
    }


def test_reading_what_was_read_changes_nothing(telecom: Definition) -> None:
    values = telecom.proposal.parse(RAW, whole=True).values
    assert telecom.proposal.parse(values, whole=True).values == values


def test_expressions_see_typed_values(telecom: Definition) -> None:
    context = telecom.context(telecom.proposal.parse(RAW, whole=True).values)
    assert context["form"]["budget"] == Decimal("80000.00")
    assert context["form"]["window"] == {"from": date(2026, 10, 1), "to": date(2026, 10, 31)}
    assert "goal" not in context["form"]
    assert context["params"]["city_budget"] == Decimal("50000.00")


@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("title", "", "form.required"),
        ("title", "x" * 41, "form.too_long"),
        ("title", "a\nb", "form.one_line"),
        ("title", ["a", "b"], "form.kind"),
        ("title", "a\x00b", "form.unprintable"),
        ("message", "half of a pair: \ud83d", "form.unprintable"),
        ("budget", None, "form.required"),
        ("budget", "1,000", "form.not_number"),
        ("budget", "1e5", "form.not_number"),
        ("budget", "NaN", "form.not_number"),
        ("budget", "10.005", "form.scale"),
        ("budget", "-0.01", "form.too_small"),
        ("budget", "10000000.01", "form.too_large"),
        ("reach", "3.5", "form.not_int"),
        ("reach", "0", "form.too_small"),
        ("reach", "٣", "form.not_int"),
        ("reach", "9" * 30, "form.not_int"),
        ("discount", "1.01", "form.too_large"),
        ("channels", [], "form.required"),
        ("channels", ["sms", "pigeon"], "form.not_among"),
        ("window", ["2026-10-01", ""], "form.half_range"),
        ("window", ["2026-10-31", "2026-10-01"], "form.range_order"),
        ("window", ["2026-02-30", "2026-10-01"], "form.not_date"),
        ("window", "2026-10-01", "form.range"),
        ("window", ["2026-10-01", "2027-12-01"], "form.check"),
        ("offer", "flow 10g; drop table", "form.not_code"),
        ("message", "x" * 501, "form.too_long"),
        ("nothing", "x", "form.unknown"),
    ],
)
def test_a_wrong_value_is_told_beside_its_field(telecom: Definition, name: str, raw: object, code: str) -> None:
    assert found(telecom, **{name: raw}) == {name: code}


def test_all_wrong_fields_are_told_at_once_and_right_ones_are_kept(telecom: Definition) -> None:
    parsed = telecom.proposal.parse({"title": "好案", "budget": "much", "reach": "-1"}, whole=True)
    assert {problem.at for problem in parsed.problems} == {
        "budget",
        "reach",
        "offer",
        "discount",
        "channels",
        "window",
        "message",
    }
    assert parsed.values == {"title": "好案"}


def test_a_draft_may_be_incomplete_but_not_wrong(telecom: Definition) -> None:
    parsed = telecom.proposal.parse({"title": "", "budget": "x"}, whole=False)
    assert [(problem.at, problem.code) for problem in parsed.problems] == [("budget", "form.not_number")]


def test_a_check_between_fields_is_said_in_both_languages_beside_its_field(telecom: Definition) -> None:
    parsed = telecom.proposal.parse({**RAW, "channels": ["sms", "call"]}, whole=True)
    (problem,) = parsed.problems
    assert (problem.at, problem.code) == ("reach", "form.check")
    assert problem.fields["say"] == {"zh": "外呼目标不得超过2万户", "en": "Calls are limited to 20,000 customers"}


def test_a_range_comes_as_two_inputs_or_as_a_mapping(telecom: Definition) -> None:
    parsed = telecom.proposal.parse({**RAW, "window": {"from": "2026-10-01", "to": "2026-10-02"}}, whole=True)
    assert parsed.values["window"] == ["2026-10-01", "2026-10-02"]


def test_one_checked_box_counts_as_a_list_of_one(telecom: Definition) -> None:
    assert telecom.proposal.parse({**RAW, "channels": "sms"}, whole=True).values["channels"] == ["sms"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*RAW, "other"]), ANYTHING))
def test_whatever_is_sent_gives_values_or_problems_never_an_exception(raw: dict[str, Any]) -> None:
    parsed = TELECOM.proposal.parse(raw, whole=True)
    assert parsed.problems
    TELECOM.context(parsed.values)


@pytest.mark.parametrize(
    ("pattern", "number", "scope"),
    [
        ("{office.code}-{year}-{seq:05}", "440111-2026-00007", "440111-2026-#"),
        ("MC{year}{seq:04}", "MC20260007", "MC2026#"),
        ("{seq}", "7", "#"),
    ],
)
def test_a_case_number_follows_its_pattern(pattern: str, number: str, scope: str) -> None:
    made = NumberPattern(pattern)
    assert made.number(office="440111", year=2026, seq=7) == number
    assert made.scope(office="440111", year=2026) == scope


@pytest.mark.parametrize(
    ("pattern", "counted"), [("备{office.code}-{year}-{seq:05}", ("备440111-2026-#", 2026)), ("X{seq}", ("X#", 0))]
)
def test_a_pattern_without_the_year_goes_on_counting_in_the_next(pattern: str, counted: tuple[str, int]) -> None:
    assert NumberPattern(pattern).counted(office="440111", year=2026) == counted


def test_numbers_typed_in_full_width_digits_are_those_numbers(telecom: Definition) -> None:
    parsed = telecom.proposal.parse(RAW | {"budget": "８００００．５０", "reach": "９０００"}, whole=True)
    assert (parsed.problems, parsed.values["budget"], parsed.values["reach"]) == ((), "80000.50", 9000)

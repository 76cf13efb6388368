"""Files and rows in a proposal: what the form takes, keeps and shows to expressions."""

from typing import Any

import pytest

from engine.definition.proposal import Proposal

FILE = {"id": "f1", "name": "plan.pdf", "size": 10, "type": "application/pdf", "sha256": "a" * 64}
PROPOSAL = Proposal.model_validate(
    {
        "fields": {
            "papers": {"type": "attachment", "max": 2},
            "shops": {
                "type": "table",
                "max": 3,
                "columns": {"shop": {"type": "text", "required": True, "max": 5}, "cost": {"type": "money"}},
            },
        },
        "checks": [
            {"rule": "size(form.papers) > 0 && form.shops.all(s, s.cost < 100.0)", "say": {"en": "no"}, "at": "shops"}
        ],
    }
)


def at(raw: dict[str, Any], *, whole: bool = False) -> dict[str, str]:
    return {problem.at: problem.code for problem in PROPOSAL.parse(raw, whole=whole).problems}


def test_rows_are_read_cell_by_cell_and_empty_ones_left_out():
    parsed = PROPOSAL.parse({"shops": [{"shop": "A", "cost": "12.50"}, {"shop": "", "cost": ""}]}, whole=False)
    assert parsed.problems == ()
    assert parsed.values == {"shops": [{"shop": "A", "cost": "12.50"}]}
    assert next(row["cost"] for row in PROPOSAL.typed(parsed.values)["shops"]) * 2 == 25


def test_every_wrong_cell_is_named_and_the_right_ones_are_kept():
    parsed = PROPOSAL.parse({"shops": [{"shop": "much too long", "cost": "x"}, {"cost": "3"}]}, whole=False)
    assert {problem.at: problem.code for problem in parsed.problems} == {
        "shops[0].shop": "form.too_long",
        "shops[0].cost": "form.not_number",
        "shops[1].shop": "form.required",
    }
    assert parsed.values == {"shops": [{}, {"cost": "3"}]}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"shops": "A"}, "form.rows"),
        ({"shops": [{"shop": "A"}] * 4}, "form.too_many_rows"),
        ({"papers": ["f1"]}, "form.no_file"),
        ({"papers": [{"id": "f1"}]}, "form.no_file"),
        ({"papers": [FILE, FILE | {"id": "f2"}, FILE | {"id": "f3"}]}, "form.too_many_files"),
    ],
)
def test_what_is_no_list_of_rows_or_files_is_refused(raw: dict[str, Any], code: str):
    assert list(at(raw).values()) == [code]


def test_an_unknown_column_is_named():
    assert at({"shops": [{"shop": "A", "colour": "red"}]}) == {"shops[0]": "form.unknown"}


def test_rules_see_the_rows_and_the_names_of_files():
    assert at({"papers": [FILE], "shops": [{"shop": "A", "cost": "99"}]}, whole=True) == {}
    assert at({"papers": [FILE], "shops": [{"shop": "A", "cost": "100"}]}, whole=True) == {"shops": "form.check"}


def test_a_file_counts_once():
    assert PROPOSAL.parse({"papers": [FILE, FILE]}, whole=False).values == {"papers": [FILE]}

"""The audience section: what it can say, and that it says clearly what it cannot."""

from typing import Any

import pytest
from pydantic import ValidationError

from engine.audience.plan import AudiencePlan

WHOLE: dict[str, Any] = {
    "source": {"union": [{"rule": "c.arpu >= 38"}, {"except": [{"list": "upload"}, {"rule": "c.age < 18"}]}]},
    "remove": ["blacklist", {"contacted_within": "30d", "similar": "category"}, {"conflicts": "offer"}],
    "cells": {"high": "c.arpu >= 88", "base": "true"},
    "control": {"share": "10%", "min": 300},
    "drift": {"from": "reach", "over": "10%", "then": "reapprove"},
    "freeze": "on_approved",
}


def test_a_plan_written_out_and_read_again_is_the_same() -> None:
    plan = AudiencePlan.model_validate(WHOLE)
    assert AudiencePlan.model_validate(plan.model_dump(mode="json", by_alias=True, exclude_none=True)) == plan


def test_every_expression_is_found_at_its_place() -> None:
    plan = AudiencePlan.model_validate(WHOLE)
    assert dict(plan.expressions()) == {
        ("source", "union", 0, "rule"): "c.arpu >= 38",
        ("source", "union", 1, "except", 1, "rule"): "c.age < 18",
        ("cells", "high"): "c.arpu >= 88",
        ("cells", "base"): "true",
    }


def test_statements_and_earlier_cases_are_found_at_their_places() -> None:
    sources = [
        {"symmetric": [{"sql": "select 1"}, {"list": "upload"}]},
        {"feedback": {"of": "form.prior", "outcome": "no_answer", "within": "30d"}},
    ]
    plan = AudiencePlan.model_validate({"source": {"union": sources}})
    assert list(plan.statements()) == [(("source", "union", 0, "symmetric", 0, "sql"), "select 1")]
    ((path, wanted),) = plan.feedbacks()
    assert (path, wanted.field, wanted.outcome) == (("source", "union", 1, "feedback"), "prior", "no_answer")


def test_groups_are_found_at_their_places() -> None:
    source = {"union": [{"rule": "true"}, {"group": "vip@3"}]}
    plan = AudiencePlan.model_validate({"source": source, "remove": ["blacklist", {"group": "form.kept"}]})
    assert list(plan.groups()) == [
        (("source", "union", 1, "group"), "vip@3"),
        (("remove", 1, "group"), "form.kept"),
    ]
    assert plan.remove[1].name == "group_kept"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"remove": ["blaklist"]}, "blaklist"),
        ({"source": {"rulle": "true"}}, "rulle"),
        ({"remove": ["blacklist", "blacklist"]}, "twice"),
        ({"remove": [{"contacted_within": "3wd"}]}, "calendar"),
        ({"control": {"share": "10%", "assigned": "true"}}, "one of the two"),
        ({"control": {"share": "110%"}}, "less than or equal to 1"),
        ({"cells": {}}, "at least 1"),
        ({"source": {"list": "../etc"}}, "pattern"),
        ({"source": {"symmetric": [{"list": "a"}]}}, "Field required|at least 2"),
        ({"source": {"symmetric": [{"list": "a"}, {"list": "b"}, {"list": "c"}]}}, "at most 2"),
        ({"source": {"feedback": {"of": "x", "outcome": "Yes"}}}, "pattern"),
        ({"source": {"feedback": {"of": "x", "outcome": "yes", "within": "3wd"}}}, "calendar"),
        ({"source": {"group": "VIP"}}, "pattern"),
        ({"source": {"group": "vip@latest"}}, "pattern"),
        ({"remove": [{"group": "vip"}, {"group": "vip"}]}, "twice"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_mistake_in_the_section_is_named(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        AudiencePlan.model_validate(WHOLE | change)

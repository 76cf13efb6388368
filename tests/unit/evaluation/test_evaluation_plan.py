"""The `evaluation:` section: what it can say, and what it refuses with a word on what is possible."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from engine.evaluation.plan import EvaluationPlan

WHOLE: dict[str, Any] = {
    "at": ["7d", "30d"],
    "metrics": [
        "reach", "delivered", "response", "conversion", "revenue", "cost", "roi",
        {"uplift": {"of": "conversion", "vs": "control", "confidence": 0.9}},
        {"rate": "visit"}, {"mean": "spend"}, {"uplift": {"of": "spend", "confidence": 0.9}},
    ],
    "cost_per_contact": {"sms": "0.045"},
    "value_per": {"conversion": "38.00", "spend": "1"},
    "close": {"need": "report_signed_by_submitter", "feedback_to": "library"},
}  # fmt: skip


def messages(raw: dict[str, Any]) -> list[tuple[tuple[int | str, ...], str]]:
    with pytest.raises(ValidationError) as caught:
        EvaluationPlan.model_validate(raw)
    return [(error["loc"], error["msg"]) for error in caught.value.errors()]


def test_a_whole_section_is_read() -> None:
    plan = EvaluationPlan.model_validate(WHOLE)
    assert [str(moment) for moment in plan.at] == ["7d", "30d"]
    assert plan.outcomes == {"visit": "rate", "spend": "mean"}
    assert plan.compared == {"conversion": "rate", "spend": "mean"}
    assert (plan.primary, plan.confidence) == ("conversion", 0.9)
    assert plan.cost_per_contact["sms"] == Decimal("0.045")
    assert (plan.next_after("7d"), plan.next_after("30d")) == ("30d", None)


def test_without_an_uplift_every_outcome_is_compared() -> None:
    plan = EvaluationPlan.model_validate({"at": ["7d"], "metrics": ["reach", {"mean": "spend"}, "conversion"]})
    assert plan.compared == {"spend": "mean", "conversion": "rate"}


def test_an_imported_outcome_hides_a_figure_of_that_name() -> None:
    plan = EvaluationPlan.model_validate({"at": ["14d"], "metrics": [{"mean": "conversion"}]})
    assert plan.measures["conversion"] == "mean"


def test_its_json_is_read_back_as_the_same_plan() -> None:
    plan = EvaluationPlan.model_validate(WHOLE)
    assert EvaluationPlan.model_validate_json(plan.model_dump_json()) == plan


def test_every_mistake_is_told_at_its_place() -> None:
    raw = {"at": ["7 days"], "metrics": ["reech", {"uplift": {"off": "x"}}], "value_per": {"visit": 0.3}}
    told = {tuple(place): text for place, text in messages(raw)}
    assert "write 3wd" in told["at", 0]
    assert "'reach'" in told["metrics", 0, "figure"]
    assert told["metrics", 1, "uplift", "uplift", "off"] == "Extra inputs are not permitted"
    assert "in quotes" in told["value_per", "visit"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at": ["7d", "7d"]}, "names the same time twice"),
        ({"at": []}, "at least 1"),
        ({"metrics": [{"uplift": {"of": "vist"}}]}, "unknown outcome vist; known: response, conversion, revenue"),
        ({"metrics": ["reach"], "value_per": {"visit": "1"}}, "unknown outcome visit"),
        (
            {"metrics": [{"uplift": {"of": "revenue", "confidence": 0.9}}, {"uplift": {"of": "conversion"}}]},
            "share one confidence",
        ),
        ({"metrics": [{"rate": "Visit rate"}]}, "pattern"),
        ({"cost_per_contact": {"sms": "-1"}}, "greater than or equal to 0"),
        ({"split": {"control": "0"}}, "greater than 0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(change: dict[str, Any], said: str) -> None:
    assert any(said in text for _, text in messages({**WHOLE, "value_per": {}, **change}))

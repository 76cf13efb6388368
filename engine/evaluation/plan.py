"""The `evaluation:` section: when to look, what to measure, what a contact costs, what closing needs.

Refuses to look at outcomes. A definition without this section has no evaluation stage.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine.evaluation.metrics import COMPARABLE, Comparison, Mean, Measure, Metric, Rate, Uplift
from engine.values import Duration


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise PydanticCustomError("exact", 'write money in quotes, as "0.05", so that it stays exact')
    return value


Target = Literal["reach", "delivered", "response", "conversion"]
FormNumber = Annotated[str, Field(pattern=r"^form\.[a-z][a-z0-9_]{0,59}$")]
Amount = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=16, decimal_places=6)]


class Section(BaseModel):
    """What the parts of this section share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CloseOut(Section):
    """What closing the case (结案) needs, and where its lessons go."""

    need: Literal["report_signed_by_submitter", "nothing"] = Field(
        "report_signed_by_submitter", description="What must be there before"
    )
    feedback_to: Literal["library", "nowhere"] = Field("library", description="Where the result is kept")


class Attribution(Section):
    """Which responses count for a contact, and which contact a response answers. Those after the window are late, and
    stand apart."""

    window: Duration = Field(
        Duration.parse("30d"),
        description="How long after the contact a response counts; on the clock, not working days",
    )
    method: Literal["last_contact", "first_contact"] = Field(
        "last_contact", description="Which of several contacts before it a response answers"
    )

    @field_validator("window")
    @classmethod
    def _on_the_clock(cls, window: Duration) -> Duration:
        if window.is_working:
            raise PydanticCustomError("window", "a window runs on the clock; write it as 30d or 72h")
        return window


class EvaluationPlan(Section):
    """The `evaluation:` section of a definition.

    >>> EvaluationPlan.model_validate({"at": ["7d"], "metrics": ["reach", {"uplift": {"of": "conversion"}}]}).primary
    'conversion'
    """

    at: tuple[Duration, ...] = Field(
        min_length=1, max_length=12, description="When to evaluate, counted from the end of delivery"
    )
    metrics: tuple[Metric, ...] = Field(min_length=1, max_length=40, description="What the report shows")
    cost_per_contact: dict[str, Amount] = Field(
        default_factory=dict, description="What one message costs, per channel; an absent channel costs nothing"
    )
    value_per: dict[str, Amount] = Field(
        default_factory=dict,
        description="What one unit of an outcome is worth: of a conversion that names no value, of an imported outcome",
    )
    split: dict[str, Annotated[Decimal, Field(gt=0)]] = Field(
        default_factory=dict,
        description="Planned relative sizes of the cells and of `control` where the control group was drawn elsewhere;"
        " without it they should be equal",
    )
    contaminated_at_most: Annotated[Decimal, Field(ge=0, le=1)] | None = Field(
        None,
        description="Share of the control group that may have been messaged, by this case or another; above it no"
        " verdict is given. Without it there is only a warning",
    )
    attribution: Attribution | None = Field(
        None, description="Which responses count for a contact; without it those of 30 days, for the last contact"
    )
    targets: dict[Target, FormNumber] = Field(
        default_factory=dict,
        description="Which fields of the proposal say how many customers are to be contacted, to get a message, to"
        " respond, to convert: conversion: form.expected",
    )
    close: CloseOut = Field(CloseOut(), description="What closing the case needs")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        texts = [str(moment) for moment in self.at]
        if len(set(texts)) < len(texts):
            raise PydanticCustomError("at_twice", "`at` names the same time twice; write each time once")
        if len({comparison.confidence for comparison in self.comparisons}) > 1:
            raise PydanticCustomError("confidence", "all uplifts of one report share one confidence; write the same")
        known = self.measures
        unknown = [comparison.of for comparison in self.comparisons if comparison.of not in known]
        unknown += [name for name in self.value_per if name not in known]
        if unknown:
            raise PydanticCustomError(
                "unknown_outcome",
                "unknown outcome {name}; known: {known}; declare an imported one: `rate: name` or `mean: name`",
                {"name": ", ".join(unknown), "known": ", ".join(known)},
            )
        return self

    @property
    def outcomes(self) -> dict[str, Measure]:
        """The imported outcomes that the plan reads, by name, with how each is averaged."""
        rates: dict[str, Measure] = {metric.rate: "rate" for metric in self.metrics if isinstance(metric, Rate)}
        means: dict[str, Measure] = {metric.mean: "mean" for metric in self.metrics if isinstance(metric, Mean)}
        return rates | means

    @property
    def measures(self) -> dict[str, Measure]:
        """Everything that can be compared with the control group; an imported outcome hides a counted figure."""
        return COMPARABLE | self.outcomes

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The uplifts asked for, in order."""
        return tuple(metric.uplift for metric in self.metrics if isinstance(metric, Uplift))

    @property
    def primary(self) -> str | None:
        """The outcome that the verdict is about: the first that is compared; None without one."""
        return next(iter(self.compared), None)

    @property
    def compared(self) -> dict[str, Measure]:
        """The outcomes to compare with the control group, the primary one first: the uplifts asked for, else every
        outcome that the report shows."""
        named = [comparison.of for comparison in self.comparisons] or [
            metric if isinstance(metric, str) else metric.rate if isinstance(metric, Rate) else metric.mean
            for metric in self.metrics
            if not isinstance(metric, Uplift)
        ]
        return {name: self.measures[name] for name in named if name in self.measures}

    @property
    def confidence(self) -> float:
        """Confidence of every interval in the report."""
        return self.comparisons[0].confidence if self.comparisons else 0.95

    def next_after(self, label: str) -> str | None:
        """The label of the evaluation that follows `label`, None after the last."""
        labels = [str(moment) for moment in self.at]
        rest = labels[labels.index(label) + 1 :]
        return rest[0] if rest else None

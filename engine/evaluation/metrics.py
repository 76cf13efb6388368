"""What an evaluation can measure: one class per metric kind, the union at the end.

A name alone (`reach`, `conversion`, ...) is a figure that Countersign counts itself. `rate` and `mean` read an outcome
per customer from an imported file; `uplift` compares one of these between the target customers and the control group.
Refuses to compute anything: that is `uplift` and `money`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

Figure = Literal["reach", "delivered", "response", "conversion", "revenue", "cost", "roi"]
FIGURES: tuple[Figure, ...] = ("reach", "delivered", "response", "conversion", "revenue", "cost", "roi")
COMPARABLE: dict[str, "Measure"] = {"response": "rate", "conversion": "rate", "revenue": "mean"}

Measure = Literal["rate", "mean"]
YES = ("1", "1.0", "true", "yes", "y", "t", "是")
NO = ("0", "0.0", "false", "no", "n", "f", "否")
"""How files say yes and no, in lower case."""

OutcomeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Kind(BaseModel):
    """What every metric kind shares."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rate(Kind):
    """`{rate: visit}`: the share of customers whose imported outcome is 1."""

    rate: OutcomeName = Field(description="Name of an imported outcome that is 0 or 1 per customer")


class Mean(Kind):
    """`{mean: spend}`: the average of an imported outcome per customer, buyers or not."""

    mean: OutcomeName = Field(description="Name of an imported outcome that is a number per customer")


class Comparison(Kind):
    """What is compared, with whom, how surely."""

    of: OutcomeName = Field(description="response, conversion, revenue, or the name of an imported outcome")
    vs: Literal["control"] = Field("control", description="Whom it is compared with")
    confidence: float = Field(0.95, ge=0.5, le=0.999, description="Confidence of the interval")


class Uplift(Kind):
    """`{uplift: {of: conversion, vs: control, confidence: 0.95}}`: the difference that the case made."""

    uplift: Comparison = Field(description="What is compared")


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "figure"
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", ())
    return next((name for name in ("rate", "mean", "uplift") if name in keys), "figure")


Metric = Annotated[
    Annotated[Figure, Tag("figure")]
    | Annotated[Rate, Tag("rate")]
    | Annotated[Mean, Tag("mean")]
    | Annotated[Uplift, Tag("uplift")],
    Discriminator(_kind_of),
]

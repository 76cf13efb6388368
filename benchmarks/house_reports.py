"""What the cases of the house have to show beside their ledger: evaluations, days on the calendar, answers that still
come in.

A report is what a stage leaves behind: sizes and conversions are drawn from a fixed seed, lifts, money and verdict are
the product's own of them, so that every verdict occurs as often as such figures have it. The cases take turns with so
many reports. Cases whose evaluation is still ahead have answers enough for a forecast.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from benchmarks.county import NOW
from engine.evaluation.groups import Group, Sample
from engine.evaluation.report import Compared, Question, compare_all
from engine.evaluation.uplift import sample_ratio
from engine.service.reporting import lift_row
from engine.service.stage_views import TOTAL, EvaluationView, FunnelRow, UpliftRow
from engine.values import canonical_json

REPORTS = 499
SEED = 20_261_130
OUTCOME = "conversion"
PRICE = Decimal("0.04")
WORTH = Decimal(60)  # of a conversion
CURRENT = 40
"""So many days back a case's last evaluation may still be ahead."""

_EVALUATIONS = """
INSERT INTO evaluations (case_id, label, as_of, report, digest)
SELECT id, '7d', at + interval '8 days', (CAST(:reports AS text[]))[1 + n % :kinds], 'd'
FROM made WHERE state <> 'approving'
"""
_MARKS = """
INSERT INTO case_marks (case_id, title_key, starts, ends)
SELECT id, 'wgtcsjyxa ' || n, CAST(at AS date) + 3, CAST(at AS date) + 33 + CAST(n % 30 AS int) FROM made
"""
ANSWERED = f"""
INSERT INTO responses (case_id, customer, kind, reference, at, value)
SELECT case_id, customer, kind, reference, at, 19.9
FROM (SELECT r.case_id, customer, CASE WHEN row % 3 = 0 THEN 'conversion' ELSE 'response' END AS kind,
        'late' || row AS reference, settled_at + (row * 37 % 97) * (row * 37 % 97) * interval '5 minutes' AS at
      FROM recipients AS r JOIN made AS m ON m.id = r.case_id
      WHERE m.state = 'evaluating' AND m.at > now() - interval '{CURRENT} days' AND row % 2 = 0) AS answers
WHERE at <= now()
"""
OF_CASES = (_EVALUATIONS, _MARKS)


@dataclass(frozen=True, slots=True)
class Reports:
    """Reports as they are stored, each with its verdict."""

    texts: list[str]
    verdicts: list[str]

    @property
    def values(self) -> dict[str, Any]:
        """What the statements ask for."""
        return {"reports": self.texts, "verdicts": self.verdicts, "kinds": REPORTS}


@cache
def reports() -> Reports:
    """The reports, the same in every run."""
    chance = np.random.default_rng(SEED)
    views = [_report(chance, place) for place in range(REPORTS)]
    return Reports([canonical_json(view).decode() for view in views], [view.verdict for view in views])


def _report(chance: np.random.Generator, place: int) -> EvaluationView:
    target = int(chance.integers(400, 40_000))
    control = 0 if place % 12 == 0 else int(chance.binomial(target, 0.1 if place % 25 else 0.07))
    base = float(chance.uniform(0.005, 0.05))
    rate = max(0.001, base + float(chance.normal(0.004, 0.006)))
    sent = int(chance.binomial(target, 0.95))
    converted = int(chance.binomial(target, rate))
    treated = _group(target, converted)
    compared = compare_all(
        Question({OUTCOME: "rate"}, declared=TOTAL),
        {TOTAL: (treated, _group(control, int(chance.binomial(control, base))))},
        costs={TOTAL: sent * PRICE},
        ratio=sample_ratio([target, control], [10 / 11, 1 / 11]) if control else None,
    )[0]
    revenue, cost = converted * WORTH, sent * PRICE
    return EvaluationView(
        label="7d",
        as_of=NOW,
        funnel=(
            FunnelRow("target", target, target + control),
            FunnelRow("control", control, target + control),
            FunnelRow("sent", sent, target),
            FunnelRow("delivered", int(chance.binomial(sent, 0.97)), sent),
            FunnelRow("responded", min(target, converted * 3), target),
            FunnelRow("converted", converted, target),
        ),
        uplift=_rows(compared),
        srm_chi2=None,
        srm_p=None,
        revenue=revenue,
        cost=cost,
        profit=revenue - cost,
        roi=float((revenue - cost) / cost),
        verdict=compared.judged.verdict,
        warnings=compared.judged.warnings,
        digest="",
        primary=OUTCOME,
    )


def _group(customers: int, converted: int) -> Group:
    return Group(customers, {OUTCOME: Sample.counted(customers, converted)})


def _rows(compared: Compared) -> tuple[UpliftRow, ...]:
    lift = compared.lifts[OUTCOME]
    if lift is None:
        return ()
    return (lift_row(TOTAL, OUTCOME, lift, compared.holm[OUTCOME]),)

"""Evaluations as facts: of each case the newest, with the lift of its primary outcome, its verdict and its money.

What a report does not say stays empty: a rate that was not measured is no 0. A lift is of use to others only where it
is one of rates, and the verdict a judgement: without control, with a broken split or too few customers it is neither
lifted nor pooled. Refuses to count anything again.
"""

from collections.abc import Iterable
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from engine.evaluation.sentence import JUDGED
from engine.service.stage_views import TOTAL, EvaluationView, UpliftRow
from engine.store.facts import Evaluated

OF_RATES = ("wald", "newcombe")
SEVERAL = "several"
CURRENCY = "CNY"  # of reports that say none
_read = msgspec.json.Decoder(EvaluationView).decode


def rows_of(found: Iterable[Evaluated], zone: ZoneInfo) -> pa.Table:
    """The rows of `fact_effect`."""
    return pa.Table.from_pylist([_row(one, zone) for one in found], _schema())


def _row(one: Evaluated, zone: ZoneInfo) -> dict[str, Any]:
    report = _read(one.report)
    counts = {row.name: row.count for row in report.funnel}
    return {
        "case_id": one.case_id,
        "label": one.label,
        "evaluated_on": one.as_of.astimezone(zone).date(),
        "verdict": report.verdict,
        "judged": report.verdict in JUDGED,
        "outcome": report.primary or next((row.metric for row in report.uplift if row.arm == TOTAL), ""),
        "channel": SEVERAL if len(one.channels) > 1 else "".join(one.channels),
        "target": counts.get("target"),
        "control": counts.get("control"),
        "contacted": counts.get("sent"),
        "responded": counts.get("responded"),
        "converted": counts.get("converted"),
        **_lift(report),
        "currency": report.money.currency if report.money else CURRENCY,
        "cost": report.cost,
        "revenue": report.revenue,
        "profit": report.profit,
    }


def _lift(report: EvaluationView) -> dict[str, float | None]:
    found = next((row for row in report.uplift if row.arm == TOTAL and _is_primary(row, report)), None)
    if found is None or found.method not in OF_RATES or report.verdict not in JUDGED:
        return dict.fromkeys(("lift", "low", "high", "error"))
    reach = NormalDist().inv_cdf((1 + report.confidence) / 2)
    error = (found.high - found.low) / (2 * reach)
    return {"lift": found.lift, "low": found.low, "high": found.high, "error": error or None}


def _is_primary(row: UpliftRow, report: EvaluationView) -> bool:
    return row.metric == report.primary or not report.primary


def _schema() -> pa.Schema:
    texts = ("case_id", "label", "verdict", "outcome", "channel", "currency")
    counts = ("target", "control", "contacted", "responded", "converted")
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            *((name, pa.int64()) for name in counts),
            *((name, pa.float64()) for name in ("lift", "low", "high", "error")),
            *((name, pa.decimal128(18, 2)) for name in ("cost", "revenue", "profit")),
            ("evaluated_on", pa.date32()),
            ("judged", pa.bool_()),
        ]
    )

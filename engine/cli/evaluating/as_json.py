"""The report of an outcome file as one object: lifts and rates are shares, money is in units, nothing is rounded."""

from decimal import Decimal
from typing import Any

from engine.evaluation.report import Compared
from engine.evaluation.subgroups import Row, Subgroups
from engine.evaluation.uplift import Lift
from engine.service.outcome_files import FileReport
from engine.values import Language


def as_object(report: FileReport, language: Language) -> dict[str, Any]:
    """The report as it is printed with --json."""
    return {
        "file": report.file,
        "digest": report.digest,
        "arms": {compared.name: _arm(compared, language) for compared in report.arms},
        "control": {
            "name": report.control_name,
            "n": report.control.n,
            "metrics": {
                name: {
                    "n": sample.n,
                    "unknown": report.control.n - sample.n,
                    "value": sample.mean if sample.n else None,
                }
                for name, sample in report.control.samples.items()
            },
            "messaged": report.reached.all if report.asked.messaged else None,
        },
        "total": _arm(report.total, language),
        "srm": None if report.ratio is None else {"chi2": report.ratio.chi2, "p": report.ratio.p},
        "verdict": report.total.judged.verdict,
        "sentence": report.total.sentence.in_language(language),
        "warnings": list(report.total.judged.warnings),
        "confidence": report.question.confidence,
        "family": sum(len(compared.holm) for compared in report.compared),
        "subgroups": [_subgroups(table) for table in report.subgroups],
        "unassigned": report.measured.unassigned,
        "rejected": report.measured.rejected_count,
    }


def _arm(compared: Compared, language: Language) -> dict[str, Any]:
    money = compared.money
    return {
        "n": compared.group.n,
        "metrics": {name: _metric(compared, name) for name in compared.group.samples},
        "cost": float(money.cost),
        "revenue": _plain(money.revenue),
        "incremental": _plain(money.incremental),
        "profit": _plain(money.profit),
        "profit_ci": None if money.profit_low is None else [_plain(money.profit_low), _plain(money.profit_high)],
        "roi": money.roi,
        "break_even": _plain(money.break_even),
        "verdict": compared.judged.verdict,
        "sentence": compared.sentence.in_language(language),
        "warnings": list(compared.judged.warnings),
    }


def _metric(compared: Compared, name: str) -> dict[str, Any]:
    sample, lift = compared.group.samples[name], compared.lifts[name]
    found = {"n": sample.n, "unknown": compared.group.n - sample.n, "value": sample.mean if sample.n else None}
    if lift is None:
        unknown = ("lift", "relative_lift", "relative_ci", "ci", "p", "p_holm", "method", "test", "detectable")
        return {**found, **dict.fromkeys(unknown), "others": {}}
    return {
        **found,
        **_lift(lift),
        "p_holm": compared.holm[name],
        "others": {method: list(interval) for method, interval in lift.others.items()},
    }


def _lift(lift: Lift) -> dict[str, Any]:
    return {
        "lift": lift.lift,
        "relative_lift": lift.relative_lift,
        "relative_ci": None if lift.relative is None else list(lift.relative),
        "ci": [lift.low, lift.high],
        "p": lift.p,
        "method": lift.method,
        "test": lift.test,
        "detectable": lift.detectable,
    }


def _subgroups(table: Subgroups) -> dict[str, Any]:
    tested = table.interaction
    return {
        "by": table.column,
        "arm": table.arm,
        "metric": table.metric,
        "unknown": table.unknown,
        "interaction": None
        if tested is None
        else {
            "q": tested.q,
            "compared": tested.compared,
            "p": tested.p,
            "p_holm": tested.holm,
        },
        "rows": [_row(row) for row in table.rows],
    }


def _row(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"value": row.value, "n": row.n, "n_control": row.n_control}
    if row.lift is None:
        return {**found, "lift": None, "ci": None, "p": None, "p_holm": None, "method": None}
    lift = row.lift
    return {
        **found,
        "level": lift.value,
        "control_level": lift.control_value,
        "lift": lift.lift,
        "ci": [lift.low, lift.high],
        "p": lift.p,
        "p_holm": row.holm,
        "method": lift.method,
    }


def _plain(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)

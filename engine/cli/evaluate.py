"""`countersign evaluate`: a finished campaign judged from any outcome file (FILE.csv or FILE.csv.gz).

Prints a table, or with --json one object for scripts. Refuses to print an uplift where the file has no control group.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from engine.evaluation.metrics import Measure
from engine.warehouse.outcomes import Measured, Outcome

if TYPE_CHECKING:
    from engine.evaluation.report import Compared
    from engine.evaluation.uplift import Lift
    from engine.service.outcome_files import FileReport

_METRIC = re.compile(r"([^=:]+)=(.+):(rate|mean)")


def evaluate(
    file: Annotated[Path, typer.Argument(help="One row per customer; CSV, may be packed with gzip.")],
    *,
    arm: Annotated[str, typer.Option(help="Column that names each customer's arm.")],
    metric: Annotated[list[str], typer.Option(help="NAME=COLUMN:rate or NAME=COLUMN:mean; the first is judged.")],
    control: Annotated[str | None, typer.Option(help="Value of the arm column that marks the control group.")] = None,
    cost_per_contact: Annotated[str, typer.Option(help="What one target customer cost.")] = "0",
    value_per: Annotated[list[str] | None, typer.Option(help="NAME=X: what one unit of the metric is worth.")] = None,
    share: Annotated[list[str] | None, typer.Option(help="ARM=X: planned relative size; by default all equal.")] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence of the intervals.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Evaluate a finished campaign from an outcome file: lift of every arm over the control group, money, verdict."""
    asked = _outcomes(metric, value_per or [])
    cost = _amount("--cost-per-contact", cost_per_contact)
    planned = {name: float(_amount("--share", text)) for name, text in map(_pair("--share"), share or [])}
    # statsmodels takes 1.3 s to import; no other command should wait for it.
    from engine.service.outcome_files import evaluated  # noqa: PLC0415

    report = evaluated(file, arm, control, asked, cost=cost, planned=planned, confidence=confidence)
    if report.measured.rejected_count:
        _tell_rejected(report.measured)
    if as_json:
        typer.echo(json.dumps(as_object(report), ensure_ascii=False, allow_nan=False))
    else:
        _print(report)


def as_object(report: "FileReport") -> dict[str, Any]:
    """The report as it is printed with --json; lifts and rates are shares, money is in units, nothing is rounded."""
    return {
        "arms": {compared.name: _arm_object(compared) for compared in report.arms},
        "control": {
            "name": report.control_name,
            "n": report.control.n,
            "metrics": {
                name: {"n": sample.n, "value": sample.mean if sample.n else None}
                for name, sample in report.control.samples.items()
            },
        },
        "total": _arm_object(report.total),
        "srm": None if report.ratio is None else {"chi2": report.ratio.chi2, "p": report.ratio.p},
        "verdict": report.total.judged.verdict,
        "sentence": report.total.judged.sentence,
        "warnings": list(report.total.judged.warnings),
        "confidence": report.question.confidence,
        "unassigned": report.measured.unassigned,
        "rejected": report.measured.rejected_count,
    }


def _arm_object(compared: "Compared") -> dict[str, Any]:
    return {
        "n": compared.group.n,
        "metrics": {name: _metric_object(compared, name, compared.lifts[name]) for name in compared.group.samples},
        "cost": float(compared.money.cost),
        "revenue": _plain(compared.money.revenue),
        "incremental": _plain(compared.money.incremental),
        "profit": _plain(compared.money.profit),
        "profit_ci": None
        if compared.money.profit_low is None
        else [_plain(compared.money.profit_low), _plain(compared.money.profit_high)],
        "roi": compared.money.roi,
        "verdict": compared.judged.verdict,
        "warnings": list(compared.judged.warnings),
    }


def _metric_object(compared: "Compared", name: str, lift: "Lift | None") -> dict[str, Any]:
    sample = compared.group.samples[name]
    found: dict[str, Any] = {"n": sample.n, "value": sample.mean if sample.n else None}
    if lift is None:
        unknown = dict.fromkeys(("lift", "relative_lift", "ci", "p", "method", "test", "detectable"))
        return {**found, **unknown, "others": {}}
    return {
        **found,
        "lift": lift.lift,
        "relative_lift": lift.relative_lift,
        "ci": [lift.low, lift.high],
        "p": lift.p,
        "method": lift.method,
        "test": lift.test,
        "detectable": lift.detectable,
        "others": {method: list(interval) for method, interval in lift.others.items()},
    }


def _outcomes(metrics: list[str], values: list[str]) -> list[Outcome]:
    worth = {name: _amount("--value-per", text) for name, text in map(_pair("--value-per"), values)}
    found: dict[str, Outcome] = {}
    for text in metrics:
        match = _METRIC.fullmatch(text)
        if match is None:
            raise typer.BadParameter(f"{text!r} is not NAME=COLUMN:rate or NAME=COLUMN:mean", param_hint="--metric")
        name, column, measure = match.groups()
        if name in found:
            raise typer.BadParameter(f"{name} is named twice", param_hint="--metric")
        price = worth.pop(name, None)
        kind: Measure = "rate" if measure == "rate" else "mean"
        found[name] = Outcome(name, column, kind, None if price is None else float(price))
    if worth:
        named = ", ".join(found)
        raise typer.BadParameter(f"{', '.join(worth)} is no --metric; there are {named}", param_hint="--value-per")
    return list(found.values())


def _pair(option: str) -> Callable[[str], tuple[str, str]]:
    def split(text: str) -> tuple[str, str]:
        name, sign, value = text.rpartition("=")
        if not (name and sign and value):
            raise typer.BadParameter(f"{text!r} is not NAME=X", param_hint=option)
        return name, value

    return split


def _amount(option: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter(f"{text!r} is not an amount of 0 or more", param_hint=option)
    return amount


def _plain(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _tell_rejected(measured: Measured) -> None:
    for problem in measured.rejected[:10]:
        typer.echo(f"left out: {problem.file}:{problem.line}: {problem.message}", err=True)
    if measured.rejected_count > 10:
        typer.echo(f"left out: {measured.rejected_count} rows in all", err=True)


def _print(report: "FileReport") -> None:
    console = Console()
    shown = (*report.arms, report.total) if len(report.arms) > 1 else report.arms
    for name, measure in report.question.measures.items():
        console.print(_table(report, name, measure, shown))
    if report.ratio is not None:
        said = "the groups do not have the planned sizes" if report.ratio.blocks else "the group sizes are as planned"
        console.print(f"Sample ratio: chi2 {report.ratio.chi2:.5f}, p {report.ratio.p:.4f}: {said}")
    for compared in shown:
        earned = compared.money
        if earned.profit is not None:
            between = f"({earned.profit_low:,} to {earned.profit_high:,})"
            console.print(f"Profit of {compared.name}: {earned.profit:,} {between}, cost {earned.cost:,}")
    if report.measured.unassigned:
        console.print(f"{report.measured.unassigned:,} rows name no arm and do not count")
    console.print(f"[b]{report.total.judged.sentence}[/] (judged by {report.question.judged_by})")


def _table(report: "FileReport", name: str, measure: Measure, shown: Sequence["Compared"]) -> Table:
    held = report.control.samples[name]
    among = (
        f"{report.control_name}: {_number(measure, held.mean)} of {held.n:,}" if held.n else "unknown in the control"
    )
    table = Table(title=f"{name} ({among})", title_justify="left", min_width=76)
    table.add_column("arm")
    lift_heading = "lift, points" if measure == "rate" else "lift"
    for heading in ("customers", "value", lift_heading, f"{report.question.confidence:.0%} interval", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for compared in shown:
        sample, lift = compared.group.samples[name], compared.lifts[name]
        value = _number(measure, sample.mean) if sample.n else "–"
        cells = ["–", "nothing to compare", "–"] if lift is None else _cells(measure, lift)
        table.add_row(compared.name, f"{sample.n:,}", value, *cells)
    return table


def _cells(measure: Measure, lift: "Lift") -> list[str]:
    return [
        _points(measure, lift.lift),
        f"{_points(measure, lift.low)} to {_points(measure, lift.high)}",
        f"{lift.p:.2g}",
    ]


def _number(measure: Measure, value: float) -> str:
    return f"{value:.3%}" if measure == "rate" else f"{value:,.4f}"


def _points(measure: Measure, lift: float) -> str:
    """A difference of rates is in percentage points."""
    return f"{lift * 100:+.3f}" if measure == "rate" else f"{lift:+,.4f}"

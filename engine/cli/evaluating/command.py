"""`countersign evaluate`: a finished campaign judged from any outcome file (FILE.csv or FILE.csv.gz).

Prints a table, or with --json one object for scripts; --html writes a page beside it. Refuses to print an uplift where
the file has no control group.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.evaluation.metrics import Measure
from engine.values import Language
from engine.warehouse.outcomes import Measured, Outcome

if TYPE_CHECKING:
    from engine.service.outcome_files import FileReport

_METRIC = re.compile(r"([^=:\s][^=:]*)=(.+):(rate|mean)")


def evaluate(
    file: Annotated[Path, typer.Argument(help="One row per customer; CSV, may be packed with gzip.")],
    *,
    arm: Annotated[str, typer.Option(help="Column that names each customer's arm.")],
    metric: Annotated[list[str], typer.Option(help="NAME=COLUMN:rate or NAME=COLUMN:mean; the first is judged.")],
    control: Annotated[str | None, typer.Option(help="Value of the arm column that marks the control group.")] = None,
    by: Annotated[list[str] | None, typer.Option(help="Column of subgroups: a table of lifts per value.")] = None,
    cost_per_contact: Annotated[
        list[str] | None, typer.Option(help="What one target customer cost: X for all arms, or ARM=X.")
    ] = None,
    value_per: Annotated[list[str] | None, typer.Option(help="NAME=X: what one unit of the metric is worth.")] = None,
    share: Annotated[list[str] | None, typer.Option(help="ARM=X: planned relative size; by default all equal.")] = None,
    messaged: Annotated[
        str | None, typer.Option(help="Column that says (yes, no) who got a message; counts those in control.")
    ] = None,
    messaged_at_most: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of the control group that may have; above it no verdict.")
    ] = None,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="Confidence of the intervals.")] = 0.95,
    currency: Annotated[str, typer.Option(help="Sign before amounts of money.")] = "",
    language: Annotated[Language, typer.Option("--language", help="Language of table and page: zh or en.")] = "en",
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one page to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Evaluate a finished campaign from an outcome file: lift of every arm over the control group, money, verdict."""
    if messaged_at_most is not None and messaged is None:
        raise typer.BadParameter("needs --messaged COLUMN", param_hint="--messaged-at-most")
    if html is not None and html.exists() and file.exists() and html.samefile(file):
        raise typer.BadParameter(f"{html} is the file to judge; name another for the page", param_hint="--html")
    cost, costs = _costs(cost_per_contact or [])
    # statsmodels takes 1.3 s to import; no other command should wait for it.
    from engine.service.outcome_files import Asked, evaluated  # noqa: PLC0415

    asked = Asked(
        arm=arm,
        control=control,
        outcomes=_outcomes(metric, value_per or []),
        cost=cost,
        costs=costs,
        planned={name: float(_amount("--share", text)) for name, text in map(_pair("--share"), share or [])},
        by=list(dict.fromkeys(by or [])),
        messaged=messaged,
        messaged_at_most=messaged_at_most,
        confidence=confidence,
        currency=currency,
    )
    report = evaluated(file, asked)
    if report.measured.rejected_count:
        _tell_rejected(report.measured)
    if html is not None:
        _write(html, report, language)
    if as_json:
        from engine.cli.evaluating.as_json import as_object  # noqa: PLC0415

        typer.echo(json.dumps(as_object(report, language), ensure_ascii=False, allow_nan=False))
    else:
        from engine.cli.evaluating.as_table import show  # noqa: PLC0415

        show(report, language)


def _write(path: Path, report: "FileReport", language: Language) -> None:
    from engine.cli.evaluating.as_page import page  # noqa: PLC0415

    try:
        path.write_text(page(report, language), encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}", param_hint="--html") from error


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


def _costs(texts: list[str]) -> tuple[Decimal, dict[str, Decimal]]:
    """The cost of every arm, and of those that are named."""
    option = "--cost-per-contact"
    plain = [text for text in texts if "=" not in text]
    if len(plain) > 1:
        raise typer.BadParameter("one amount for all arms; others as ARM=X", param_hint=option)
    named = dict(_pair(option)(text) for text in texts if "=" in text)
    every = _amount(option, plain[0]) if plain else Decimal()
    return every, {name: _amount(option, text) for name, text in named.items()}


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


def _tell_rejected(measured: Measured) -> None:
    for problem in measured.rejected[:10]:
        typer.echo(f"left out: {problem.file}:{problem.line}: {problem.message}", err=True)
    if measured.rejected_count > 10:
        typer.echo(f"left out: {measured.rejected_count} rows in all", err=True)

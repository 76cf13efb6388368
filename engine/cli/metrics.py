"""`countersign metrics`: what every figure means, and figures over the facts, as pages and REST give them."""

from typing import Annotated, Any

import msgspec
import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from engine.cli.opening import application_as_it_is
from engine.cli.persons import person
from engine.errors import InvalidForm, Problem
from engine.service import metrics as service
from engine.service.metrics import Answer, AnswerRow, Cell, MetricView, Wanted
from engine.service.recording import OPERATOR, By

app = typer.Typer(no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def metrics() -> None:
    """Metrics: what each one means, and its figures."""


@app.command("list")
def listed(*, as_json: Json = False) -> None:
    """All metrics and dimensions."""
    view = service.catalogue()
    if as_json:
        typer.echo(_json(view))
        return
    table = Table("metric", "中文", "English", "unit", "dimensions", box=None, pad_edge=False)
    for one in view.metrics:
        table.add_row(one.name, one.label.zh, one.label.en, one.unit, ", ".join(one.dimensions))
    Console(highlight=False).print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="As `list` gives it.")], *, as_json: Json = False) -> None:
    """One metric: its formula in words and in SQL."""
    one = next((each for each in service.catalogue().metrics if each.name == name), None)
    if one is None:
        there = ", ".join(each.name for each in service.catalogue().metrics)
        raise InvalidForm([Problem("E430", f"no metric is called {name}", f"there are {there}", "metrics")])
    typer.echo(_json(one) if as_json else _told(one))


@app.command()
def query(
    names: Annotated[str, typer.Argument(metavar="METRICS", help="One, or several with commas.")],
    *,
    by: Annotated[str, typer.Option(help="Dimensions, with commas: office,month.")] = "",
    where: Annotated[list[str] | None, typer.Option(help="DIMENSION=VALUE[,VALUE…]; may be repeated.")] = None,
    since: Annotated[str, typer.Option(help="The first day, as 2026-11-01.")] = "",
    until: Annotated[str, typer.Option(help="The last day.")] = "",
    as_person: Annotated[str, typer.Option("--as", help="What this person may see; without it, every case.")] = "",
    sql: Annotated[bool, typer.Option("--sql", help="Also print the statement.")] = False,
    as_json: Json = False,
) -> None:
    """Figures over the facts as they were refreshed last."""
    filters: dict[str, tuple[str, ...]] = {}
    for one in where or []:
        name, sign, values = one.partition("=")
        if not sign:
            raise InvalidForm([Problem("E432", f"{one!r} is no filter", "write DIMENSION=VALUE", "where")])
        filters[name.strip()] = (*filters.get(name.strip(), ()), *values.split(","))
    wanted = Wanted(_split(names), _split(by), filters, since, until)
    with application_as_it_is() as opened:
        who = By(person(opened, as_person), "cli") if as_person else OPERATOR
        answer = service.ask(opened, who, wanted, sql=sql)
    if as_json:
        typer.echo(_json(answer))
        return
    _print(answer)


def _print(answer: Answer) -> None:
    headings = [*answer.by]
    for name in answer.metrics:
        headings += [name, "of"]
    table = Table(*headings, box=None, pad_edge=False)
    for row in answer.rows:
        table.add_row(*_names(row), *(text for cell in row.cells for text in _figure(cell)))
    Console(highlight=False, soft_wrap=True).print(table)
    typer.echo(f"as of {answer.as_of.isoformat()}" if answer.as_of else "nothing yet: run `countersign facts refresh`")
    if answer.cut:
        typer.echo("there are more rows; ask by fewer dimensions, or with a filter")
    if answer.sql:
        typer.echo(answer.sql)


def _names(row: AnswerRow) -> list[str]:
    return [label.in_language("en") or "-" for label in row.labels]


def _figure(cell: Cell) -> tuple[str, str]:
    if cell.low is not None and cell.high is not None and cell.value is not None:
        return f"{cell.value:.4f} ({cell.low:.4f} to {cell.high:.4f})", f"{cell.numerator} / {cell.denominator}"
    return "-" if cell.value is None else f"{cell.value:,.10g}", f"{cell.denominator:,}"


def _told(one: MetricView) -> str:
    return "\n".join(
        (
            f"{one.name}: {one.label.en} / {one.label.zh} ({one.unit}, over {one.fact})",
            f"{one.says.en} / {one.says.zh}",
            f"numerator: {one.numerator}",
            f"denominator: {one.denominator}",
            f"by: {', '.join(one.dimensions)}",
        )
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    assert isinstance(value, BaseModel)
    return value.model_dump()

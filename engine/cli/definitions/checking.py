"""`countersign definitions check`: every problem of a file at once, for people, scripts and editors."""

import dataclasses
from pathlib import Path
from typing import Annotated

import orjson
import typer

from engine import clock
from engine.cli.definitions.files import checked, counted
from engine.cli.definitions.organisations import HELP, organisation_named
from engine.definition.saying import told
from engine.definition.staffing import Staff
from engine.service.wording import rules_of
from engine.settings import Settings
from engine.values import Language


def check(
    files: Annotated[list[Path], typer.Argument(help="Definitions (YAML)", show_default=False)],
    organisation: Annotated[str, typer.Option("--organisation", help=f"Whose people are asked: {HELP}")] = "",
    language: Annotated[Language, typer.Option("--language", help="Language of messages and hints: en or zh")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of problems")] = False,
) -> None:
    """List every problem of each FILE as FILE:LINE:COLUMN: CODE message (hint). Exit code 1 if one is an error.

    With --organisation, also the roles that nobody holds there, or not for every office.
    """
    staff = Staff(organisation_named(organisation).people, clock.now()) if organisation else None
    content = rules_of(Settings())
    problems = [told(problem, language) for file in files for problem in checked(file, staff, content).problems]
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        rows = [{k: v for k, v in dataclasses.asdict(problem).items() if k != "fields"} for problem in problems]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    else:
        for problem in problems:
            typer.echo(str(problem))
        warned = len(problems) - errors
        typer.echo(f"{len(files)} checked: {counted(errors, 'error')}, {counted(warned, 'warning')}", err=True)
    if errors:
        raise typer.Exit(1)

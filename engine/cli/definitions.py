"""`countersign definitions …`: check definitions before anybody publishes them."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from engine.definition.check import check as check_text
from engine.errors import InvalidFile, Problem

app = typer.Typer(no_args_is_help=True)


@app.callback()
def definitions() -> None:
    """Check definitions."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Definitions (YAML)", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array of problems")] = False,
) -> None:
    """List every problem of each FILE as FILE:LINE:COLUMN: CODE message (hint). Exit code 1 if one is an error."""
    problems = [problem for file in files for problem in check_text(_text_of(file), str(file)).problems]
    if as_json:
        rows = [{k: v for k, v in dataclasses.asdict(problem).items() if k != "fields"} for problem in problems]
        sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        for problem in problems:
            typer.echo(str(problem))
        errors = sum(problem.severity == "error" for problem in problems)
        warnings = len(problems) - errors
        typer.echo(f"{len(files)} checked: {errors} errors, {warnings} warnings", err=True)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidFile([Problem("E100", f"{file} cannot be read: {reason}", "name a YAML file")]) from None
    except UnicodeDecodeError as error:
        raise InvalidFile([Problem("E100", f"{file} is not UTF-8 text", f"byte {error.start} is the first")]) from None

"""`countersign definitions test`: the scenarios of a definition, played; what they cover, and what nobody has tried."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from engine.cli.definitions.files import checked
from engine.definition.scenario_run import Report, Result, run_scenarios
from engine.errors import Problem

_KINDS = {"rows": "route rows", "conditions": "conditions", "steps": "steps", "decisions": "decisions"}


def test(
    files: Annotated[list[Path], typer.Argument(help="Definitions (YAML)", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file, in an array")] = False,
) -> None:
    """Play the scenarios under `tests:` of each FILE with invented people and a clock of their own.

    Prints what passed, what did not with its line, and which rows, conditions and steps are not covered. Exit code 1
    if a scenario fails, a file has none, or a definition is wrong.
    """
    told: list[dict[str, Any]] = []
    failed = False
    for file in files:
        found = checked(file)
        errors = found.reasons
        report = run_scenarios(found.definition, found.document, str(file)) if found.definition else None
        if report is not None and not report.results:
            errors.append(Problem("E902", "there are no scenarios", "write them under tests:", str(file)))
        failed = failed or bool(errors) or not (report and report.passed)
        if as_json:
            told.append(_as_json(file, errors, report))
        else:
            _print(file, errors, report)
    if as_json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    if failed:
        raise typer.Exit(1)


def _print(file: Path, errors: list[Problem], report: Report | None) -> None:
    for problem in errors:
        typer.echo(str(problem))
    if report is None or not report.results:
        return
    for result in report.results:
        typer.echo(f"{'pass' if result.passed else 'FAIL'}  {result.name}{_filled(result)}")
        for problem in result.problems:
            typer.echo(f"      {problem}")
    passed = sum(result.passed for result in report.results)
    typer.echo(f"{file}: {passed} of {len(report.results)} scenarios pass")
    counts = report.coverage.counts()
    covered = ", ".join(f"{_KINDS[kind]} {n} of {of}" for kind, (n, of) in counts.items())
    typer.echo(f"  covered: {covered}")
    for words in report.coverage.missing():
        typer.echo(f"  not covered: {words}")


def _filled(result: Result) -> str:
    names = ", ".join(result.filled)
    return f"  (filled in: {names})" if names else ""


def _as_json(file: Path, errors: list[Problem], report: Report | None) -> dict[str, Any]:
    results = report.results if report else ()
    return {
        "file": str(file),
        "passed": bool(report and report.passed and not errors),
        "problems": [_problem(problem) for problem in errors],
        "scenarios": [
            {
                "name": result.name,
                "line": result.line,
                "passed": result.passed,
                "filled": result.filled,
                "problems": [_problem(problem) for problem in result.problems],
            }
            for result in results
        ],
        "coverage": {kind: {"covered": n, "of": of} for kind, (n, of) in report.coverage.counts().items()}
        if report
        else {},
        "not_covered": list(report.coverage.missing()) if report else [],
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {name: value for name, value in dataclasses.asdict(problem).items() if name != "fields"}

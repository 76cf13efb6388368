"""The program `countersign`: one command per noun. Errors end in one sentence that says what to do, never a trace."""

import sys

import typer
from rich.console import Console

from engine.cli import (
    audience,
    audit,
    calendar,
    cases,
    data,
    database,
    definitions,
    evaluate,
    offices,
    people,
    serve,
    up,
)
from engine.cli.demo import command as demo
from engine.errors import CountersignError, Invalid

app = typer.Typer(
    help="Countersign 会签: a workflow and approval engine for marketing campaigns.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(definitions.app, name="definitions", help="Check and try definitions.")
app.add_typer(data.app, name="data", help="Import and verify customers.")
app.add_typer(audience.app, name="audience", help="Select target customers.")
app.add_typer(database.app, name="database", help="Migrate and verify the case database.")
app.add_typer(people.app, name="people", help="Add offices and people.")
app.add_typer(offices.app, name="offices", help="Import and export offices.")
app.add_typer(audit.app, name="audit", help="Verify the histories; signed checkpoints.")
app.add_typer(calendar.app, name="calendar", help="Working days of your own.")
app.add_typer(cases.app, name="cases", help="Look at cases.")
app.command("evaluate")(evaluate.evaluate)
app.command("up")(up.up)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)


def run() -> None:
    """Run the program; an error of ours ends it with exit code 1."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        app()
    except Invalid as error:
        for problem in error.problems:
            console.print(str(problem), markup=False)
        sys.exit(1)
    except CountersignError as error:
        console.print(error.message, markup=False)
        sys.exit(1)


if __name__ == "__main__":
    run()

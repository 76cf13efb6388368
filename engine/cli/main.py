"""The program `countersign`: one command per noun. Errors end in one sentence that says what to do, never a trace.

A noun's module is imported when it is called: all of them together take seconds.
"""

import gc
import sys
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from engine.errors import CountersignError, Invalid

# Where a noun's commands are: a module with a group `app`, or module:function for a single command.
NOUNS = {
    "definitions": "engine.cli.definitions",
    "data": "engine.cli.data",
    "audience": "engine.cli.audience",
    "database": "engine.cli.database",
    "people": "engine.cli.people",
    "offices": "engine.cli.offices",
    "audit": "engine.cli.audit",
    "calendar": "engine.cli.calendar",
    "cases": "engine.cli.cases",
    "evaluate": "engine.cli.evaluate:evaluate",
    "up": "engine.cli.up:up",
    "serve": "engine.cli.serve:serve",
    "demo": "engine.cli.demo.command:demo",
}


class Nouns(TyperGroup):
    """The group of all nouns, each imported on demand."""

    @property
    def commands(self) -> Any:
        """All of them, for whoever walks through the program; imports everything."""
        return {noun: self._load(noun) for noun in NOUNS}

    @commands.setter
    def commands(self, none_yet: Any) -> None:
        """The group begins without commands of its own."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The nouns in their order."""
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a noun; None where there is no such noun."""
        return self._load(cmd_name) if cmd_name in NOUNS else None

    def _load(self, noun: str) -> Any:
        module, _, function = NOUNS[noun].partition(":")
        gc.disable()  # what is loaded stays; looking through it for garbage takes a sixth of the time
        try:
            found = import_module(module)
        finally:
            gc.enable()
        group = typer.Typer() if function else found.app
        if function:
            group.command(noun)(getattr(found, function))
        command = typer.main.get_command(group)
        command.name = noun
        return command


app = typer.Typer(
    cls=Nouns,
    help="Countersign 会签: a workflow and approval engine for marketing campaigns.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def program() -> None:
    """Countersign 会签: a workflow and approval engine for marketing campaigns."""


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

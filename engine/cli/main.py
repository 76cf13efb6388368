"""The program `countersign`: one command per noun. Errors end in one sentence that says what to do, never a trace.

A noun's module is imported when it is called: all of them together take seconds.
"""

import gc
import sys
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from engine.errors import CountersignError, Invalid

# Where a noun's commands are: a module with a group `app`, or module:function for a single command; and what the list
# of nouns says about it, so that `--help` imports none of them.
NOUNS = {
    "definitions": ("engine.cli.definitions", "Check, try, compare and publish definitions."),
    "data": ("engine.cli.data", "Import and look at the customer dataset."),
    "audience": ("engine.cli.audience", "Select target customers."),
    "customers": ("engine.cli.customers", "Take customers out of everything, on request."),
    "calls": ("engine.cli.calls", "Outbound calls."),
    "delivery": ("engine.cli.delivery", "What comes back from customers, proofs, seeds, and the sums of deliveries."),
    "holdout": ("engine.cli.holdout", "The share of customers whom no case contacts."),
    "budget": ("engine.cli.budget", "What offices may spend in a year on their cases."),
    "costs": ("engine.cli.costs", "What messages cost, by channel, provider and day."),
    "policy": ("engine.cli.policy", "How often a customer may be contacted."),
    "arbitration": ("engine.cli.arbitration", "Which case gets the customers that several want."),
    "offers": ("engine.cli.offers", "Offers and tariffs, with their versions."),
    "database": ("engine.cli.database", "Migrate, verify, back up and restore the case database."),
    "people": ("engine.cli.people", "Offices and people."),
    "offices": ("engine.cli.offices", "Offices."),
    "audit": ("engine.cli.audit", "Who did what, and whether the histories are what was written."),
    "calendar": ("engine.cli.calendar", "Working days of your own."),
    "cases": ("engine.cli.cases", "Look at cases."),
    "facts": ("engine.cli.facts", "Keep the facts that dashboards and metrics are counted over."),
    "metrics": ("engine.cli.metrics", "Metrics: what each one means, and its figures."),
    "evaluate": (
        "engine.cli.evaluation",
        "Evaluate a finished campaign from an outcome file (`countersign evaluate FILE ...`), or verify a report.",
    ),
    "process": (
        "engine.cli.process:process",
        "Say how a process went by its log: lead times, variants, rework, who was at work.",
    ),
    "export": (
        "engine.cli.export:export",
        "Event logs of cases for process mining; nothing that people wrote, and so no customer, is in them.",
    ),
    "up": ("engine.cli.up:up", "Start pages, flows and their Prefect server; stop all of them together."),
    "serve": (
        "engine.cli.serve:serve",
        "Serve the pages and the REST API until SIGTERM or Ctrl-C. Notices and deliveries need `countersign up`.",
    ),
    "worker": (
        "engine.cli.worker:worker",
        "Send running waves beside the flows, until SIGTERM or Ctrl-C. Start as many as you like; PostgreSQL only.",
    ),
    "demo": (
        "engine.cli.demo.command:demo",
        "Run a whole case, from the proposal to the close-out, on servers of its own.",
    ),
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

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of nouns with a line each, without importing them."""
        lines: dict[str, Any] = {noun: TyperCommand(noun, help=line) for noun, (_, line) in NOUNS.items()}
        plain = TyperGroup(name=self.name, commands=lines, params=self.params, help=self.help, rich_markup_mode="rich")
        plain.format_help(ctx, formatter)

    def _load(self, noun: str) -> Any:
        module, _, function = NOUNS[noun][0].partition(":")
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

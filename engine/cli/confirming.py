"""`confirm` and `refuse` of what takes four eyes, the same for every noun that has versions."""

from typing import Annotated, Protocol

import typer

from engine.cli.opening import application
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By


class Decide(Protocol):
    """The use case that confirms or refuses a version."""

    def __call__(self, app: Countersign, by: By, version: int, *, confirm: bool) -> None: ...


def add_decisions(app: typer.Typer, decide: Decide) -> None:
    """Give a noun both commands."""

    @app.command()
    def confirm(version: Annotated[int, typer.Argument(help="The version that an administrator proposed.")]) -> None:
        """Confirm what an administrator proposed; it holds from now on."""
        with application() as opened:
            decide(opened, OPERATOR, version, confirm=True)
        typer.echo(f"Version {version} is in force.")

    @app.command()
    def refuse(version: Annotated[int, typer.Argument(help="The version that waits.")]) -> None:
        """Refuse or take back what waits; nothing changes."""
        with application() as opened:
            decide(opened, OPERATOR, version, confirm=False)
        typer.echo(f"Version {version} is refused.")

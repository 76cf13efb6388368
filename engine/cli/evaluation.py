"""`countersign evaluate FILE` judges an outcome file; `countersign evaluate verify CASE` counts again what the signed
report on a closed case was made from.

`verify` ends with 1 where something differs. Refuses to write anything.
"""

import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from engine.cli.evaluating.command import evaluate
from engine.cli.opening import application
from engine.errors import InvalidFile, NotFound, Problem


class FileOrVerb(TyperGroup):
    """What is no command of the group is the file to judge, with its options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See TyperGroup."""
        is_verb = not args or args[0] in self.commands or args == ["--help"]
        return super().parse_args(ctx, args if is_verb else ["file", *args])


app = typer.Typer(cls=FileOrVerb, no_args_is_help=True, add_completion=False)
app.command("file")(evaluate)


@app.callback()
def _evaluate() -> None:
    """Evaluate a finished campaign from an outcome file (`countersign evaluate FILE ...`), or verify a report."""


@app.command()
def verify(
    case: Annotated[str, typer.Argument(help="The number or id of a closed case.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count everything that the signed report on CASE was made from again, and name the first that differs."""
    from engine.service import closing  # noqa: PLC0415  # judging a file needs no cases

    with application() as opened:
        try:
            found = closing.verify(opened, None, case)
        except NotFound:
            hint = "write the number of a case that was closed with a report"
            raise InvalidFile([Problem("case", f"there is no report on a closed case {case!r}", hint)]) from None
    if as_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, default=str))
    else:
        signed = f"signed by {found.signed_by}" if found.signed_by else "closed without a signature"
        typer.echo(f"Report {found.digest} on {found.case}, as of {found.as_of:%Y-%m-%d %H:%M:%S %Z}, {signed}")
        for one in found.inputs:
            now = "" if one.rows == one.rows_now else f", now {one.rows_now:,}"
            typer.echo(f"{'same   ' if one.is_same else 'DIFFERS'}  {one.name}: {one.rows:,}{now}")
        typer.echo(f"The first that differs: {found.differs}" if found.differs else "Nothing differs.")
    if found.differs:
        sys.exit(1)

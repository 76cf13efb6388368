"""`countersign audit`: check every history, export a signed checkpoint, hold one against the database."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine.service import auditing, checkpoints
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.settings import Settings
from engine.store.history import Broken

app = typer.Typer(no_args_is_help=True)

_Checkpoint = Annotated[Path | None, typer.Option("--checkpoint", help="Also hold this checkpoint against them.")]
_Key = Annotated[str, typer.Option("--key", help="The public key to trust; by default this installation's own.")]


@app.callback()
def _audit() -> None:
    """Who did what, and whether the histories are what was written."""


@app.command()
def verify(checkpoint: _Checkpoint = None, key: _Key = "") -> None:
    """Check the history of every case and of the organisation. Names the first bad entry of each; exit code 1 then."""
    opened, out = Countersign.open(Settings()), Console(highlight=False, soft_wrap=True)
    broken: list[Broken] = []
    checked, after = 0, ""
    try:
        while True:
            part = auditing.verify(opened, OPERATOR, after)
            broken += part.broken
            checked, after = checked + part.checked, part.next
            if not after:
                break
        if checkpoint is not None:
            compared = checkpoints.compare(opened, OPERATOR, checkpoint.read_bytes(), str(checkpoint), key)
            broken += compared.broken
            out.print(f"Checkpoint of {compared.at:%Y-%m-%d %H:%M}: {compared.cases} cases.", markup=False)
        erased = auditing.erased_from(opened, OPERATOR)
    finally:
        opened.close()
    for found in broken:
        where = found.case_id if found.case_id == "organisation" else f"case {found.case_id}"
        out.print(f"{where}, entry {found.seq}: {found.reason}", markup=False)
    if erased:
        out.print(f"{erased} entries of the organisation are without a customer who was erased, as certificates say.")
    out.print(f"{checked} cases and the organisation verified, {len(broken)} broken.")
    raise typer.Exit(1 if broken else 0)


@app.command("checkpoint")
def checkpoint_(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write a signed checkpoint of every history; keep it where nobody who can write the database can write."""
    opened = Countersign.open(Settings())
    try:
        file.write_bytes(checkpoints.export(opened, OPERATOR))
        public = checkpoints.public_key(opened.settings)
    finally:
        opened.close()
    typer.echo(f"{file} is signed with the key {public}")

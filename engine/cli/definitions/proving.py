"""`countersign definitions prove`: the answer to every guarantee, and the rows nothing sure can be said about."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.definitions.files import Folder, counted, text_of
from engine.definition.check import check
from engine.errors import InvalidDefinition


def prove(files: Annotated[list[Path], typer.Argument(help="Definitions (YAML)", show_default=False)]) -> None:
    """Answer each guarantee of each FILE: proved, refuted by a case that the machine ran, or not decided and why.

    Rows of the route table about which nothing sure can be said are listed too. Exit code 1 if one is refuted.
    """
    # the solver takes a moment to load, and only this command and a check with something to prove need it
    from engine.definition.prove_guarantees import NotDecided, Proved, Prover, Refuted  # noqa: PLC0415  # slow to load

    refuted = 0
    for file in files:
        found = check(text_of(file), str(file), Folder(file.parent), prove=False)
        definition = found.definition
        if definition is None:
            raise InvalidDefinition(found.reasons)
        prover = Prover(definition)
        if not definition.guarantees:
            typer.echo(f"{file}: there are no guarantees (write them under guarantees:)", err=True)
        for guarantee, answer in zip(definition.guarantees, prover.answers, strict=True):
            match answer:
                case Proved(cases=cases):
                    said = f"proved, over {counted(cases, 'kind')} of form"
                case Refuted():
                    said, refuted = f"REFUTED: {answer}", refuted + 1
                case NotDecided(reason=reason):
                    said = f"not decided: {reason}"
            typer.echo(f"{file}: {guarantee}: {said}")
        for n, proof in enumerate(prover.table.proofs, start=1):
            if proof.undecided:
                typer.echo(f"{file}: row {n} of the route table: not decided: {proof.undecided}")
    if refuted:
        raise typer.Exit(1)

"""`countersign definitions schema` and `reference`: the language as a JSON Schema for editors, as a page for people."""

from pathlib import Path
from typing import Annotated

import typer

from engine.definition.reference import reference_text
from engine.definition.schema import schema_text
from engine.errors import InvalidFile, Problem


def schema(
    output: Annotated[Path | None, typer.Option("--output", help="Write it here instead of printing it")] = None,
) -> None:
    """Print the JSON Schema of definitions."""
    if output is None:
        typer.echo(schema_text(), nl=False)
        return
    write(output, schema_text())


def reference(
    output: Annotated[Path | None, typer.Option("--output", help="Write it here instead of printing it")] = None,
) -> None:
    """Print the reference of the language: every part, key, default and code (Markdown)."""
    if output is None:
        typer.echo(reference_text(), nl=False)
        return
    write(output, reference_text())


def write(output: Path, text: str) -> None:
    """Write a text file. Raises InvalidFile where it cannot be written."""
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidFile([Problem("output", f"{output} cannot be written: {error.strerror or error}")]) from None

"""`countersign definitions schema` and `reference`: the language as a JSON Schema for editors, as a page for people."""

from pathlib import Path
from typing import Annotated

import typer

from engine.definition.reference import reference_text
from engine.definition.schema import schema_text
from engine.errors import InvalidFile, Problem
from engine.values import Language

_Language = Annotated[Language, typer.Option("--language", help="The language of the descriptions: zh or en")]


def schema(
    *,
    language: _Language = "en",
    output: Annotated[Path | None, typer.Option("--output", help="Write it here instead of printing it")] = None,
) -> None:
    """Print the JSON Schema of definitions."""
    if output is None:
        typer.echo(schema_text(language), nl=False)
        return
    write(output, schema_text(language))


def reference(
    *,
    language: _Language = "en",
    output: Annotated[Path | None, typer.Option("--output", help="Write it here instead of printing it")] = None,
) -> None:
    """Print the reference of the language: every part, key, default and code (Markdown)."""
    if output is None:
        typer.echo(reference_text(language), nl=False)
        return
    write(output, reference_text(language))


def write(output: Path, text: str) -> None:
    """Write a text file. Raises InvalidFile where it cannot be written."""
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidFile([Problem("output", f"{output} cannot be written: {error.strerror or error}")]) from None

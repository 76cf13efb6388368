"""`countersign definitions diagram`: a definition as a picture, for people who approve and do not read YAML."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.definitions.files import loaded
from engine.cli.definitions.schemas import write
from engine.definition.diagram import picture
from engine.definition.diagram_mermaid import mermaid
from engine.definition.diagram_svg import svg


class Format(StrEnum):
    """How the picture is written."""

    svg = "svg"
    mermaid = "mermaid"


class Language(StrEnum):
    """The language of its words."""

    zh = "zh"
    en = "en"


def diagram(
    file: Annotated[Path, typer.Argument(help="A definition (YAML)", show_default=False)],
    *,
    form: Annotated[Format, typer.Option("--format", help="As SVG, or as Mermaid text")] = Format.svg,
    chain: Annotated[str, typer.Option("--chain", help="Only this chain")] = "",
    output: Annotated[Path | None, typer.Option("--output", help="Write it here instead of printing it")] = None,
    language: Annotated[Language, typer.Option("--language", help="Language of the labels")] = Language.zh,
) -> None:
    """Draw a definition: route, chains, countersigns, filings with their objections, and the states around them."""
    drawn = picture(loaded(file), chain=chain, language=language.value)
    text = svg(drawn) if form is Format.svg else mermaid(drawn)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write(output, text)

"""Parts of the language to insert into a text: what each is for, in the words of the reference, and an example of it.

The examples are those of the telecom definition, so they are checked with it. Refuses to be complete: the reference
is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from engine.definition.document import Path, read
from engine.definition.reference import at_path, flow
from engine.definition.schema import schema
from engine.definition.texts import SHIPPED
from engine.values import Language

TAKEN_FROM = "telecom-marketing-case"
PLACES: Mapping[str, tuple[str, Path]] = {
    "Text": ("fields:", ("proposal", "fields", "title")),
    "Int": ("fields:", ("proposal", "fields", "reach")),
    "DateRange": ("fields:", ("proposal", "fields", "window")),
    "FormCheck": ("checks:", ("proposal", "checks", 0)),
    "Row": ("route:", ("approval", "route", 0)),
    "Approve": ("chains:", ("approval", "chains", "to_city", 0)),
    "File": ("chains:", ("approval", "chains", "file_city", 0)),
    "Copy": ("chains:", ("approval", "chains", "to_city", 4)),
    "Use": ("chains:", ("approval", "chains", "to_city", 1)),
    "Timeout": ("defaults:", ("approval", "defaults", "timeout")),
    "Empty": ("defaults:", ("approval", "defaults", "empty")),
    "Splitting": ("approval:", ("approval", "splitting")),
    "Drift": ("audience:", ("audience", "drift")),
    "Wave": ("waves:", ("delivery", "waves", 0)),
    "Never": ("guarantees:", ("guarantees", 0)),
    "Always": ("guarantees:", ("guarantees", 3)),
    "Scenario": ("tests:", ("tests", 6)),
}


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part: its name in the reference, the key it stands under, what it is for, and an example."""

    name: str
    under: str
    about: str
    text: str


@cache
def snippets(language: Language) -> tuple[Snippet, ...]:
    """All of them, in the order of a file."""
    parts, source = schema(language)["$defs"], SHIPPED.find(TAKEN_FROM)
    written = read(source.source).value if source is not None else {}
    return tuple(
        Snippet(name, under, str(parts[name].get("description", "")), _line(at_path(written, path), path))
        for name, (under, path) in PLACES.items()
    )


def _line(value: object, path: Path) -> str:
    """As it is written: an entry of a list with its dash, else with its key."""
    last = path[-1]
    return f"- {flow(value)}" if isinstance(last, int) else f"{last}: {flow(value)}"

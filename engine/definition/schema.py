"""The language as JSON Schema, for editors: completion, descriptions, wrong keys underlined while typing.

Made from the models that `check` reads a file with, so it never says anything else. Refuses to replace the check:
names, expressions and soundness are beyond a schema.
"""

from typing import Any

import orjson

from engine.definition.model import Definition

_SHORT: dict[str, dict[str, Any]] = {
    "Blacklist": {"const": "blacklist"},
    "Greylist": {"const": "greylist"},
    "Hours": {"type": "string", "description": "As 09:00-20:00"},
    "engine__delivery__plan__Rate": {"type": "string", "description": "As 2000/min"},
}
"""Parts that may also be written as one word; their models read it before the schema would."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """The schema of a whole definition."""
    made = Definition.model_json_schema(by_alias=True)
    for name, word in _SHORT.items():
        whole = made["$defs"][name]
        made["$defs"][name] = {"description": whole.get("description", ""), "anyOf": [word, whole]}
    _plain_words(made)
    return {"$schema": DIALECT, **made, "title": "Countersign case definition"}


def schema_text() -> str:
    """The schema as a file holds it."""
    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _plain_words(part: Any) -> None:
    """Editors show titles that pydantic makes of names; they say less than the name itself."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        if isinstance(part.get("description"), str):
            part["description"] = " ".join(part["description"].split())
        for inner in part.values():
            _plain_words(inner)
    elif isinstance(part, list):
        for inner in part:
            _plain_words(inner)

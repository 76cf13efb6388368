"""The language as JSON Schema, for editors: completion, descriptions, wrong keys underlined while typing.

Made from the models that `check` reads a file with, so it never says anything else, in English or Chinese. Refuses to
replace the check:
names, expressions and soundness are beyond a schema.
"""

from typing import Any

import orjson

from engine.definition.descriptions import Say, wording
from engine.definition.model import Definition
from engine.values import Language

_SHORT: dict[str, dict[str, Any]] = {
    "Blacklist": {"const": "blacklist"},
    "Lost": {"const": "arbitration"},
    "Greylist": {"const": "greylist"},
    "Hours": {"type": "string", "description": "As 09:00-20:00"},
    "engine__delivery__plan__Rate": {"type": "string", "description": "As 2000/min"},
}
"""Parts that may also be written as one word; their models read it before the schema would."""

_HEAD = ["apiVersion", "kind", "name", "version", "extends"]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(language: Language = "en") -> dict[str, Any]:
    """The schema of a whole definition, described in `language`."""
    say = wording(language)
    made = Definition.model_json_schema(by_alias=True)
    for name, word in _SHORT.items():
        whole = made["$defs"][name]
        made["$defs"][name] = {"description": whole.get("description", ""), "anyOf": [{**word}, whole]}
    _plain_words(made, say)
    parts = made.pop("$defs")
    return {
        "$schema": DIALECT,
        "title": say("Countersign case definition"),
        "description": made.get("description", ""),
        "$defs": parts,
        "if": {"required": ["extends"]},
        "then": _upon_another(made),
        "else": made,
    }


def _upon_another(whole: dict[str, Any]) -> dict[str, Any]:
    """What extends another need not be whole: its head is its own, its sections hold only what they change."""
    own = {name: whole["properties"][name] for name in _HEAD}
    others = {
        name: {"description": part["description"]} if "description" in part else {}
        for name, part in whole["properties"].items()
        if name not in own
    }
    return {"type": "object", "properties": {**own, **others}, "required": _HEAD, "additionalProperties": False}


def schema_text(language: Language = "en") -> str:
    """The schema as a file holds it."""
    return orjson.dumps(schema(language), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _plain_words(part: Any, say: Say) -> None:
    """Descriptions on one line, in the reader's words. Editors show titles that pydantic makes of names; they say less
    than the name itself."""
    if isinstance(part, dict):
        if isinstance(part.get("title"), str):
            del part["title"]
        if isinstance(part.get("description"), str):
            part["description"] = say(" ".join(part["description"].split()))
        for inner in part.values():
            _plain_words(inner, say)
    elif isinstance(part, list):
        for inner in part:
            _plain_words(inner, say)

"""The reference of the language, made of the models that `check` reads a file with.

It has every part, key, type, default and code, in the words of the models and rules themselves or their Chinese; an
example of a part comes from the definitions that come with the product. Refuses to explain how to begin: that is the
tutorial.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache, reduce
from typing import Any

import orjson
from pydantic import BaseModel

from engine.definition.check import OF_THE_WHOLE, PROOFS, RULES, check
from engine.definition.descriptions import Say, wording
from engine.definition.document import Path, read
from engine.definition.findings import LintRule
from engine.definition.schema import schema
from engine.definition.shape import form_of
from engine.definition.texts import SHIPPED
from engine.values import Language

_WIDEST = 150
_OF_EXPRESSIONS = "E300"
"""Stands for whichever of E301 and on the expression itself tells; nobody ever sees it."""
_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}
_BOUNDS = {
    "minimum": " from {}",
    "exclusiveMinimum": " above {}",
    "maximum": " to {}",
    "exclusiveMaximum": " below {}",
}
_HEAD = """# Reference of the definition language · 定义语言参考

Made from the models: `countersign definitions reference --output docs/reference.md`. How to begin stands in the
[tutorial](tutorial.md), what belongs together in [Definition language](definition-language.md). A key in **bold** must
be there; the others have the default that is shown. Examples are taken from the definitions that come with the
product.
"""
_READING = {
    "E100": "a file that cannot be read, or that is no text",
    "E101": "not YAML 1.2",
    "E102": "a key stands twice",
    "E103": "an anchor",
    "E104": "an alias",
    "E105": "a tag or a %YAML line",
    "E106": "the file is too large",
    "E107": "more than 20 levels",
    "E108": "an empty file, or more than one definition in it",
    "E109": "a key that is no text",
    "E110": "a key is missing",
    "E111": "an unknown key",
    "E112": "a value that is not allowed there",
    "E114": "none of the kinds that are possible there",
    "E115": "a sentence of a scenario that cannot be read",
    "E116": "what a guarantee cannot say",
    "E118": "a part that two texts give",
    "E119": "a template or a library where a definition is wanted",
    "E120": "a definition that extends itself",
    "E210": "a text to extend or to import that is not there",
    "E211": "a text that is not of the kind to extend or to import",
    "E301": "an expression that cannot be read",
    "E302": "an unknown name",
    "E303": "a field that is not there",
    "E304": "a type that does not fit the operator or condition",
    "E305": "a result of the wrong type",
    "E306": "a function that is not there",
    "E307": "a function or macro with the wrong arguments",
    "E308": "an expression that is too long or too deep",
    "E309": "a date, time or number in quotes that is none",
    "E310": "what cannot be asked of customers in SQL",
    "E321": "SQL that cannot be read",
    "E322": "SQL that may not be used in a selection: anything but one SELECT without LIMIT, * and the like",
    "E323": "a table that a statement may not read, or a name of a part that is one",
    "E324": "a column that is not there, or in several tables",
    "E325": "a function that a statement may not use",
    "E326": "tables in a statement that no equation of columns ties together",
    "E327": "a statement whose result is not the customer alone",
    "E328": "a statement that is too long or too deep",
    "E329": "a parameter that there is not",
    "E350": "a rule that compares, orders or cuts an address, which is sealed",
    "E351": "a statement that reads more of an address than whether there is one",
    "E601": "a `who` that cannot be read",
    "E701": "no duration",
    "E702": "no hours of the day",
    "E901": "a scenario comes out otherwise (`definitions test`)",
    "E902": "there are no scenarios (`definitions test`)",
}
"""What is found while a file is read or its scenarios are played. The rules say theirs themselves."""


def reference_text(language: Language = "en") -> str:
    """The whole page, as Markdown."""
    say = wording(language)
    return "\n".join([say(_HEAD), *_parts(language, say), *_codes(say)]) + "\n"


def _parts(language: Language, say: Say) -> Iterator[str]:
    whole = schema(language)
    parts: Mapping[str, dict[str, Any]] = whole["$defs"]
    found = _examples()
    root = {**whole["else"], "description": whole["description"]}
    for name in ["Definition", *_reached(root, parts)]:
        part = root if name == "Definition" else parts[name]
        yield f"## {_title(name)}\n"
        yield f"{part.get('description') or say('The whole file.')}\n"
        if "properties" in part:
            yield say("| key | type | default | means |")
            yield "|---|---|---|---|"
            yield from (_row(key, value, part, say) for key, value in part["properties"].items())
            yield ""
        elif words := _type(part, say):
            yield say("Written as {}.").format(words) + "\n"
        if example := found.get(name):
            yield f"    {example}\n"


def _reached(root: dict[str, Any], parts: Mapping[str, dict[str, Any]]) -> list[str]:
    """The names of all parts in the order in which a reader from the top comes to them."""
    order: list[str] = []
    waiting = list(_refs(root))
    while waiting:
        name = waiting.pop(0)
        if name not in order:
            order.append(name)
            waiting = [*_refs(parts[name]), *waiting]
    return order


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"].rsplit("/", 1)[1]
        for key, inner in part.items():
            if key != "discriminator":
                yield from _refs(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _refs(inner)


def _title(name: str) -> str:
    """`engine__definition__steps__AtLeast` -> `AtLeast (steps)`."""
    *folder, last = name.split("__")
    return f"{last} ({folder[-1]})" if folder else last


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", _title(name).lower()).replace(" ", "-")


def _row(key: str, value: dict[str, Any], part: dict[str, Any], say: Say) -> str:
    must = key in part.get("required", ())
    shown = f"**`{key}`**" if must else f"`{key}`"
    means = value.get("description", "")
    default = "" if must else _default(value, say)
    return f"| {shown} | {_cell(_type(value, say))} | {_cell(default)} | {_cell(means)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(value: dict[str, Any], say: Say) -> str:
    given = value.get("default")
    if given in (None, [], {}, "") or (isinstance(given, dict) and not any(given.values())):
        return ""
    if isinstance(given, dict) and given.keys() == {"pattern"}:
        given = given["pattern"]
    text = flow(given)
    return f"`{text}`" if len(text) <= 60 else say("see there")


def _type(value: dict[str, Any], say: Say) -> str:
    """The type in words; parts are links."""
    match value:
        case {"$ref": str(ref)}:
            name = ref.rsplit("/", 1)[1]
            return f"[{_title(name)}](#{_anchor(name)})"
        case {"const": const}:
            return f"`{flow(const)}`"
        case {"enum": [*words]}:
            return say(", ").join(f"`{flow(word)}`" for word in words)
        case {"anyOf": [*several]} | {"oneOf": [*several]}:
            kinds = dict.fromkeys(_type(one, say) for one in several if one.get("type") != "null")
            return reduce(say("{} or {}").format, kinds)
        case {"type": [*several]}:
            return reduce(say("{} or {}").format, (_type({"type": one}, say) for one in several if one != "null"))
        case {"type": "array", "items": dict(items)}:
            return say("list of {}").format(_type(items, say))
        case {"type": "object", "additionalProperties": dict(items)}:
            return say("names, each with {}").format(_type(items, say))
        case {"type": str(kind)}:
            return say(_KINDS[kind]) + _bounds(value, say)
    return say("anything") if value.keys() <= {"default", "description"} else ""


def _bounds(value: dict[str, Any], say: Say) -> str:
    if "pattern" in value:
        return say(" such as `3wd`") if "wd" in value["pattern"] else f" ({_form(value['pattern'], say)})"
    return "".join(say(words).format(value[key]) for key, words in _BOUNDS.items() if key in value)


def _form(pattern: str, say: Say) -> str:
    said = form_of(pattern, say)
    return said.replace(pattern, f"`{pattern}`")


@cache
def _examples() -> dict[str, str]:
    """By part, the example that shows most of its keys and still fits on a line."""
    best: dict[str, tuple[int, str]] = {}
    for name in SHIPPED.names():
        text = SHIPPED.find(name)
        found = check(text.source, text.file, prove=False) if text else None
        if text is None or found is None or found.definition is None:
            continue
        written = read(text.source).value
        for part, path in _walk(found.definition, ()):
            value = at_path(written, path)
            shown = flow(value) if isinstance(value, dict) else ""
            if not shown or len(shown) > _WIDEST:
                continue
            for title in (part.__name__, f"{part.__module__.replace('.', '__')}__{part.__name__}"):
                if len(value) > best.get(title, (0, ""))[0]:
                    best[title] = (len(value), shown)
    return {name: shown for name, (_, shown) in best.items()}


def _walk(value: Any, path: Path) -> Iterator[tuple[type[BaseModel], Path]]:
    match value:
        case BaseModel():
            yield type(value), path
            for name, field in type(value).model_fields.items():
                yield from _walk(getattr(value, name), (*path, field.alias or name))
        case Mapping():
            for key, inner in value.items():
                yield from _walk(inner, (*path, key))
        case tuple() | list():
            for n, inner in enumerate(value):
                yield from _walk(inner, (*path, n))


def at_path(written: Any, path: Path) -> Any:
    """What the file itself says at that path; None where it was filled in or written otherwise."""
    for key in path:
        try:
            written = written[key]
        except (KeyError, IndexError, TypeError):
            return None
    return written


def flow(value: Any) -> str:
    """A value on one line, as YAML."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case Decimal():
            return str(value)
        case str() if re.fullmatch(r"[A-Za-z_一-鿿][\w-]*|[0-9]+[a-z%]+", value) and read(value).value == value:
            return value
    return orjson.dumps(value).decode()


def _codes(say: Say) -> Iterator[str]:
    """Every code with what its rules say; ‹words› stand for what the file says."""
    said: dict[str, list[str]] = {code: [say(message)] for code, message in _READING.items()}
    for rule in (*RULES, *OF_THE_WHOLE, *PROOFS):
        if rule.code == _OF_EXPRESSIONS:
            continue
        messages = said.setdefault(rule.code, [])
        if (message := say(message_of(rule))) not in messages:
            messages.append(message)
    yield say("## Codes") + "\n"
    yield say("E is an error, W a warning. ‹words› stand for what the file says.") + "\n"
    yield say("| code | message |")
    yield "|---|---|"
    yield from (f"| {code} | {_cell(say('; or: ').join(said[code]))} |" for code in sorted(said))


def message_of(rule: LintRule) -> str:
    """What a rule says; ‹words› stand for what the file says."""
    plain = " ".join((type(rule).__doc__ or "").split())
    return re.sub(r"\{(\w+)[^}]*\}", r"‹\1›", plain)

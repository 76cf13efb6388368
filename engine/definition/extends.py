"""A definition that takes over another (`extends:`) or parts of a library (`import:`), as one document.

What is taken over lies beneath, the file's own words above: mappings merge key by key, everything else (a list, a text,
a number) is replaced whole, and null takes a key away (JSON Merge Patch, RFC 7396). `guarantees` alone add up, so that
none is lost in silence; `name`, `version`, `kind` and `tests` are each file's own. Every value keeps the place it came
from. Refuses a definition that leads back to itself, and a part that two texts give.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.definition.document import Document, Path, read
from engine.definition.texts import Text, Texts
from engine.errors import Problem
from engine.expr.naming import names_in
from engine.expr.types import nearest

OWN = ("name", "version", "kind", "tests", "extends", "import")
_HEAD = ("apiVersion", "kind", "name", "version", "title", "description", "calendar", "catalogue", "params", "proposal")
PARTS = ("chains", "blocks", "rules")
LIBRARY = "Library"
DEFINITIONS = ("CaseDefinition", "CaseTemplate")
_USES = {"use": ("blocks", "chains"), "include": ("chains",), "then": ("chains",), "else": ("chains",)}
_NAME = re.compile(r"[a-z][a-z0-9-]{2,59}")


def resolve(document: Document, texts: Texts) -> Document:
    """The document with what it extends and imports in it; itself where it does neither. Problems come with it."""
    if not isinstance(document.value, dict) or not {"extends", "import"} & document.value.keys():
        return document
    return _pruned(_Resolving(texts).whole(document, ()))


class _Resolving:
    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def whole(self, document: Document, above: tuple[str, ...]) -> Document:
        """The document upon its base and its libraries; `above` are the names of those that extend it."""
        value = document.value
        own = replace(document, problems=list(document.problems), texts=dict(document.texts))
        base = self.base(own, (*above, str(value.get("name", "?")))) if "extends" in value else None
        imports = value.get("import")
        libraries = list(self.libraries(own, imports)) if isinstance(imports, list) else []
        own = _without(own, "extends", *(["import"] if isinstance(imports, list) else []))
        beneath = base or Document(own.source, {})
        needed = merged(beneath, own)
        for library in libraries:
            used = _used(needed.value, library.value)
            for part, name in used:
                place = library.place((part, name), key=True)
                known = beneath.keys.get(("approval", part, name), place)
                if known.file != place.file and name not in _part(own.value, part):
                    message = f"{name} is given by {place.file} and by {known.file}"
                    own.problems.append(problem_at("E118", message, "write one of them out in the file itself", place))
            beneath = merged(beneath, _approval_of(library, used))
        whole = merged(beneath, own)
        whole.problems = [*beneath.problems, *own.problems]
        return whole

    def base(self, document: Document, above: tuple[str, ...]) -> Document | None:
        name = document.value["extends"]
        found = text_named(document, self.texts, ("extends",), name, DEFINITIONS)
        if found is None or not isinstance(name, str):
            return None
        if name in above:
            circle = " -> ".join((*above[above.index(name) :], name))
            place = document.place(("extends",))
            document.problems.append(problem_at("E120", f"this extends itself: {circle}", "extend another", place))
            return None
        inner = _Resolving(self.texts).whole(found, above) if _takes_over(found) else found
        kept = _without(inner, *OWN)
        return replace(kept, problems=inner.problems)

    def libraries(self, document: Document, names: list[Any]) -> Iterator[Document]:
        for n, name in enumerate(names):
            found = text_named(document, self.texts, ("import", n), name, (LIBRARY,))
            if found is not None:
                document.problems += found.problems
                yield found


def text_named(document: Document, texts: Texts, path: Path, name: Any, kinds: tuple[str, ...]) -> Document | None:
    """The text named at `path` of the document, read; None, and a problem of it, where there is none of that kind."""
    doing = "import" if "import" in path else "extend"
    place = document.place(path)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        document.problems.append(problem_at("E112", "the name of a definition or library is expected", "", place))
        return None
    text = texts.find(name)
    if text is None:
        hint = nearest(name, texts.names()) or f"{name}.yaml stands in the same folder, or is published"
        document.problems.append(problem_at("E210", f"there is no {name} to {doing}", hint, place))
        return None
    read_in = _read(text)
    kind = read_in.value.get("kind") if isinstance(read_in.value, dict) else None
    if kind not in kinds and not read_in.problems:
        hint = f"import: [{name}]" if kind == LIBRARY else f"extends: {name}" if kind in DEFINITIONS else ""
        document.problems.append(problem_at("E211", f"{name} is nothing to {doing}", hint, place))
        return None
    if not isinstance(read_in.value, dict):
        document.problems += read_in.problems
        return None
    return read_in


def _takes_over(document: Document) -> bool:
    return bool({"extends", "import"} & document.value.keys())


def _read(text: Text) -> Document:
    """A text whose every place says in which file it is."""
    document = read(text.source)
    return replace(
        document,
        places={path: replace(place, file=text.file) for path, place in document.places.items()},
        keys={path: replace(place, file=text.file) for path, place in document.keys.items()},
        problems=[replace(problem, file=text.file) for problem in document.problems],
        texts={text.file: text.source},
    )


def _without(document: Document, *names: str) -> Document:
    """The document without some keys of its top."""
    return replace(
        document,
        value={name: value for name, value in document.value.items() if name not in names},
        places={path: place for path, place in document.places.items() if not path or path[0] not in names},
        keys={path: place for path, place in document.keys.items() if path[0] not in names},
    )


def merged(below: Document, above: Document) -> Document:
    whole = Document(above.source, texts={**below.texts, **above.texts})
    whole.value = _merge(whole, (below, above), ())
    return whole


def _merge(merged: Document, both: tuple[Document, Document], path: Path) -> Any:
    """The value at `path`, of which both have one; its places come along."""
    below, above = both
    lower, upper = _at(below.value, path), _at(above.value, path)
    if path == ("guarantees",) and isinstance(lower, list) and isinstance(upper, list):
        first = copied(merged, below, path, path)
        rest = [copied(merged, above, (*path, n), (*path, len(lower) + n)) for n in range(len(upper))]
        return [*first, *rest]
    if not isinstance(lower, dict) or not isinstance(upper, dict):
        return copied(merged, above, path, path)
    _mark(merged, above if path in above.places else below, path, path)
    value = {}
    for name in (*lower, *(name for name in upper if name not in lower)):
        inner = (*path, name)
        if name not in upper:
            value[name] = copied(merged, below, inner, inner)
        elif name not in lower:
            value[name] = copied(merged, above, inner, inner)
        elif upper[name] is not None:
            value[name] = _merge(merged, both, inner)
    return value


def copied(merged: Document, source: Document, of: Path, to: Path) -> Any:
    _mark(merged, source, of, to)
    value = _at(source.value, of)
    if isinstance(value, dict):
        return {name: copied(merged, source, (*of, name), (*to, name)) for name in value}
    if isinstance(value, list):
        return [copied(merged, source, (*of, n), (*to, n)) for n in range(len(value))]
    return value


def _mark(merged: Document, source: Document, of: Path, to: Path) -> None:
    for there, here in (merged.places, source.places), (merged.keys, source.keys):
        if of in here:
            there[to] = here[of]


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _part(value: Any, part: str) -> dict[str, Any]:
    """The chains, blocks or rules of a definition, as far as they can be read."""
    approval = value.get("approval") if isinstance(value, dict) else None
    found = approval.get(part) if isinstance(approval, dict) else None
    return found if isinstance(found, dict) else {}


def _pruned(document: Document) -> Document:
    """The document without the chains, blocks and rules that are taken over and not used, its head first."""
    if not isinstance(document.value.get("approval"), dict):
        return document
    foreign: dict[str, Any] = {part: {} for part in PARTS}
    own: dict[str, Any] = {**document.value, "approval": dict(document.value["approval"])}
    for part in PARTS:
        given = _part(document.value, part)
        taken = {name for name in given if document.place(("approval", part, name), key=True).file}
        foreign[part] = {name: given[name] for name in given if name in taken}
        own["approval"][part] = {name: given[name] for name in given if name not in taken}
    used = _used(own, foreign)
    approval = dict(document.value["approval"])
    for part in PARTS:
        given = _part(document.value, part)
        left = {n: one for n, one in given.items() if n not in foreign[part] or (part, n) in used}
        if given and not left:
            del approval[part]
        elif given:
            approval[part] = left
    value = {**document.value, "approval": approval}
    first = {name: value[name] for name in _HEAD if name in value}
    return replace(document, value={**first, **value})


def _used(value: Any, library: Any) -> list[tuple[str, str]]:
    """What of a library the definition needs, directly or by what it needs: what it does not use stays outside."""
    own = {part: library.get(part) if isinstance(library.get(part), dict) else {} for part in PARTS}
    found: list[tuple[str, str]] = []
    open_: list[Any] = [value]
    while open_:
        for part, name in _named(open_.pop()):
            if name in own[part] and (part, name) not in found:
                found.append((part, name))
                open_.append(own[part][name])
    return found


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Every name of a chain, block or rule in a value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str):
                yield from ((part, inner) for part in _USES.get(key, ()))
            yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)
    elif isinstance(value, str):
        yield from (("rules", name) for name in names_in(value))


def _approval_of(library: Document, used: list[tuple[str, str]]) -> Document:
    """The used parts of a library where a definition has them."""
    parts = Document(library.source, {"approval": {}}, texts=library.texts)
    for part, name in used:
        parts.value["approval"].setdefault(part, {})[name] = copied(
            parts, library, (part, name), ("approval", part, name)
        )
    return parts


def problem_at(code: str, message: str, hint: str, place: Any) -> Problem:
    return Problem(code, message, hint, line=place.line, column=place.column, file=place.file)

"""A picture as Mermaid text (`flowchart LR`), for pages and editors that draw it themselves.

Labels come from definitions: every sign that Mermaid would read as its own is written as an entity.
"""

from collections.abc import Iterator

from engine.definition.diagram import Box, Lane, Picture

_ENTITIES = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;"}
_SHAPES = {
    "approve": ("[", "]"),
    "file": ("[[", "]]"),
    "copy": ("[/", "/]"),
    "state": ("(", ")"),
    "final": ("((", "))"),
}


def mermaid(picture: Picture) -> str:
    """The picture as a Mermaid flowchart."""
    return "\n".join(_lines(picture)) + "\n"


def _lines(picture: Picture) -> Iterator[str]:
    yield "flowchart LR"
    yield f"  accTitle: {_plain(picture.title)}"
    yield f"  accDescr: {_plain(picture.summary)}"
    for number, lane in enumerate(picture.lanes):
        yield from _lane(lane, number)
    starts = {lane.name: f"c{number}" for number, lane in enumerate(picture.lanes)}
    numbers = {lane.name: number for number, lane in enumerate(picture.lanes)}
    for one in picture.objections:
        if one.to in starts:
            yield f"  {_id(numbers[one.lane], one.step)} -. {_quoted(('objection',))} .-> {starts[one.to]}"
    if picture.columns:
        known = {box.id: f"s{n}" for n, box in enumerate(box for column in picture.columns for box in column)}
        yield '  subgraph states[" "]'
        for column in picture.columns:
            for box in column:
                yield f"    {_node(known[box.id], box)}"
        for way in picture.ways:
            if way.source in known and way.target in known:
                yield f"    {known[way.source]} {'-.->' if way.back else '-->'} {known[way.target]}"
        yield "  end"


def _lane(lane: Lane, number: int) -> Iterator[str]:
    yield f"  c{number}{{{{{_quoted((lane.name, *lane.conditions))}}}}}"
    yield f"  subgraph chain{number}[{_quoted((lane.name,))}]"
    before = [f"c{number}"]
    links = []
    for place, group in enumerate(lane.groups):
        indent = "    "
        if group.title:
            yield f"    subgraph chain{number}_{place}[{_quoted((group.title,))}]"
            indent = "      "
        for box in group.boxes:
            yield f"{indent}{_node(_id(number, box.id), box)}"
        if group.title:
            yield "    end"
        here = [_id(number, box.id) for box in group.boxes]
        links += [f"  {a} --> {b}" for a in before for b in here]
        before = here
    yield "  end"
    yield f"  e{number}([{_quoted((lane.end,))}])"
    yield from links
    yield from (f"  {a} --> e{number}" for a in before)


def _id(lane: int, step: str) -> str:
    # a prefix of our own: `end` and other words of Mermaid may be names of steps
    return f"l{lane}_{step}"


def _node(name: str, box: Box) -> str:
    opens, closes = _SHAPES[box.kind]
    return f"{name}{opens}{_quoted((box.title, *box.lines))}{closes}"


def _quoted(lines: tuple[str, ...]) -> str:
    return '"' + "<br/>".join("".join(_ENTITIES.get(sign, sign) for sign in _plain(line)) for line in lines) + '"'


def _plain(text: str) -> str:
    return " ".join(text.split())

"""A picture as SVG, laid out here: chains are lanes from left to right, states columns below them.

No program outside is needed, the text can be read and searched, and Chinese fonts are named. Every label stands in a
box that is made as large as it needs, so none covers another. Refuses colours as the only sign: kinds also differ in
line and corner, marked steps have words. Refuses style sheets and style attributes too, which the content security
policy keeps a browser from reading where the picture is opened by itself: everything is painted by attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from unicodedata import east_asian_width

from engine.definition.diagram import Box, Lane, Picture
from engine.definition.diagram_routes import Routes

FONTS = "'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei','WenQuanYi Zen Hei',sans-serif"
SIGN, LINE, PAD, GAP = 6.6, 17, 10, 34
BOX, ROUTE, STATE = 214, 300, 150
_TEXT = {"font-family": FONTS, "font-size": "12", "fill": "#1f2933"}
_TEXTS = {
    "t": {"font-weight": "600", "font-size": "13"},
    "h": {"font-weight": "700", "font-size": "18"},
    "s": {"fill": "#52606d"},
}
_BOX = {"fill": "#fff", "stroke": "#52606d", "stroke-width": "1.2"}
_BOXES = {  # a later one wins where a box is of two kinds
    "file": {"fill": "#eef6ff", "stroke": "#1d5fa8", "stroke-dasharray": "6 3"},
    "copy": {"fill": "#f7f7f5", "stroke": "#9aa5b1"},
    "final": {"stroke-width": "2.6"},
    "frame": {"fill": "#fbfaf6", "stroke": "#b7a77a"},
    "cond": {"fill": "#fffbea", "stroke": "#c9a227"},
    "end": {"fill": "#e7f6ec", "stroke": "#2f855a"},
    "current": {"fill": "#fff3d6", "stroke": "#b45309", "stroke-width": "3"},
    "done": {"fill": "#e7f6ec", "stroke": "#2f855a"},
    "heat1": {"fill": "#fffdf5"},
    "heat2": {"fill": "#fff0c2"},
    "heat3": {"fill": "#ffd9a0", "stroke-width": "2"},
    "heat4": {"fill": "#ffbfa3", "stroke": "#b4261e", "stroke-width": "3"},
}
_PATH = {"fill": "none", "stroke": "#52606d", "stroke-width": "1.3"}
_PATHS = {
    "dash": {"stroke-dasharray": "5 4", "stroke": "#1d5fa8"},
    "back": {"stroke-dasharray": "2 3", "stroke": "#9aa5b1"},
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What a case adds to a step or state: `current` or `done` or nothing, or what many add, `heat1` to `heat4`; and
    words such as "2 d, 3 of 5"."""

    state: str = ""
    note: str = ""


def svg(picture: Picture, marks: Mapping[str, Mark] | None = None) -> str:
    """The picture as an SVG document. `marks` by the name of a step or state."""
    return _Canvas(picture, marks or {}).document()


def width_of(text: str) -> float:
    """How wide a text is in the font, on the safe side: a Chinese sign is as wide as two Latin ones."""
    return sum(2 if east_asian_width(sign) in "WF" else 1.02 for sign in text) * SIGN


def wrapped(text: str, width: float) -> list[str]:
    """The text in lines of at most that width: at spaces, and anywhere in Chinese or in a word that is too long."""
    lines, line = [], ""
    for word in _pieces(text):
        if line and width_of(line + word) > width:
            lines.append(line.rstrip())
            line = ""
        piece = word.lstrip() if not line else word
        while width_of(piece) > width:
            cut = next(n for n in range(len(piece), 0, -1) if n == 1 or width_of(piece[:n]) <= width)
            lines.append(piece[:cut])
            piece = piece[cut:]
        line += piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for sign in text:
        wide = east_asian_width(sign) in "WF"
        if pieces and not wide and sign != " " and east_asian_width(pieces[-1][-1]) not in "WF":
            pieces[-1] += sign
        else:
            pieces.append(sign)
    return pieces


class _Canvas:
    def __init__(self, picture: Picture, marks: Mapping[str, Mark]) -> None:
        self.picture = picture
        self.marks = marks
        self.shapes: list[str] = []
        self.lines: list[str] = []
        self.width = 400.0
        self.starts: dict[str, tuple[float, float]] = {}
        self.filings: dict[tuple[str, str], tuple[float, float]] = {}

    def document(self) -> str:
        y = 64.0
        for lane in self.picture.lanes:
            y = self.lane(lane, y) + GAP
        self.objections()
        if self.picture.columns:
            y = self.states(y + 8)
        width, height = round(self.width + 20), round(y + 10)
        title, summary = escape(self.picture.title), escape(self.picture.summary)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc">\n'
            f'<title id="title">{title}</title>\n<desc id="desc">{summary}</desc>\n'
            '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#52606d"/></marker></defs>\n'
            f'<rect width="{width}" height="{height}" fill="#fff"/>\n'
            f"{_written(20, 36, self.picture.title, 'h')}\n" + "\n".join((*self.lines, *self.shapes)) + "\n</svg>\n"
        )

    def lane(self, lane: Lane, y: float) -> float:
        """Draw a chain with its conditions; the height it ends at."""
        conditions = [line for one in lane.conditions for line in wrapped(one, ROUTE - 2 * PAD)]
        heights = [self.group_height(group.boxes, group.title) for group in lane.groups]
        head = (len(conditions) + 1) * LINE + 2 * PAD
        height = max(head, *heights, 60)
        middle = y + height / 2
        self.box(20, middle - head / 2, ROUTE, [lane.name, *conditions], kind="cond")
        x = 20.0 + ROUTE
        self.starts[lane.name] = (x + GAP, middle)
        for group, tall in zip(lane.groups, heights, strict=True):
            self.path(f"M{x} {middle}H{x + GAP}")
            x += GAP
            top = middle - tall / 2
            across = float(BOX + 2 * PAD if group.title else BOX)
            if group.title:
                titles = wrapped(group.title, BOX)
                self.shapes.append(_rect(x, top, across, tall, kind="frame"))
                for n, text in enumerate(titles):
                    self.text(x + PAD, top + 18 + n * LINE, text, "t")
                at = top + PAD + len(titles) * LINE + 6
                for box in group.boxes:
                    at += self.step(x + PAD, at, box, lane.name) + PAD
            else:
                self.step(x, top, group.boxes[0], lane.name)
            x += across
        self.path(f"M{x} {middle}H{x + GAP}")
        wide = max(80.0, width_of(lane.end) + 2 * PAD)
        self.box(x + GAP, middle - 17, wide, [lane.end], kind="end")
        self.width = max(self.width, x + GAP + wide)
        return y + height

    def group_height(self, boxes: tuple[Box, ...], title: str) -> float:
        tall = sum(self.box_height(box, BOX) for box in boxes)
        if not title:
            return tall
        return tall + len(boxes) * PAD + PAD + len(wrapped(title, BOX)) * LINE + 6

    def box_height(self, box: Box, wide: float) -> float:
        return len(self.texts(box, wide)) * LINE + 2 * PAD

    def texts(self, box: Box, wide: float) -> list[str]:
        """The lines of a box, the first one its title."""
        mark = self.marks.get(box.id)
        lines = (*box.lines, mark.note) if mark and mark.note else box.lines
        return [*wrapped(box.title, wide - 2 * PAD), *(part for one in lines for part in wrapped(one, wide - 2 * PAD))]

    def step(self, x: float, y: float, box: Box, lane: str) -> float:
        """Draw a step; its height."""
        tall = self.draw(x, y, BOX, box)
        if box.kind == "file":
            self.filings[lane, box.id] = (x + BOX / 2, y + tall)
        return tall

    def draw(self, x: float, y: float, wide: float, box: Box) -> float:
        mark = self.marks.get(box.id, Mark())
        titles = len(wrapped(box.title, wide - 2 * PAD))
        texts = self.texts(box, wide)
        shown = f"{box.kind} {mark.state}".strip()
        self.shapes.append(_rect(x, y, wide, self.box_height(box, wide), kind=shown, name=box.id))
        for n, text in enumerate(texts):
            self.text(x + PAD, y + PAD + 12 + n * LINE, text, "t" if n < titles else "s")
        return self.box_height(box, wide)

    def box(self, x: float, y: float, wide: float, lines: list[str], *, kind: str) -> None:
        self.shapes.append(_rect(x, y, wide, len(lines) * LINE + 2 * PAD - 3, kind=kind))
        for n, text in enumerate(lines):
            self.text(x + PAD, y + PAD + 12 + n * LINE, text, "s" if n else "t")

    def objections(self) -> None:
        for n, one in enumerate(self.picture.objections):
            start, end = self.filings.get((one.lane, one.step)), self.starts.get(one.to)
            if start is None or end is None:
                continue
            bend = 20 + ROUTE + 8 + 6 * (n % 3)
            self.path(f"M{start[0]} {start[1]}v{12 + 4 * (n % 3)}H{bend}V{end[1] + 6}H{end[0]}", "dash")

    def states(self, top: float) -> float:
        """Draw the states in columns, with a frame around the whole; the height they end at."""
        places: dict[str, tuple[float, float, float, float]] = {}
        wide = STATE if not any(box.lines for column in self.picture.columns for box in column) else BOX + 70
        routes = Routes([[box.id for box in column] for column in self.picture.columns], self.picture.ways)
        first = top + routes.height(routes.above)
        x, low = 20.0 + routes.width(-1), first
        for number, column in enumerate(self.picture.columns):
            y = first
            for box in column:
                tall = self.draw(x, y, wide, box)
                places[box.id] = (x, y, wide, tall)
                low, y = max(low, y + tall), y + tall + GAP
            x += wide + GAP + 16 + routes.width(number)
        self.width = max(self.width, x - GAP)
        for way in routes.direct:
            self.way(places[way.source], places[way.target], back=way.back)
        for path, back in routes.paths(places, first, low):
            self.path(path, "back" if back else "")
        return low + max(GAP, routes.height(routes.below))

    def way(
        self, source: tuple[float, float, float, float], target: tuple[float, float, float, float], *, back: bool
    ) -> None:
        """A line between boxes of neighbouring columns from side to side, within a column from edge to edge."""
        (x, y, wide, tall), (to_x, to_y, _, to_tall) = source, target
        kind = "back" if back else ""
        if to_x > x:
            start, end = (x + wide, y + tall / 2), (to_x, to_y + to_tall / 2)
            middle = (start[0] + end[0]) / 2
            self.path(f"M{start[0]} {start[1]}C{middle} {start[1]} {middle} {end[1]} {end[0]} {end[1]}", kind)
        else:
            shift = 12 if back else -12
            edge = (y + tall, to_y) if to_y > y else (y, to_y + to_tall)
            skips = abs(to_y - y) > tall + to_tall + 2 * GAP
            if skips or (to_y > y and edge[1] - edge[0] > GAP + 1):
                side = x - 14
                self.path(
                    f"M{x} {y + tall / 2}C{side} {y + tall / 2} {side} {to_y + to_tall / 2} {x} {to_y + to_tall / 2}",
                    kind,
                )
            else:
                self.path(f"M{x + wide / 2 + shift} {edge[0]}V{edge[1]}", kind)

    def path(self, d: str, kind: str = "") -> None:
        named = f' class="{kind}"' if kind else ""
        self.lines.append(f'<path d="{d}" marker-end="url(#a)"{named} {_painted(_PATH, _PATHS, kind)}/>')

    def text(self, x: float, y: float, text: str, kind: str) -> None:
        self.shapes.append(_written(x, y, text, kind))


def _rect(x: float, y: float, wide: float, tall: float, *, kind: str, name: str = "") -> str:
    named = f' data-name="{escape(name)}"' if name else ""
    corner = 3 if "copy" in kind or "cond" in kind else 8
    place = f'x="{x:g}" y="{y:g}" width="{wide:g}" height="{tall:g}" rx="{corner}"'
    return f'<rect class="{kind}"{named} {place} {_painted(_BOX, _BOXES, kind)}/>'


def _written(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" {_painted(_TEXT, _TEXTS, kind)}>{escape(text)}</text>'


def _painted(plain: Mapping[str, str], kinds: Mapping[str, Mapping[str, str]], kind: str) -> str:
    """The attributes that paint a shape of these kinds."""
    chosen, names = dict(plain), kind.split()
    for name, more in kinds.items():
        if name in names:
            chosen |= more
    return " ".join(f'{name}="{value}"' for name, value in chosen.items())

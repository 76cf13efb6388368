"""Where the lines between states run, so that none is hidden behind a box.

Neighbouring columns are joined directly. A line to a column further on runs below all boxes, one back above them; all
that lead to the same state share one track. Refuses to know how anything is drawn.
"""

from collections.abc import Mapping, Sequence

from engine.definition.diagram import Way

Rect = tuple[float, float, float, float]
"""x, y, width, height."""

STEP, EDGE, IN = 8, 12, 9
"""Between two tracks, between a box and the first one beside it, and how far from its corner a line meets a box."""


class Routes:
    """The tracks of a picture. A channel is the space right of a column; that left of the first one is -1."""

    def __init__(self, columns: Sequence[Sequence[str]], ways: Sequence[Way]) -> None:
        self.column = {name: number for number, names in enumerate(columns) for name in names}
        known = [way for way in ways if way.source in self.column and way.target in self.column]
        self.onward = [way for way in known if self.column[way.target] > self.column[way.source] + 1]
        self.back = [way for way in known if self.is_back(way)]
        self.direct = [way for way in known if way not in self.onward and way not in self.back]
        self.below = list(dict.fromkeys(way.target for way in self.onward))
        self.above = list(dict.fromkeys(way.target for way in self.back))
        self.channels: dict[int, list[tuple[str, str]]] = {}
        for kind, some in (("on", self.onward), ("back", self.back)):
            for way in some:
                self._use(self.column[way.source], (f"{kind} from", way.source))
                self._use(self.column[way.target] - 1, (f"{kind} to", way.target))

    def is_back(self, way: Way) -> bool:
        """Whether it leads to an earlier column, or to the state that it comes from."""
        return self.column[way.target] < self.column[way.source] or way.source == way.target

    def width(self, channel: int) -> float:
        """How much wider the channel must be for what runs up and down in it."""
        return STEP * len(self.channels.get(channel, ()))

    def height(self, tracks: Sequence[str]) -> float:
        """How much space the tracks below or above take."""
        return STEP * len(tracks) + EDGE if tracks else 0

    def paths(self, places: Mapping[str, Rect], top: float, low: float) -> list[tuple[str, bool]]:
        """Each line that runs around the boxes, and whether it leads back. The boxes lie between `top` and `low`."""
        right = {self.column[name]: x + wide for name, (x, _, wide, _) in places.items()}
        left = min(x for x, *_ in places.values())
        found = []
        for way in (*self.onward, *self.back):
            is_back = way in self.back
            (x, y, wide, tall), (to_x, to_y, _, to_tall) = places[way.source], places[way.target]
            word, tracks = ("back", self.above) if is_back else ("on", self.below)
            place = tracks.index(way.target)
            track = top - EDGE - STEP * place if is_back else low + EDGE + STEP * place
            start, end = (y + IN, to_y + IN) if is_back else (y + tall - IN, to_y + to_tall - IN)
            out = self._across(self.column[way.source], (f"{word} from", way.source), right, left)
            into = self._across(self.column[way.target] - 1, (f"{word} to", way.target), right, left)
            path = f"M{x + wide:g} {start:g}H{out:g}V{track:g}H{into:g}V{end:g}H{to_x:g}"
            found.append((path, is_back))
        return found

    def _across(self, channel: int, key: tuple[str, str], right: Mapping[int, float], left: float) -> float:
        place = self.channels[channel].index(key)
        return (right[channel] if channel >= 0 else left - EDGE - self.width(channel)) + EDGE + STEP * place

    def _use(self, channel: int, key: tuple[str, str]) -> None:
        keys = self.channels.setdefault(channel, [])
        if key not in keys:
            keys.append(key)

"""Lines between states: none runs behind a box, and each leads from its state to its target."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.definition.diagram import Way, picture
from engine.definition.diagram_routes import Routes
from engine.definition.diagram_svg import svg
from engine.definition.load import load
from tests.unit.definition.lifecycle_trials import EVENT
from tests.unit.definition.test_definition_extends_lifecycle import PLAN

ROOT = Path(__file__).resolve().parents[3]
TEXTS = {
    "event": EVENT,
    "plan": PLAN,
    **{
        name: (ROOT / f"definitions/{name}.yaml").read_text("utf-8")
        for name in ("examples/payment-approval", "examples/reviewed-marketing-case", "telecom-marketing-case")
    },
}
_PART = re.compile(r"([MHVCv])([^MHVCv]*)")

_BOX = re.compile(r'data-name="([^"]+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"')

Point = tuple[float, float]


def points(path: str) -> Iterator[Point]:
    """Points along a path, close together."""
    x = y = 0.0
    for letter, rest in _PART.findall(path):
        numbers = [float(one) for one in rest.split()]
        begin = (x, y)
        match letter:
            case "M":
                x, y = numbers
                begin = (x, y)
            case "H":
                x = numbers[0]
            case "V":
                y = numbers[0]
            case "v":
                y += numbers[0]
            case _:
                x, y = numbers[4:]
        for n in range(101):
            t = n / 100
            if letter == "C":
                control = [begin, (numbers[0], numbers[1]), (numbers[2], numbers[3]), (x, y)]
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                yield tuple(sum(w * one[axis] for w, one in zip(weights, control, strict=True)) for axis in (0, 1))  # type: ignore[misc]  # two of them
            else:
                yield begin[0] + (x - begin[0]) * t, begin[1] + (y - begin[1]) * t


@pytest.mark.parametrize("name", TEXTS)
def test_no_line_runs_behind_a_box(name: str) -> None:
    drawn = svg(picture(load(TEXTS[name], prove=False)))
    boxes = {
        one[0]: tuple(map(float, one[1:]))
        for one in re.findall(
            r'data-name="([^"]+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawn
        )
    }
    assert len(boxes) > 4
    lines = re.findall(r'<path d="([^"]+)" marker-end', drawn)
    hidden = [
        (box, line)
        for line in lines
        for px, py in points(line)
        for box, (x, y, wide, tall) in boxes.items()
        if x + 1 < px < x + wide - 1 and y + 1 < py < y + tall - 1
    ]
    assert hidden == []


def test_lines_to_the_same_state_share_a_track_and_others_do_not() -> None:
    columns = [["a"], ["b"], ["c"], ["d", "e"]]
    ways = [Way("a", "d"), Way("b", "d"), Way("a", "e"), Way("d", "b", back=True), Way("a", "b")]
    routes = Routes(columns, ways)
    assert (routes.below, routes.above, routes.direct) == (["d", "e"], ["b"], [Way("a", "b")])
    places = {
        name: (300.0 * n + 40, 100.0 + 80 * m, 200.0, 60.0)
        for n, one in enumerate(columns)
        for m, name in enumerate(one)
    }
    tracks = [re.findall(r"V([\d.]+)", path)[0] for path, _ in routes.paths(places, 100, 240)]
    assert tracks == ["252", "252", "260", "88"]


def test_a_way_back_to_the_state_itself_goes_around_it() -> None:
    (path, back), *_ = Routes([["a"]], [Way("a", "a", back=True)]).paths({"a": (40, 100, 200, 60)}, 100, 160)
    assert back
    assert path.startswith("M240 109H")
    assert path.endswith("H40")


def test_an_event_without_a_name_is_drawn_by_its_target_and_labels_stand_for_names() -> None:
    drawn = picture(load(TEXTS["examples/reviewed-marketing-case"], prove=False), language="en")
    lines = {box.id: box.lines for column in drawn.columns for box in column}
    assert lines["approved"] == ("→ Legal review",)
    assert lines["legal_review"][0] == "Clear (Legal department) → Targeting"
    assert lines["quiet"] == ("Quiet time over → Evaluating",)

"""The state charts of SCION's test framework: our steps rest where SCXML says.

The charts are read as they are (SCXML); guards are the four that the suite uses: true, false, In() and the event's
name. `<log>` says nothing about configurations and is passed over.
"""

import contextlib
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from engine.machine.chart import (
    AnyState,
    Atomic,
    Chart,
    Compound,
    Final,
    Guard,
    History,
    Parallel,
    Situation,
    Transition,
)
from engine.machine.step import macrostep, start
from tests.support import shared

CHARTS: list[Path] = []
with contextlib.suppress(pytest.skip.Exception):  # absent: the first test skips and says so
    CHARTS = sorted(shared("conformance/scion").rglob("*.scxml"))
STATES = {"state", "parallel", "final", "history"}


def test_the_suite_is_complete() -> None:
    shared("conformance/scion")
    assert len([chart for chart in CHARTS if "structural" in chart.parts]) == 93
    assert len([chart for chart in CHARTS if "guarded" in chart.parts]) == 10


@pytest.mark.parametrize("path", CHARTS, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_configuration_is_the_expected_one(path: Path) -> None:
    chart = read_chart(path)
    script = json.loads(path.with_suffix(".json").read_text())
    movement = start(chart, dict)
    assert set(chart.names(movement.active & chart.atomic)) == set(script["initialConfiguration"])
    for step in script["events"]:
        moved = macrostep(chart, movement.active, movement.remembered, step["event"]["name"], dict)
        movement = moved or movement
        assert set(chart.names(movement.active & chart.atomic)) == set(step["nextConfiguration"]), step


def read_chart(path: Path) -> Chart:
    root = ElementTree.parse(path).getroot()
    unnamed = iter(range(1000))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        if element.tag in STATES:
            element.attrib.setdefault("id", f"unnamed-{next(unnamed)}")
    return Chart(Compound(id="the chart", children=_children(root), initial=_initial(root)))


def _state(element: ElementTree.Element) -> AnyState:
    if element.tag == "history":
        default = element.find("transition")
        targets = tuple(default.attrib["target"].split()) if default is not None else ()
        return History(id=element.attrib["id"], default=targets, deep=element.get("type") == "deep")
    common = {
        "id": element.attrib["id"],
        "transitions": tuple(_transition(each) for each in element.findall("transition")),
        "entering": _raised(element, "onentry"),
        "leaving": _raised(element, "onexit"),
    }
    children = _children(element)
    if element.tag == "final":
        return Final(**common)
    if element.tag == "parallel" and children:
        return Parallel(children=children, **common)
    if children:
        return Compound(children=children, initial=_initial(element), **common)
    return Atomic(**common)


def _children(element: ElementTree.Element) -> tuple[AnyState, ...]:
    return tuple(_state(child) for child in element if child.tag in STATES)


def _initial(element: ElementTree.Element) -> tuple[str, ...]:
    declared = element.find("initial/transition")
    return tuple((element.get("initial") or (declared.attrib["target"] if declared is not None else "")).split())


def _raised(element: ElementTree.Element, when: str) -> tuple[str, ...]:
    return tuple(each.attrib["event"] for block in element.findall(when) for each in block if each.tag != "log")


def _transition(element: ElementTree.Element) -> Transition:
    return Transition(
        targets=tuple(element.get("target", "").split()),
        events=tuple(element.get("event", "").split()),
        guard=_guard(element.get("cond")),
        internal=element.get("type") == "internal",
        raises=tuple(each.attrib["event"] for each in element if each.tag != "log"),
    )


def _guard(text: str | None) -> Guard | None:
    if text is None:
        return None
    if text in ("true", "false"):
        return lambda _: text == "true"
    if match := re.fullmatch(r"(!?)In\('(\w+)'\)", text):
        wanted, state = match[1] == "", match[2]
        return lambda situation: situation.inside(state) is wanted
    match = re.fullmatch(r"_event\.name == '(\w+)'", text)
    assert match, f"a guard the suite did not have: {text}"
    name = match[1]

    def named(situation: Situation) -> bool:
        return situation.event == name

    return named

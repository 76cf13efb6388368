"""What the conformance charts do not try: refused charts, deep history, charts that never rest."""

import pytest

from engine.machine.chart import Atomic, Chart, Compound, Final, History, Parallel, Transition
from engine.machine.step import macrostep, start


def go(*targets: str, on: str = "", **more: object) -> Transition:
    return Transition(targets, (on,) if on else (), **more)  # type: ignore[arg-type]


def test_two_states_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two states are called 'a'"):
        Chart(Compound(id="root", children=(Atomic(id="a"), Atomic(id="a"))))


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' goes to 'nowhere', which is no state"):
        Chart(Compound(id="root", children=(Atomic(id="a", transitions=(go("nowhere", on="e"),)),)))


def test_a_compound_state_without_states_inside_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' has no states inside"):
        Chart(Compound(id="root", children=(Compound(id="a", children=()),)))


def test_a_chart_that_never_rests_is_stopped() -> None:
    restless = Compound(
        id="root", children=(Atomic(id="a", transitions=(go("b"),)), Atomic(id="b", transitions=(go("a"),)))
    )
    with pytest.raises(RecursionError, match="does not come to rest"):
        start(Chart(restless), dict)


def test_suspending_and_resuming_returns_to_where_each_branch_was() -> None:
    branch_a = Compound(id="a", children=(Atomic(id="a1", transitions=(go("a2", on="e"),)), Atomic(id="a2")))
    branch_b = Compound(id="b", children=(Atomic(id="b1", transitions=(go("b2", on="f"),)), Atomic(id="b2")))
    work = Compound(
        id="work",
        children=(
            Parallel(id="both", children=(branch_a, branch_b)),
            History(id="as before", default=("both",), deep=True),
        ),
        transitions=(go("suspended", on="suspend"),),
    )
    chart = Chart(
        Compound(id="root", children=(work, Atomic(id="suspended", transitions=(go("as before", on="resume"),))))
    )
    movement = start(chart, dict)
    for event in ("e", "suspend", "resume"):
        moved = macrostep(chart, movement.active, movement.remembered, event, dict)
        assert moved is not None
        movement = moved
    assert chart.names(movement.active & chart.atomic) == ("a2", "b1")
    assert movement.remembered == {"as before": ("a2", "b1")}


def test_an_event_that_enables_nothing_moves_nothing() -> None:
    chart = Chart(Compound(id="root", children=(Atomic(id="a"), Final(id="end"))))
    movement = start(chart, dict)
    assert macrostep(chart, movement.active, {}, "e", dict) is None


def test_reaching_a_final_state_of_the_root_finishes_the_chart() -> None:
    chart = Chart(Compound(id="root", children=(Atomic(id="a", transitions=(go("end", on="e"),)), Final(id="end"))))
    moved = macrostep(chart, start(chart, dict).active, {}, "e", dict)
    assert moved is not None
    assert moved.finished


def test_guards_see_values_only_when_they_ask_and_once() -> None:
    asked = []

    def values() -> dict[str, int]:
        asked.append(1)
        return {"n": 1}

    way = go("b", on="e", guard=lambda situation: situation.values["n"] == 1 and situation.values["n"] < 2)
    chart = Chart(Compound(id="root", children=(Atomic(id="a", transitions=(way,)), Atomic(id="b"))))
    movement = start(chart, values)
    assert asked == []
    moved = macrostep(chart, movement.active, {}, "e", values)
    assert moved is not None
    assert chart.names(moved.active & chart.atomic) == ("b",)
    assert asked == [1]

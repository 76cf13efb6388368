"""The waterfall and its relatives, all from one small cube."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audience.waterfall import Cube, Slot
from tests.support import cpu_seconds

NAMES = ("blacklist", "greylist", "contacted", "conflicts")

customers = st.lists(
    st.tuples(st.integers(0, 15), st.sampled_from(["high", "base"]), st.sampled_from(["target", "control"])),
    max_size=60,
)


def cube_of(rows: list[tuple[int, str, str]], outside: int = 7) -> Cube:
    slots = [(bits, cell, arm) if bits == 0 else (bits, "", "") for bits, cell, arm in rows]
    counted = {slot: slots.count(slot) for slot in slots}
    return Cube(len(rows) + outside, NAMES, tuple(Slot(*slot, count) for slot, count in counted.items()))  # type: ignore[arg-type]


@given(customers, st.permutations(NAMES))
def test_any_order_equals_removing_customer_by_customer(rows: list[tuple[int, str, str]], order: list[str]) -> None:
    left = [bits for bits, _, _ in rows]
    expected = []
    for name in order:
        bit = 1 << NAMES.index(name)
        kept = [bits for bits in left if not bits & bit]
        alone = sum(1 for bits, _, _ in rows if bits & bit)
        expected.append((name, len(left), len(left) - len(kept), len(kept), alone))
        left = kept
    found = cube_of(rows).waterfall(order)
    assert [(row.name, row.entered, row.removed, row.out, row.alone) for row in found[1:-2]] == expected


@given(customers)
def test_every_row_conserves_customers_and_the_end_does_not_depend_on_the_order(
    rows: list[tuple[int, str, str]],
) -> None:
    cube = cube_of(rows)
    for order in permutations(NAMES):
        fall = cube.waterfall(order)
        assert all(row.entered == row.removed + row.out for row in fall)
        assert [earlier.out for earlier in fall[:-1]] == [later.entered for later in fall[1:]]
        assert fall[-1].out == cube.arm("target")


def test_overlaps_count_the_customers_that_both_exclusions_apply_to() -> None:
    cube = cube_of([(0b0011, "", ""), (0b0111, "", ""), (0b0100, "", ""), (0, "base", "target")])
    assert cube.overlaps() == {
        ("blacklist", "greylist"): 2,
        ("blacklist", "contacted"): 1,
        ("greylist", "contacted"): 1,
    }


def test_empty_cells_are_shown_in_their_order() -> None:
    cube = cube_of([(0, "base", "target"), (0, "base", "control")])
    assert cube.cells(["high", "base"]) == {"high": (0, 0), "base": (1, 1)}


@pytest.mark.parametrize("slot", [Slot(1, "", "target", 1), Slot(0, "", "", 1), Slot(16, "", "", 1)])
def test_an_impossible_cube_is_refused(slot: Slot) -> None:
    with pytest.raises(ValueError, match="impossible"):
        Cube(10, NAMES, (slot,))


def test_an_order_must_name_every_exclusion_once() -> None:
    with pytest.raises(ValueError, match="each of"):
        cube_of([]).waterfall(["blacklist", "greylist"])


def test_another_order_takes_less_than_ten_milliseconds() -> None:
    names = tuple(f"rule{n}" for n in range(10))
    cube = Cube(10**7, names, tuple(Slot(bits, "", "", 100) for bits in range(1, 1024)))
    assert cpu_seconds(lambda: cube.waterfall(names[::-1])) < 0.010

"""Cells with offers of their own: whom an exclusion by the offer of the cell removes, worked out one by one."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audience.waterfall import Cube
from engine.errors import InvalidDefinition
from engine.warehouse.dataset import Column, Dataset
from engine.warehouse.freeze import Frozen, freeze
from engine.warehouse.run import Limits
from engine.warehouse.subjects import subject_of
from engine.warehouse.why import of_frozen, why
from tests.support import vault
from tests.warehouse.explained_by_hand import compiled
from tests.warehouse.selecting_by_hand import add, texts

REQUIRES = {"flow-10g": 18, "flow-20g": 30, "voice-300": 0}
BESIDE = {"flow-20g": {"voice-300"}}
"""What cannot stand beside an offer."""
CELLS: dict[str, Any] = {
    "high": {"when": "c.arpu >= 88", "offer": "flow-20g"},
    "talks": {"when": "c.arpu >= 60", "offer": "form.second"},
    "base": "true",
}
OFFER_OF = {"high": "flow-20g", "talks": "voice-300", "base": "flow-10g"}
PLAN: dict[str, Any] = {
    "source": {"rule": "c.arpu >= 38"},
    "remove": [{"conflicts": "cell"}, {"eligible": "cell"}],
    "cells": CELLS,
}


@dataclass(frozen=True)
class Owner:
    arpu: int
    age: int
    owns: tuple[str, ...]


owners = st.builds(
    Owner,
    arpu=st.integers(30, 100),
    age=st.integers(10, 40),
    owns=st.lists(st.sampled_from(tuple(REQUIRES)), max_size=2, unique=True).map(tuple),
)


def cell_of(one: Owner) -> str:
    return "high" if one.arpu >= 88 else "talks" if one.arpu >= 60 else "base"


def reasons(one: Owner) -> tuple[str, ...]:
    offer = OFFER_OF[cell_of(one)]
    clashes = {offer} | BESIDE.get(offer, set())
    told = {"conflicts_cell": bool(clashes & set(one.owns)), "eligible_cell": one.age < REQUIRES[offer]}
    return tuple(name for name, holds in told.items() if holds)


def dataset_of(folder: Path, everyone: list[Owner]) -> Dataset:
    dataset = Dataset(folder, vault)
    each = [(f"C{number:04}", one) for number, one in enumerate(everyone)]
    people = {"arpu": [one.arpu for _, one in each], "age": [one.age for _, one in each]}
    customers = texts(customer=[name for name, _ in each])
    for name, values in people.items():
        customers = customers.append_column(name, pa.array(values, pa.int64()))
    add(dataset, "customers", customers, [Column("customer", "text"), Column("arpu", "int"), Column("age", "int")])
    owned = [(name, offer) for name, one in each for offer in one.owns]
    rows = texts(customer=[name for name, _ in owned], offer=[offer for _, offer in owned])
    kinds = [Column("customer", "text"), Column("offer", "text"), Column("until", "timestamp")]
    add(dataset, "owned", rows.append_column("until", pa.nulls(len(owned), pa.timestamp("us"))), kinds)
    pairs = [(offer, other) for offer, others in BESIDE.items() for other in others]
    add(dataset, "conflicts", texts(offer=[one for one, _ in pairs], other=[other for _, other in pairs]))
    requires = [f"c.age >= {age}" if age else "" for age in REQUIRES.values()]
    add(dataset, "offers", texts(offer=list(REQUIRES), category=["data"] * 3, requires=requires))
    return dataset


def frozen(dataset: Dataset, folder: Path, plan: dict[str, Any] = PLAN) -> Frozen:
    of_cells = ("flow-20g", "voice-300")
    subject = subject_of(dataset, dataset.current(), offers=("flow-10g",), of_cells=of_cells)
    selection = compiled(dataset, plan, subject=subject, holdout=None, values={"form": {"second": "voice-300"}})
    return freeze(dataset, dataset.current(), selection, folder, limits=Limits(threads=1, seconds=60))[0]


def counted(cube: Cube) -> dict[str, int]:
    return {name: cube.of_cell(name) for name in CELLS}


@settings(max_examples=12, deadline=None)
@given(st.lists(owners, min_size=1, max_size=40))
def test_an_exclusion_by_cell_asks_about_the_offer_of_the_customers_own_cell(everyone: list[Owner]) -> None:
    with TemporaryDirectory() as scratch:
        found = frozen(dataset_of(Path(scratch) / "data", everyone), Path(scratch) / "r1")
        chosen = [(f"C{number:04}", one) for number, one in enumerate(everyone) if one.arpu >= 38]
        rows = [tuple(row.values()) for batch in found.batches() for row in batch.to_pylist()]
        assert rows == [(name, cell_of(one), "target") for name, one in chosen if not reasons(one)]
        cube = found.manifest.counts
        for name in cube.names:
            assert cube.alone(name) == sum(name in reasons(one) for _, one in chosen)
        sizes = {name: sum(cell_of(one) == name for _, one in chosen) for name in CELLS}
        assert counted(cube) == sizes


def test_an_exclusion_by_offer_asks_about_every_offer_of_the_case(tmp_path: Path) -> None:
    everyone = [Owner(arpu, 40, owns) for arpu in (50, 70, 90) for owns in ((), ("flow-20g",), ("voice-300",))]
    plan = PLAN | {"remove": [{"conflicts": "offer"}]}
    found = frozen(dataset_of(tmp_path / "data", everyone), tmp_path / "r1", plan)
    assert [row["customer"] for batch in found.batches() for row in batch.to_pylist()] == ["C0000", "C0003", "C0006"]
    assert found.manifest.offers == {"high": "flow-20g", "talks": "voice-300"}
    assert not found.manifest.counts.tells_cells


def test_why_shows_what_the_customer_owns_that_clashes(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "data", [Owner(90, 40, ("voice-300", "flow-10g")), Owner(50, 40, ("voice-300",))])
    found = frozen(dataset, tmp_path / "r1")
    removed = why(dataset, found.folder, of_frozen(found), "C0000", limits=Limits(seconds=60))
    assert [one.name for one in removed.removals] == ["conflicts_cell"]
    assert [row.values["offer"] for row in removed.removals[0].shown] == ["voice-300"], "of the own cell's offer alone"
    assert (removed.cell, removed.offers["high"]) == ("high", "flow-20g")
    assert why(dataset, found.folder, of_frozen(found), "C0001", limits=Limits(seconds=60)).cell == "base"


def test_a_cell_without_an_offer_in_a_case_without_one_is_a_problem(tmp_path: Path) -> None:
    dataset = dataset_of(tmp_path / "data", [Owner(50, 40, ())])
    subject = subject_of(dataset, dataset.current(), offers=(), of_cells=("flow-20g",))
    with pytest.raises(
        InvalidDefinition, match="conflicts_cell compares the offer of the case, which it does not state"
    ):
        compiled(dataset, PLAN, subject=subject, holdout=None)

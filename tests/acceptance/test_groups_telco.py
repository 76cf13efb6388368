"""Saved rules put together over the real customers of a telecom operator: plain Python gives the same customers."""

import csv
import gzip
import operator
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.audience.plan import AudiencePlan
from engine.service import group_impact, group_pins, group_texts, groups
from engine.service.app import Countersign
from engine.settings import Settings
from engine.warehouse.dataset import Dataset
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.run import select
from engine.warehouse.shapes import shape_of
from tests.acceptance.group_case import by
from tests.support import FULL, shared

Row = Mapping[str, str]
NUMBERS = ("tenure", "MonthlyCharges", "TotalCharges")
COMPARED: dict[str, Callable[[Any, Any], bool]] = {">=": operator.ge, "<": operator.lt, "==": operator.eq}
TEXTS = {"Contract": ("Month-to-month", "Two year"), "InternetService": ("Fiber optic", "No"), "gender": ("Female",)}
SETS: dict[str, Callable[[set[str], set[str]], set[str]]] = {
    "union": operator.or_,
    "intersect": operator.and_,
    "except": operator.sub,
    "symmetric": operator.xor,
}

numbers = st.tuples(st.sampled_from(NUMBERS), st.sampled_from([">=", "<"]), st.integers(0, 120))
texts = st.sampled_from([(name, "==", value) for name, values in TEXTS.items() for value in values])
rules = numbers | texts


@dataclass
class Library:
    """The application with the file as its customers, its rows, and the rules that were saved so far."""

    app: Countersign
    rows: list[Row]
    saved: dict[Any, str] = field(default_factory=dict)

    def name(self, rule: tuple[str, str, Any]) -> str:
        """The group of a rule, saved at its first use."""
        if rule not in self.saved:
            column, sign, value = rule
            name = f"rule_{len(self.saved)}"
            source = {"rule": f"c.{column} {sign} {value!r}"}
            groups.save(self.app, by(self.app, "wangmin"), name=name, title=name, source=source, note="", base=None)
            self.saved[rule] = name
        return self.saved[rule]

    def by_hand(self, rule: tuple[str, str, Any]) -> set[str]:
        """A blank is not met, whichever way it is asked."""
        column, sign, value = rule
        given = [(row["customerID"], row[column].strip()) for row in self.rows]
        if column in NUMBERS:
            return {name for name, text in given if text and COMPARED[sign](Decimal(text), value)}
        return {name for name, text in given if text == value}

    def selected(self, source: dict[str, Any]) -> set[str]:
        """The customers that the engine selects."""
        plan = AudiencePlan.model_validate({"source": source})
        with self.app.db.read() as tx:
            plan = group_pins.with_groups(tx, plan, {})
        version, dataset = group_texts.current(self.app), Dataset(self.app.settings.data.resolve())
        folder = Path(tempfile.mkdtemp(dir=dataset.folder))
        select(dataset, version, group_texts.compiled(self.app, version, plan), folder)
        found = set(pq.read_table(folder / "list.parquet")["customer"].to_pylist())
        shutil.rmtree(folder)
        return found


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, staffed: Path) -> Iterator[Library]:
    home = tmp_path_factory.mktemp("library")
    file = shared("data/telco/telco_customer_churn.csv.gz")
    shutil.copy(staffed, home / "case.db")
    app = Countersign.open(Settings(home=home, database_url=f"sqlite:///{home / 'case.db'}"))
    import_file(Dataset(app.settings.data), shape_of(file), Wanted("customers", "customerID"))
    with gzip.open(file, "rt") as text:
        yield Library(app, list(csv.DictReader(text)))
    app.close()


@settings(max_examples=60 if FULL else 12)
@given(operation=st.sampled_from(sorted(SETS)), one=rules, other=rules)
def test_two_saved_rules_put_together_are_whom_plain_python_gives(
    library: Library, operation: str, one: Any, other: Any
) -> None:
    source = {operation: [{"group": library.name(one)}, {"group": library.name(other)}]}
    assert library.selected(source) == SETS[operation](library.by_hand(one), library.by_hand(other))


@settings(max_examples=60 if FULL else 12)
@given(operation=st.sampled_from(sorted(SETS)), one=rules, other=rules, edited=rules)
def test_the_impact_of_an_edit_is_whom_plain_python_sees_join_and_leave(
    library: Library, operation: str, one: Any, other: Any, edited: Any
) -> None:
    name, names = library.name(edited), (library.name(one), library.name(other))
    if name in names:
        return  # it would name itself
    source = {operation: [{"group": each} for each in names]}
    seen = group_impact.impact(library.app, by(library.app, "wangmin"), name=name, source=source)
    before, after = library.by_hand(edited), SETS[operation](library.by_hand(one), library.by_hand(other))
    assert (seen.failed, seen.universe) == ("", len(library.rows))
    told = (seen.before, seen.after, seen.joined, seen.left)
    assert told == (len(before), len(after), len(after - before), len(before - after))

"""Why one customer is in a selection or out of it: the rules that were used, asked of the files that were used.

Answers from the manifest of a frozen list, or from a selection that was only counted. Runs in a locked-down child like
the selection itself. Refuses an id that the customer table does not have, and lists frozen before rules were kept.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.audience.compile import KNOWN_TABLES, Selection
from engine.audience.question import Asking, Part
from engine.errors import SelectionFailed
from engine.values import Bilingual
from engine.warehouse.dataset import Dataset
from engine.warehouse.freeze import LIST, Frozen
from engine.warehouse.job import Asked, Failure, Question, Reply
from engine.warehouse.run import DEFAULT_LIMITS, Input, Limits, Selected, in_child

CHILD = (sys.executable, "-m", "engine.warehouse.why_child")


class Shown(Struct, frozen=True):
    """One row that shows why an exclusion applies: column -> value as text."""

    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Removal:
    """An exclusion that applies, with what shows it. The first in the order is the one that removed the customer."""

    name: str
    label: Bilingual
    shown: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. `outcome`: target, control, removed, not_in_source, or unknown (no such customer, or `customer` is a
    phone of several). `parts` are those of the source with whether each has the customer. `cell` is where grouping puts
    the customer, also where they are removed; `offers` are those of cells that have one of their own. `kept` is the
    customer of the same household who stays. `draw` is below `threshold` for the control group; both are empty without
    one."""

    customer: str
    outcome: str
    parts: tuple[tuple[Part, bool], ...] = ()
    removals: tuple[Removal, ...] = ()
    cell: str = ""
    draw: str = ""
    threshold: str = ""
    kept: str = ""
    offers: Mapping[str, str] = field(default_factory=dict)
    agrees: bool = True
    """Whether the frozen list says the same."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What was selected by: from a manifest or a count."""

    asking: Asking
    rungs: Mapping[str, Bilingual]
    inputs: tuple[Input, ...]
    is_drawn: bool
    threshold: str
    thresholds: Mapping[str, str]
    offers: Mapping[str, str]
    """The offers of cells that have one of their own."""

    @property
    def place(self) -> str:
        """What the manifest calls the table of customers of the server or cluster that was asked; empty where the
        customers are those of the dataset."""
        return next((one.path for one in self.inputs if one.table == "customers" and not one.sha256), "")


def of_frozen(frozen: Frozen) -> Rules:
    """The rules of a frozen list."""
    manifest = frozen.manifest
    if manifest.asking is None:
        raise SelectionFailed(reason="the list was frozen before its rules were kept with it")
    return Rules(
        asking=manifest.asking,
        rungs={rung.name: rung.label for rung in manifest.rungs},
        inputs=manifest.inputs,
        is_drawn=manifest.is_drawn,
        threshold=manifest.threshold,
        thresholds=manifest.thresholds,
        offers=manifest.offers,
    )


def of_count(selection: Selection, selected: Selected) -> Rules:
    """The rules of a selection that was only counted."""
    assert selected.asking is not None
    return Rules(
        asking=selected.asking,
        rungs={rung.name: rung.label for rung in selection.rungs},
        inputs=selected.inputs,
        is_drawn=selection.is_drawn,
        threshold=selected.result.threshold,
        thresholds=selected.result.thresholds,
        offers=selection.offers,
    )


def why(dataset: Dataset, folder: Path, rules: Rules, customer: str, *, limits: Limits = DEFAULT_LIMITS) -> Why:
    """The answer for the customer with this id, or else with this phone. `folder` holds the list and the tables that
    are the selection's own."""
    tables: dict[str, list[str]] = {}
    for one in rules.inputs:
        beside = folder / one.path
        tables.setdefault(one.table, []).append(str(beside if beside.exists() else dataset.at(one.path)))
    absent = {proof.table for proof in rules.asking.proofs} | set(KNOWN_TABLES)
    with tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as spill:
        question = Question(
            tables={name: tuple(files) for name, files in tables.items()},
            empty={name: dict(KNOWN_TABLES[name]) for name in absent - tables.keys() if name in KNOWN_TABLES},
            spill=spill,
            memory_limit=limits.memory,
            threads=limits.threads,
            parent=os.getpid(),
            customer=customer,
            addresses=dataset.vault.forms(customer),
            asking=rules.asking,
            list=str(folder / LIST),
            seconds=limits.seconds,
        )
        said = in_child(CHILD, msgspec.json.encode(question), limits)
    answer: Reply = msgspec.json.decode(said, type=Reply)
    if isinstance(answer, Failure):
        raise SelectionFailed(reason=answer.reason)
    return meant(rules, answer, customer)


def meant(rules: Rules, asked: Asked, customer: str) -> Why:
    """What the answers mean."""
    if not asked.customer:
        return Why(customer, "unknown")
    parts = tuple(zip(rules.asking.parts, asked.parts, strict=True))
    if not asked.is_within:
        return Why(asked.customer, "not_in_source", parts, agrees=asked.arm == "")
    removals = tuple(
        Removal(name, label, tuple(Shown(row) for row in asked.shown.get(name, ())))
        for bit, (name, label) in enumerate(rules.rungs.items())
        if asked.bits >> bit & 1
    )
    threshold = rules.thresholds.get(asked.cell, rules.threshold)
    arm = "control" if asked.draw < threshold else "target"
    outcome = "removed" if removals else arm
    return Why(
        customer=asked.customer,
        outcome=outcome,
        parts=parts,
        removals=removals,
        cell=asked.cell,
        offers=rules.offers,
        draw=asked.draw if rules.is_drawn else "",
        threshold=threshold if rules.is_drawn else "",
        kept=asked.kept if removals and removals[-1].name == "household" else "",
        agrees=(asked.arm, asked.listed_cell) == (("", "") if removals else (arm, asked.cell)),
    )

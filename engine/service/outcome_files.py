"""Evaluates the outcome file of any finished campaign: every arm, and all arms together, against one control group;
by arm and column, the subgroups asked for.

Refuses an uplift without a control group, and sizes or prices of arms that the file does not have.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from engine.errors import InvalidFile, NoControl, Problem
from engine.evaluation.groups import Group, together
from engine.evaluation.money import CENT
from engine.evaluation.report import Compared, Question, compare_all
from engine.evaluation.subgroups import Subgroups, corrected, subgroups
from engine.evaluation.uplift import Ratio, sample_ratio
from engine.evaluation.verdict import Reached
from engine.warehouse import outcomes

TOTAL = "all arms"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a file. `costs` per contact and arm, `cost` for arms not in it; `planned` relative sizes, of
    every arm or of none; `by` the columns of subgroups; `messaged` the column that says who got a message, and
    `messaged_at_most` the share of the control group of whom it may say yes."""

    arm: str
    control: str | None
    outcomes: Sequence[outcomes.Outcome]
    cost: Decimal = Decimal()
    costs: Mapping[str, Decimal] = field(default_factory=dict)
    planned: Mapping[str, float] = field(default_factory=dict)
    by: Sequence[str] = ()
    messaged: str | None = None
    messaged_at_most: float | None = None
    confidence: float = 0.95
    currency: str = ""


@dataclass(frozen=True, slots=True)
class FileReport:
    """An outcome file evaluated: every arm and all arms together, against one control group. `digest` is the SHA-256 of
    the file's bytes."""

    file: str
    digest: str
    asked: Asked
    control_name: str
    control: Group
    arms: tuple[Compared, ...]
    total: Compared
    ratio: Ratio | None
    reached: Reached
    question: Question
    measured: outcomes.Measured
    subgroups: tuple[Subgroups, ...]

    @property
    def compared(self) -> tuple[Compared, ...]:
        """All that is shown: the arms, and all of them together where there are several."""
        return (*self.arms, self.total) if len(self.arms) > 1 else self.arms


def evaluated(file: Path, asked: Asked) -> FileReport:
    """The report of a file. NoControl without a control; InvalidFile where a column, an arm or the control is not in
    it, where it has no row, and where an arm has no planned size though others have."""
    if asked.control is None:
        raise NoControl(column=asked.arm, values=", ".join(outcomes.arms(file, asked.arm)) or "it is empty")
    measured = outcomes.measure(file, arm=asked.arm, outcomes=asked.outcomes, by=asked.by, messaged=asked.messaged)
    _check_arms(file, asked, asked.control, measured)
    held = measured.arms[asked.control]
    arms = {name: group for name, group in measured.arms.items() if name != asked.control}
    ratio = sample_ratio(
        [group.n for group in measured.arms.values()], [asked.planned.get(name, 1.0) for name in measured.arms]
    )
    reached = Reached(measured.messaged.get(asked.control, 0), at_most=asked.messaged_at_most)
    costs = {name: (asked.costs.get(name, asked.cost) * group.n).quantize(CENT) for name, group in arms.items()}
    groups = dict(arms)
    if len(arms) > 1:
        whole = TOTAL if TOTAL not in arms else f"{TOTAL}, together"
        groups[whole] = together(list(arms.values()))
        costs[whole] = sum(costs.values(), Decimal())
    measures = {outcome.name: outcome.measure for outcome in asked.outcomes}
    question = Question(measures, asked.confidence, declared=list(groups)[-1], currency=asked.currency)
    compared = compare_all(
        question, {name: (group, held) for name, group in groups.items()}, costs=costs, ratio=ratio, reached=reached
    )
    return FileReport(
        file=file.name,
        digest=_digest(file),
        asked=asked,
        control_name=asked.control,
        control=held,
        arms=compared[: len(arms)],
        total=compared[-1],
        ratio=ratio,
        reached=reached,
        question=question,
        measured=measured,
        subgroups=_subgroups(asked, asked.control, measured, list(arms)),
    )


def _subgroups(asked: Asked, control: str, measured: outcomes.Measured, arms: Sequence[str]) -> tuple[Subgroups, ...]:
    measures = {outcome.name: outcome.measure for outcome in asked.outcomes}
    found: list[Subgroups] = []
    for column, values in measured.parts.items():
        blank = values.get("", {})
        of_arms = {
            arm: {
                value: (groups[arm], groups[control])
                for value, groups in values.items()
                if value and arm in groups and control in groups
            }
            for arm in arms
        }
        unknown = {arm: sum(blank[side].n for side in (arm, control) if side in blank) for arm in arms}
        found += subgroups(column, of_arms, measures, confidence=asked.confidence, unknown=unknown)
    return corrected(found)


def _check_arms(file: Path, asked: Asked, control: str, measured: outcomes.Measured) -> None:
    if control not in measured.arms:
        raise InvalidFile([_no_arm(asked.arm, control, measured), *measured.rejected[:3]])
    if len(measured.arms) == 1:
        alone = Problem("F108", f"every row of {file.name} is in the control group {control}")
        raise InvalidFile([alone, *measured.rejected[:3]])
    if asked.arm in asked.by:
        hint = "name another column with --by"
        raise InvalidFile([Problem("F115", f"column {asked.arm} holds the arms and makes no subgroups", hint)])
    named = dict.fromkeys([*asked.planned, *asked.costs])
    problems = [_no_arm(asked.arm, name, measured) for name in named if name not in measured.arms]
    if control in asked.costs:
        hint = "leave it out; --messaged counts those that were contacted by mistake"
        problems.append(Problem("F117", f"the control group {control} was not contacted and costs nothing", hint))
    if asked.planned and not problems:
        problems += [
            Problem("F116", f"column {asked.arm} has an arm {name!r} that no --share names", "name every arm, or none")
            for name in measured.arms
            if name not in asked.planned
        ]
    if problems:
        raise InvalidFile(problems)


def _no_arm(column: str, name: str, measured: outcomes.Measured) -> Problem:
    near = outcomes.alike(name, list(measured.arms))
    there = ", ".join(list(measured.arms)[:20]) or "nothing"
    return Problem(
        "F107", f"no row has {name!r} in column {column}", f"did you mean {near!r}?" if near else f"it holds {there}"
    )


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

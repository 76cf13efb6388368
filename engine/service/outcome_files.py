"""Evaluates the outcome file of any finished campaign: every arm, and all arms together, against one control group.

Refuses an uplift without a control group.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from engine.errors import InvalidFile, NoControl, Problem
from engine.evaluation.groups import Group, together
from engine.evaluation.money import CENT
from engine.evaluation.report import Compared, Question, compare_all
from engine.evaluation.uplift import Ratio, sample_ratio
from engine.warehouse import outcomes

TOTAL = "all arms"


@dataclass(frozen=True, slots=True)
class FileReport:
    """An outcome file evaluated: every arm and all arms together, against one control group."""

    control_name: str
    control: Group
    arms: tuple[Compared, ...]
    total: Compared
    ratio: Ratio | None
    question: Question
    measured: outcomes.Measured


def evaluated(
    file: Path,
    arm: str,
    control: str | None,
    asked: Sequence[outcomes.Outcome],
    *,
    cost: Decimal = Decimal(),
    planned: Mapping[str, float] | None = None,
    confidence: float = 0.95,
) -> FileReport:
    """The report of a file. NoControl without `control`; InvalidFile where a column or the control is not in it."""
    if control is None:
        raise NoControl(column=arm, values=", ".join(outcomes.arms(file, arm)) or "it is empty")
    measured = outcomes.measure(file, arm=arm, outcomes=asked)
    if control not in measured.arms:
        raise InvalidFile([_no_arm(arm, control, measured)])
    arms = {name: group for name, group in measured.arms.items() if name != control}
    if not arms:
        raise InvalidFile([Problem("F108", f"every row of {file.name} is in the control group {control}")])
    unknown = [name for name in planned or {} if name not in measured.arms]
    if unknown:
        raise InvalidFile([_no_arm(arm, name, measured) for name in unknown])
    ratio = sample_ratio(
        [group.n for group in measured.arms.values()],
        [(planned or {}).get(name, 1.0) for name in measured.arms],
    )
    held = measured.arms[control]
    question = Question({outcome.name: outcome.measure for outcome in asked}, confidence)
    costs = {name: (cost * group.n).quantize(CENT) for name, group in arms.items()}
    return FileReport(
        control_name=control,
        control=held,
        arms=compare_all(question, {name: (group, held) for name, group in arms.items()}, costs=costs, ratio=ratio),
        total=compare_all(
            question,
            {TOTAL: (together(list(arms.values())), held)},
            costs={TOTAL: sum(costs.values(), Decimal())},
            ratio=ratio,
        )[0],
        ratio=ratio,
        question=question,
        measured=measured,
    )


def _no_arm(column: str, name: str, measured: outcomes.Measured) -> Problem:
    near = difflib.get_close_matches(name, list(measured.arms), n=1, cutoff=0.5)
    there = ", ".join(list(measured.arms)[:20]) or "nothing"
    return Problem(
        "F107", f"no row has {name!r} in column {column}", f"did you mean {near[0]!r}?" if near else f"it holds {there}"
    )

"""Whether a lift differs between kinds of customers: one lift per value of a column, and a test of their difference.

Such a table is found after the fact: its p-values are corrected for all rows of all tables (Holm), and rows of one
table may only be told apart where the interaction test says that they differ at all. Refuses a verdict per subgroup.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import stats

from engine.evaluation.groups import Group
from engine.evaluation.metrics import Measure
from engine.evaluation.uplift import Lift, adjusted, compare


@dataclass(frozen=True, slots=True)
class Interaction:
    """Cochran's Q over the lifts of `compared` subgroups: how likely lifts that are all the same differ as much.
    `holm` is its p-value among those of all tables."""

    q: float
    compared: int
    p: float
    holm: float


@dataclass(frozen=True, slots=True)
class Row:
    """One subgroup: `lift` is None where nothing can be compared, and then so is `holm`."""

    value: str
    n: int
    n_control: int
    lift: Lift | None
    holm: float | None = None


@dataclass(frozen=True, slots=True)
class Subgroups:
    """The lifts of an arm in one outcome by the values of a column. `unknown` customers of arm and control have a blank
    there and stand in no row. `interaction` is None with fewer than two lifts that have a spread."""

    column: str
    arm: str
    metric: str
    measure: Measure
    rows: tuple[Row, ...]
    interaction: Interaction | None
    unknown: int = 0


def subgroups(
    column: str,
    arms: Mapping[str, Mapping[str, tuple[Group, Group]]],
    measures: Mapping[str, Measure],
    *,
    confidence: float = 0.95,
    unknown: Mapping[str, int] | None = None,
) -> tuple[Subgroups, ...]:
    """A table per arm and outcome. `arms`: arm -> value of the column -> (target, control); `unknown` per arm. Not yet
    corrected: `corrected` does it over the tables of all columns."""
    found = []
    for arm, values in arms.items():
        for metric, measure in measures.items():
            rows = tuple(
                Row(
                    value,
                    group.n,
                    control.n,
                    compare(measure, group.samples[metric], control.samples[metric], confidence),
                )
                for value, (group, control) in values.items()
            )
            lifts = [row.lift for row in rows if row.lift is not None]
            blank = (unknown or {}).get(arm, 0)
            found.append(Subgroups(column, arm, metric, measure, rows, interaction(lifts), blank))
    return tuple(found)


def corrected(tables: Sequence[Subgroups]) -> tuple[Subgroups, ...]:
    """The tables with p-values corrected after Holm over every row of every one of them; so are their interactions."""
    holm = iter(adjusted([row.lift.p for table in tables for row in table.rows if row.lift is not None]))
    differ = iter(adjusted([table.interaction.p for table in tables if table.interaction is not None]))
    return tuple(
        replace(
            table,
            rows=tuple(row if row.lift is None else replace(row, holm=next(holm)) for row in table.rows),
            interaction=None if table.interaction is None else replace(table.interaction, holm=next(differ)),
        )
        for table in tables
    )


def interaction(lifts: Sequence[Lift]) -> Interaction | None:
    """Cochran's Q (Cochran 1954, Biometrics 10:101; for subgroups Gail and Simon 1985, Biometrics 41:361): squared
    distances of the lifts from their mean, both weighted by 1/error²; chi-squared with one degree less than lifts."""
    known = [(lift.lift, 1 / lift.error**2) for lift in lifts if lift.error > 0]
    if len(known) < 2:
        return None
    mean = sum(lift * weight for lift, weight in known) / sum(weight for _, weight in known)
    q = sum(weight * (lift - mean) ** 2 for lift, weight in known)
    p = float(stats.chi2.sf(q, len(known) - 1))
    return Interaction(q, len(known), p, p)

"""Groups of customers against their control group: all lifts, the money, and the verdict of each.

One composition for the evaluation of a case and for an outcome file of any origin, so that both say the same of the
same figures. Refuses to read anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.evaluation.groups import Group
from engine.evaluation.metrics import Measure
from engine.evaluation.money import Money, money
from engine.evaluation.sentence import Difference, Finding, sentence
from engine.evaluation.uplift import Lift, Ratio, adjusted, bootstrap, compare
from engine.evaluation.verdict import NOBODY, Judged, Reached, judge
from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class Compared:
    """One group beside its control: a lift per outcome (None: nothing to compare), its p-value among all of the report
    (`holm`), the money, the verdict on the primary outcome as a code and as a sentence."""

    name: str
    group: Group
    control: Group
    lifts: Mapping[str, Lift | None]
    holm: Mapping[str, float]
    money: Money
    judged: Judged
    sentence: Bilingual


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the groups. The first of `measures` is the primary outcome, unless `primary` names another.
    `declared` is the group that the one question was about: all customers together, where there are several groups."""

    measures: Mapping[str, Measure]
    confidence: float = 0.95
    primary: str = ""
    declared: str = ""
    currency: str = ""

    @property
    def judged_by(self) -> str:
        """The outcome that the verdict is about."""
        return self.primary or next(iter(self.measures))


def compare_all(
    question: Question,
    groups: Mapping[str, tuple[Group, Group]],
    *,
    costs: Mapping[str, Decimal],
    ratio: Ratio | None,
    reached: Reached = NOBODY,
    was_sent: bool = True,
) -> tuple[Compared, ...]:
    """Compare each group with its control, in the order given.

    All lifts of the report, every outcome of every group, are one family: their p-values are corrected for their number
    after Holm. The verdict on the declared group goes by its own p, since it answers the one question asked beforehand;
    every other goes by the corrected one. A control group of nobody is none at all: the verdict is no_control.
    """
    lifts = {name: _lifts(question, group, control) for name, (group, control) in groups.items()}
    tested = {(name, of): lift.p for name, each in lifts.items() for of, lift in each.items() if lift is not None}
    holm = dict(zip(tested, adjusted(tuple(tested.values())), strict=True))
    declared = question.declared or (next(iter(groups)) if len(groups) == 1 else "")
    found = []
    for name, (group, control) in groups.items():
        earned = _money(group, control, costs.get(name, Decimal()), question.confidence)
        primary = lifts[name][question.judged_by]
        judged = judge(
            lift=primary,
            sizes=(group.n, control.n),
            ratio=ratio,
            profit=earned.profit,
            profit_low=earned.profit_low,
            confidence=question.confidence,
            p_adjusted=holm.get((name, question.judged_by)),
            is_declared=name == declared,
            reached=reached,
            was_sent=was_sent,
        )
        said = sentence(
            Finding(
                verdict=judged.verdict,
                metric=question.judged_by,
                difference=None if primary is None else difference_of(question.measures[question.judged_by], primary),
                n=group.n,
                n_control=control.n,
                confidence=question.confidence,
                cost=earned.cost,
                profit=earned.profit,
                profit_low=earned.profit_low,
                profit_high=earned.profit_high,
                ratio_p=None if ratio is None else ratio.p,
                reached=reached.all,
                reached_at_most=reached.at_most,
                currency=question.currency,
            )
        )
        mine = {of: p for (owner, of), p in holm.items() if owner == name}
        found.append(Compared(name, group, control, lifts[name], mine, earned, judged, said))
    return tuple(found)


def difference_of(measure: Measure, lift: Lift) -> Difference:
    """A lift as a sentence needs it."""
    return Difference(
        measure=measure,
        n=lift.n,
        n_control=lift.n_control,
        value=lift.value,
        control_value=lift.control_value,
        lift=lift.lift,
        low=lift.low,
        high=lift.high,
        detectable=lift.detectable,
    )


def _lifts(question: Question, group: Group, control: Group) -> dict[str, Lift | None]:
    found: dict[str, Lift | None] = {}
    for name, measure in question.measures.items():
        lift = compare(measure, group.samples[name], control.samples[name], question.confidence)
        if lift is not None and name in group.spreads and name in control.spreads:
            interval = bootstrap(group.spreads[name], control.spreads[name], question.confidence)
            lift = lift if interval is None else replace(lift, others={**lift.others, "bootstrap": interval})
        found[name] = lift
    return found


def _money(group: Group, control: Group, cost: Decimal, confidence: float) -> Money:
    if group.value is None:
        return money(n=group.n, cost=cost, revenue=None, lift_per_customer=None)
    revenue = Decimal(repr(group.value.total)).quantize(Decimal("0.01"))
    lift = compare("mean", group.value, control.value, confidence) if control.value is not None else None
    if lift is None:
        return money(n=group.n, cost=cost, revenue=revenue, lift_per_customer=None)
    return money(n=group.n, cost=cost, revenue=revenue, lift_per_customer=lift.lift, interval=(lift.low, lift.high))

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
from engine.evaluation.uplift import Lift, Ratio, adjusted, bootstrap, compare
from engine.evaluation.verdict import Judged, judge


@dataclass(frozen=True, slots=True)
class Compared:
    """One group beside its control: a lift per outcome (None: nothing to compare), the money, the verdict on the
    primary outcome."""

    name: str
    group: Group
    control: Group
    lifts: Mapping[str, Lift | None]
    money: Money
    judged: Judged


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the groups. The first of `measures` is the primary outcome, unless `primary` names another."""

    measures: Mapping[str, Measure]
    confidence: float = 0.95
    primary: str = ""

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
) -> tuple[Compared, ...]:
    """Compare each group with its control, in the order given. A verdict on several groups minds their number (Holm).

    A control group of nobody is none at all: the verdict is no_control.
    """
    lifts = {name: _lifts(question, group, control) for name, (group, control) in groups.items()}
    primary = {name: of[question.judged_by] for name, of in lifts.items()}
    tested = {name: lift.p for name, lift in primary.items() if lift is not None}
    holm = dict(zip(tested, adjusted(tuple(tested.values())), strict=True))
    found = []
    for name, (group, control) in groups.items():
        earned = _money(group, control, costs.get(name, Decimal()), question.confidence)
        judged = judge(
            lift=primary[name],
            has_control=control.n > 0,
            ratio=ratio,
            profit=earned.profit,
            profit_low=earned.profit_low,
            confidence=question.confidence,
            p_adjusted=holm.get(name),
        )
        found.append(Compared(name, group, control, lifts[name], earned, judged))
    return tuple(found)


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

"""The money of a report: what the case cost beside what it brought in, for the page, the API and the file.

Fixed costs are in the profit of the whole case, once. Refuses to call revenue that nobody knows 0.
"""

from decimal import Decimal

from engine.evaluation.break_even import break_even
from engine.evaluation.report import Compared
from engine.service.case_costs import CaseCosts
from engine.service.stage_views import MoneyView

CONVERSION = "conversion"


def money_of(costs: CaseCosts, total: Compared) -> MoneyView:
    """Of a case and its target customers as a whole."""
    money, group = total.money, total.group
    took = group.samples.get(CONVERSION)
    paying = break_even(
        money,
        n=group.n,
        conversions=took.successes if took else 0,
        messages=costs.messages,
        fixed=costs.fixed,
    )
    return MoneyView(
        currency=costs.currency,
        rows=costs.rows,
        planned=sum((one.planned for one in costs.rows), Decimal()),
        actual=costs.actual,
        fixed=costs.fixed,
        difference=sum((one.difference for one in costs.rows), Decimal()),
        volume=sum((one.volume for one in costs.rows), Decimal()),
        price=sum((one.price for one in costs.rows), Decimal()),
        reach=costs.reach,
        reach_of=costs.reach_of,
        table_version=costs.table_version,
        other_currency=costs.other_currency,
        unpriced=tuple(one.channel for one in costs.rows if "none" in one.sources),
        booked=costs.booked,
        incremental=money.incremental,
        profit_low=money.profit_low,
        profit_high=money.profit_high,
        roi_low=_of_cost(money.profit_low, money.cost),
        roi_high=_of_cost(money.profit_high, money.cost),
        break_even=money.break_even,
        paying=paying,
    )


def _of_cost(profit: Decimal | None, cost: Decimal) -> float | None:
    return None if profit is None or not cost else float(profit / cost)

"""How alike the target and the control group are, as pages show it."""

from collections.abc import Sequence

from engine.definition.catalogue import catalogue
from engine.definition.model import Definition
from engine.service.stage_views import BalanceView
from engine.values import NO_TEXT
from engine.warehouse.job import Balance

APART = 0.1
"""A standardised difference from which groups count as unlike (Austin 2009)."""


def balance_views(definition: Definition, balance: Sequence[Balance]) -> tuple[BalanceView, ...]:
    """The fields with their labels, the most unlike first."""
    known = catalogue(definition.catalogue)
    fields = known.fields if known else {}
    views = [
        BalanceView(
            field=one.field,
            label=fields[one.field].label if one.field in fields else NO_TEXT,
            target=one.target,
            control=one.control,
            difference=one.difference,
            is_apart=one.difference is not None and abs(one.difference) > APART,
        )
        for one in balance
    ]
    return tuple(sorted(views, key=lambda view: -abs(view.difference or 0)))

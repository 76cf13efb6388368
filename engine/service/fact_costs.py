"""What each message in the facts cost: the price of its sending day, as the report on its case charges it.

The cost of a wave on a day is shared out evenly among the messages that were charged for: all that left the house, or
those that arrived. Refuses to add what a wave or a case costs at a fixed price: that is in the report on the case.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from engine.evaluation.costs import Prices, Spent, cost_of, sent_of
from engine.service.app import Countersign
from engine.service.case_costs import prices_of
from engine.store import costs
from engine.store import facts as ledger
from engine.store.costs import CostTableRow
from engine.store.facts import WaveFacts

if TYPE_CHECKING:
    from engine.warehouse.filling import Charge, Left


EXACT = Decimal("1e-9")
"""A message's part of what its wave cost: a million of them add up to the wave within a thousandth."""


class Charging:
    """The prices of some waves, from what the case database holds of them."""

    def __init__(
        self, app: Countersign, tx: Connection, some: Sequence[WaveFacts], version: CostTableRow | None
    ) -> None:
        self._waves = {wave.id: wave for wave in some}
        cases = ledger.cases_of(tx, sorted({wave.case_id for wave in some}))
        self._prices: dict[str, Prices] = {
            one.case.id: prices_of(app.definition(one.case.process), version) for one in cases
        }
        self._segments: dict[str, Mapping[date, int]] = {}
        for first in range(0, len(some), ledger.SOME):
            here = [wave.id for wave in some[first : first + ledger.SOME]]
            self._segments |= costs.segments_by_day(tx, here)

    def charge(self, left: Iterable["Left"]) -> list["Charge"]:
        """What one message cost, by wave and day, of all that left the house."""
        from engine.warehouse.filling import Charge  # noqa: PLC0415  loads pyarrow and DuckDB

        messages: dict[str, dict[date, tuple[int, int]]] = {}
        for one in left:
            messages.setdefault(one.wave, {})[one.day] = (one.contacted, one.delivered)
        found = []
        for name, by_day in messages.items():
            wave = self._waves[name]
            segments = Spent(self._segments.get(name, {}), wave.segments)
            for sent in sent_of(name, wave.channel, by_day, segments, sorted(by_day)):
                price = self._prices[wave.case_id].paid(wave.channel, sent.day)
                arrived = price.charged == "delivered"
                count = sent.delivered if arrived else sent.contacted
                if count:
                    found.append(Charge(name, sent.day, (cost_of(sent, price) / count).quantize(EXACT), arrived))
        return found

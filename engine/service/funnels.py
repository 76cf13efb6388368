"""The way of a case's customers, from those selected to those who kept what they bought, whole and by its parts.

Each step says what it is of. Who converted before a message of the case came to them stands apart and is no success;
what nobody measured is None, never 0. Refuses to compare with the control group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.evaluation.groups import Group
from engine.evaluation.plan import EvaluationPlan
from engine.service.stage_views import FunnelRow, PartRow
from engine.store.reports import Contacts
from engine.store.waves import WaveRow
from engine.values import NO_TEXT, Bilingual
from engine.warehouse.answers import KEPT, NOBODY, Came, Counted
from engine.warehouse.freeze import Manifest

ANSWERS = {"response": "responded", "conversion": "converted"}


@dataclass(frozen=True, slots=True)
class Way:
    """What is known of it: the frozen list, the ledger, the answers. `offices` has the names of `own`, the office of
    the case, and of halls."""

    plan: EvaluationPlan
    manifest: Manifest
    reached: tuple[int, int]
    capped: int
    contacts: Sequence[Contacts]
    waves: Sequence[WaveRow]
    counted: Counted
    own: str
    offices: Mapping[str, Bilingual]


def funnel(way: Way, target: Group) -> tuple[FunnelRow, ...]:
    """Each step with its denominator; `target` has the imported outcomes of all target customers."""
    manifest, plan = way.manifest, way.plan
    selected = manifest.counts.base
    contacted, delivered = way.reached
    rows = [
        FunnelRow("selected", selected, manifest.universe),
        FunnelRow("excluded", selected - manifest.target - manifest.control, selected),
        FunnelRow("target", manifest.target, selected),
        FunnelRow("control", manifest.control, selected),
        *([FunnelRow("capped", way.capped, manifest.target)] if way.capped else []),
        FunnelRow("sent", contacted, manifest.target),
        FunnelRow("delivered", delivered, contacted),
    ]
    asked = {str(name) for name in plan.metrics if name in ANSWERS} | set(plan.outcomes)
    for name, after in zip(ANSWERS, (way.counted.after.responded, way.counted.after.converted), strict=True):
        if name in plan.outcomes:
            rows.append(_imported(ANSWERS[name], name, target))
        elif name in asked or after:
            rows.append(FunnelRow(ANSWERS[name], after, contacted))
    converted = next((row.count for row in rows if row.name == "converted"), None)
    if converted is not None:
        kept, known = way.counted.kept or (None, converted)
        rows.append(FunnelRow(KEPT, kept, known))
    rates = [name for name, kind in plan.outcomes.items() if kind == "rate" and name not in (*ANSWERS, KEPT)]
    return (*rows, *(_imported(name, name, target) for name in rates))


def apart(way: Way) -> tuple[FunnelRow, ...]:
    """Customers whose answers no message came before, of all who answered; in the control group those before the case
    began. Only those that there are."""
    counted = way.counted
    rows = (
        FunnelRow("responded_before", counted.ever.responded - counted.after.responded, counted.ever.responded),
        FunnelRow("converted_before", counted.ever.converted - counted.after.converted, counted.ever.converted),
        FunnelRow("control_before", counted.control_early.converted, counted.control_ever.converted),
    )
    return tuple(row for row in rows if row.count)


def parts(way: Way) -> tuple[PartRow, ...]:
    """The messages by wave, by channel, by cell and by office: each an account of its own that holds all of them."""
    named = {wave.id: wave for wave in way.waves}
    found: list[PartRow] = []
    for by in ("wave", "channel", "cell", "office"):
        sums: dict[str, list[int]] = {}
        for one in way.contacts:
            each = sums.setdefault(_place(by, one, named, way.own), [0, 0, 0])
            for n, count in enumerate((one.planned, one.contacted, one.delivered)):
                each[n] += count
        answered = _answered(by, way)
        for place in _in_order(by, sums, way.waves):
            planned, sent, delivered = sums[place]
            came = answered.get(place, NOBODY)
            name = named[place].name if by == "wave" and place in named else place
            said = way.offices.get(place, NO_TEXT) if by == "office" else NO_TEXT
            counts = (planned, sent, delivered, came.responded, came.converted)
            found.append(PartRow(by, name, *counts, zh=said.zh, en=said.en))
    return tuple(found)


def _place(by: str, one: Contacts, named: Mapping[str, WaveRow], own: str) -> str:
    if by == "channel":
        return named[one.wave].channel if one.wave in named else ""
    return {"wave": one.wave, "cell": one.cell, "office": one.office or own}[by]


def _answered(by: str, way: Way) -> Mapping[str, Came]:
    mine = ((place, came) for (of, place), came in way.counted.by.items() if of == by)
    return {place or way.own if by == "office" else place: came for place, came in mine}


def _in_order(by: str, places: Iterable[str], waves: Sequence[WaveRow]) -> list[str]:
    """Waves as they are planned; all else by name."""
    order = {wave.id: n for n, wave in enumerate(waves)} if by == "wave" else {}
    return sorted(places, key=lambda place: (order.get(place, len(order)), place))


def _imported(name: str, outcome: str, target: Group) -> FunnelRow:
    sample = target.samples[outcome]
    return FunnelRow(name, sample.successes if sample.n else None, sample.n)

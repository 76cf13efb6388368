"""Composes the report on a case: funnel, uplift against its control group, cost and profit, verdict.

What the case database knows is read in one snapshot; the join with the frozen list is DuckDB's. Refuses to store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
import pyarrow as pa
from sqlalchemy import Connection

from engine.errors import NotFound
from engine.evaluation.groups import Group, Sample, together
from engine.evaluation.plan import EvaluationPlan
from engine.evaluation.report import Question, compare_all
from engine.evaluation.uplift import Lift, Ratio, sample_ratio
from engine.evaluation.verdict import Reached
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.case_costs import CaseCosts, costs_of
from engine.service.contaminating import contamination
from engine.service.earnings import money_of
from engine.service.stage_views import ContaminationView, EvaluationView, FunnelRow, UpliftRow
from engine.store import reports, snapshots, waves
from engine.store.reports import Contacts
from engine.store.snapshots import SnapshotRow
from engine.warehouse.freeze import LIST, Manifest
from engine.warehouse.measuring import measure_case
from engine.warehouse.responses import outcome_files, outcomes_folder

TOTAL = "total"
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Observed:
    """What the case database knows of a case at the time of an evaluation."""

    plan: EvaluationPlan
    control_is_assigned: bool
    snapshot: SnapshotRow
    manifest: Manifest
    contacts: tuple[Contacts, ...]
    reached: tuple[int, int]
    capped: int
    costs: CaseCosts
    events: pa.Table
    contamination: Reached
    as_of: datetime


def report_on(app: Countersign, case: Case, label: str, as_of: datetime | None = None) -> EvaluationView:
    """The report of a case, by default as of now, not stored yet. NotFound where it has no evaluation stage or no
    audience."""
    with app.db.read() as tx:
        observed = _observed(app, tx, case, as_of or app.now())
    return _view(app, case.id, label, observed)


def _observed(app: Countersign, tx: Connection, case: Case, as_of: datetime) -> Observed:
    definition = app.definition(case.process)
    snapshot = snapshots.newest(tx, case.id)
    if definition.evaluation is None or snapshot is None:
        raise NotFound()
    rows = list(reports.responses_of(tx, case.id, since=snapshot.frozen_at, until=as_of))
    customers, kinds, values = zip(*rows, strict=True) if rows else ((), (), ())
    control = None if definition.audience is None else definition.audience.control
    contacts, sent = reports.contacts_by_cell(tx, case.id), waves.of_case(tx, case.id)
    return Observed(
        plan=definition.evaluation,
        control_is_assigned=control is not None and control.assigned is not None,
        snapshot=snapshot,
        manifest=msgspec.json.decode(snapshot.manifest, type=Manifest),
        contacts=contacts,
        reached=reports.customers_reached(tx, case.id),
        capped=reports.customers_capped(tx, case.id),
        costs=costs_of(app, tx, case, snapshot=snapshot, rows=sent, contacts=contacts, as_of=as_of),
        events=pa.table(
            {
                "customer": pa.array(customers, pa.string()),
                "kind": pa.array(kinds, pa.string()),
                "value": pa.array(values, pa.decimal128(18, 2)),
            }
        ),
        contamination=contamination(app, tx, case.id, snapshot, until=as_of, plan=definition.evaluation),
        as_of=as_of,
    )


def _view(app: Countersign, case_id: str, label: str, observed: Observed) -> EvaluationView:
    plan = observed.plan
    groups = measure_case(
        app.settings.data / observed.snapshot.folder / LIST,
        observed.events,
        outcome_files(outcomes_folder(app.settings.data, case_id)),
        outcomes=plan.outcomes,
        worth=plan.value_per,
        memory=app.settings.memory_limit,
    )
    nobody = Group(0, {name: Sample(0, 0.0, 0.0) for name in plan.measures})
    targets = {place.cell: group for place, group in groups.items() if place.arm == "target"}
    controls = {place.cell: group for place, group in groups.items() if place.arm == "control"}
    control = together(list(controls.values())) if controls else nobody
    target = together(list(targets.values())) if targets else nobody
    costs = _costs(observed)
    ratio = _ratio(observed, {cell: group.n for cell, group in targets.items()}, control.n)
    whole = {TOTAL: (target, control)}
    by_cell = {cell: (group, controls.get(cell, control)) for cell, group in sorted(targets.items())}
    question = Question(plan.compared, plan.confidence, declared=TOTAL)
    compared = compare_all(
        question,
        by_cell | whole if len(by_cell) > 1 else whole,
        costs={**costs, TOTAL: observed.costs.actual},
        ratio=ratio,
        reached=observed.contamination,
    )
    total = compared[-1]
    return EvaluationView(
        label=label,
        as_of=observed.as_of,
        funnel=_funnel(observed, target),
        uplift=tuple(
            _row(one.name, name, lift, one.holm[name])
            for one in compared
            for name, lift in one.lifts.items()
            if lift is not None
        ),
        srm_chi2=None if ratio is None else ratio.chi2,
        srm_p=None if ratio is None else ratio.p,
        revenue=total.money.revenue,
        cost=total.money.cost,
        profit=total.money.profit,
        roi=total.money.roi,
        verdict=total.judged.verdict,
        warnings=total.judged.warnings,
        digest="",
        money=money_of(observed.costs, total),
        primary=question.judged_by,
        confidence=question.confidence,
        profit_low=total.money.profit_low,
        profit_high=total.money.profit_high,
        contamination=_contamination(observed.contamination, control.n),
    )


def _contamination(reached: Reached, control: int) -> ContaminationView | None:
    if not control:
        return None
    return ContaminationView(control, reached.by_case, reached.by_others, reached.all, reached.at_most)


def _row(arm: str, metric: str, lift: Lift, holm: float) -> UpliftRow:
    return UpliftRow(
        arm=arm,
        metric=metric,
        method=lift.method,
        n=lift.n,
        n_control=lift.n_control,
        value=_steady(lift.value),
        control_value=_steady(lift.control_value),
        lift=_steady(lift.lift),
        low=_steady(lift.low),
        high=_steady(lift.high),
        p=_steady(lift.p),
        p_holm=_steady(holm),
        relative_lift=None if lift.relative_lift is None else _steady(lift.relative_lift),
        relative_low=None if lift.relative is None else _steady(lift.relative[0]),
        relative_high=None if lift.relative is None else _steady(lift.relative[1]),
        detectable=None if lift.detectable is None else _steady(lift.detectable),
    )


def _steady(figure: float) -> float:
    """To 12 digits: sums of several threads differ in the last ones, and a report's digest should not."""
    return float(f"{figure:.12g}")


def _funnel(observed: Observed, target: Group) -> tuple[FunnelRow, ...]:
    manifest, plan = observed.manifest, observed.plan
    selected = manifest.counts.base
    contacted, delivered = observed.reached
    rows = [
        FunnelRow("selected", selected, manifest.universe),
        FunnelRow("excluded", selected - manifest.target - manifest.control, selected),
        FunnelRow("target", manifest.target, selected),
        FunnelRow("control", manifest.control, selected),
        *([FunnelRow("capped", observed.capped, manifest.target)] if observed.capped else []),
        FunnelRow("sent", contacted, manifest.target),
        FunnelRow("delivered", delivered, contacted),
    ]
    named = {"response": "responded", "conversion": "converted"}
    shown = [name for name in plan.metrics if name in named] + [
        n for n, kind in plan.outcomes.items() if kind == "rate"
    ]
    for name in dict.fromkeys(str(one) for one in shown):
        sample = target.samples[name]
        rows.append(FunnelRow(named.get(name, name), sample.successes, sample.n))
    return tuple(rows)


def _costs(observed: Observed) -> dict[str, Decimal]:
    """What the messages of every cell cost: those of a wave divided as they are among the cells. Fixed costs are the
    whole case's, once, and no cell's."""
    in_wave: dict[str, int] = {}
    for contacts in observed.contacts:
        in_wave[contacts.wave] = in_wave.get(contacts.wave, 0) + contacts.contacted
    costs: dict[str, Decimal] = {}
    for contacts in observed.contacts:
        share = Decimal(contacts.contacted) / in_wave[contacts.wave]
        of_wave = observed.costs.by_wave.get(contacts.wave, Decimal())
        costs[contacts.cell] = costs.get(contacts.cell, Decimal()) + share * of_wave
    return {cell: amount.quantize(CENT) for cell, amount in costs.items()}


def _ratio(observed: Observed, targets: Mapping[str, int], control: int) -> Ratio | None:
    """The sizes against those planned: per cell where the control group was drawn elsewhere, else target : control."""
    if not control:
        return None
    if observed.control_is_assigned:
        sizes = {**targets, "control": control}
        planned = [float(observed.plan.split.get(name, 1)) for name in sizes]
        return sample_ratio(list(sizes.values()), planned)
    share = _drawn_share(observed.manifest.threshold)
    return sample_ratio([sum(targets.values()), control], [1 - share, share]) if 0 < share < 1 else None


def _drawn_share(threshold: str) -> float:
    """The share of draws below a threshold of 8 hexadecimal digits; 0 or 1 for nobody and everybody."""
    try:
        return int(threshold, 16) / float(16 ** len(threshold))
    except ValueError:
        return float(bool(threshold))

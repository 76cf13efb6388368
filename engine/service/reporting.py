"""Composes the report on a case: funnel, uplift against its control group, cost and profit, verdict.

What the case database knows is read in one snapshot; the join with the frozen list is DuckDB's. Refuses to store.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from engine.errors import NotFound
from engine.evaluation.groups import Group, Sample, together
from engine.evaluation.plan import EvaluationPlan
from engine.evaluation.report import Compared, Question, compare_all
from engine.evaluation.uplift import Lift, Ratio, sample_ratio
from engine.evaluation.verdict import Caution, Reached
from engine.machine.case import Case
from engine.service.app import Countersign
from engine.service.case_costs import CaseCosts, costs_of
from engine.service.contaminating import contamination
from engine.service.earnings import money_of
from engine.service.funnels import Way, apart, funnel, parts
from engine.service.showing import office_name
from engine.service.stage_views import TOTAL, ContaminationView, EvaluationView, FunnelRow, UpliftRow
from engine.store import answers, reports, snapshots, waves
from engine.store.reports import Contacts
from engine.store.snapshots import SnapshotRow
from engine.store.waves import WaveRow
from engine.values import Bilingual
from engine.warehouse.answers import ANSWERS, Counted, count_answers
from engine.warehouse.freeze import LIST, Manifest
from engine.warehouse.measuring import EVENTS, measure_case
from engine.warehouse.responses import outcome_files, outcomes_folder

MONEY = frozenset({"revenue", "roi"})
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Observed:
    """What the case database knows of a case at the time of an evaluation."""

    plan: EvaluationPlan
    control_is_assigned: bool
    snapshot: SnapshotRow
    manifest: Manifest
    contacts: tuple[Contacts, ...]
    waves: tuple[WaveRow, ...]
    reached: tuple[int, int]
    capped: int
    costs: CaseCosts
    answers: pa.Table
    own: str
    offices: Mapping[str, Bilingual]
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
    control = None if definition.audience is None else definition.audience.control
    contacts, sent = reports.contacts_by_cell(tx, case.id), waves.of_case(tx, case.id)
    left = tuple(one for one in contacts if one.contacted)
    organisation = app.organisation(tx)
    halls = {case.office, *(one.office for one in contacts if one.office)}
    return Observed(
        plan=definition.evaluation,
        control_is_assigned=control is not None and control.assigned is not None,
        snapshot=snapshot,
        manifest=msgspec.json.decode(snapshot.manifest, type=Manifest),
        contacts=contacts,
        waves=sent,
        reached=reports.customers_reached(tx, case.id, contacts),
        capped=reports.customers_capped(tx, case.id),
        costs=costs_of(app, tx, case, snapshot=snapshot, rows=sent, contacts=left, as_of=as_of),
        answers=_answers(tx, case.id, definition.evaluation, sent, since=snapshot.frozen_at, until=as_of),
        own=case.office,
        offices={code: office_name(organisation, code) for code in halls},
        contamination=contamination(app, tx, case.id, snapshot, until=as_of, plan=definition.evaluation),
        as_of=as_of,
    )


def _answers(
    tx: Connection, case_id: str, plan: EvaluationPlan, sent: Sequence[WaveRow], *, since: datetime, until: datetime
) -> pa.Table:
    """With the schema ANSWERS. Early is what came before the first wave; a case without waves begins with its list."""
    starts = answers.first_start(tx, case_id) if sent else since
    is_first = plan.attribution is not None and plan.attribution.method == "first_contact"
    channels = {wave.id: wave.channel for wave in sent}
    columns: list[list[object]] = [[] for _ in ANSWERS]
    for one in answers.answers_of(tx, case_id, since=since, until=until, is_first=is_first):
        early = starts is None or one.at < starts
        row = (one.customer, one.kind, one.value, one.wave, channels.get(one.wave, ""), one.office, early)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, ANSWERS, strict=True)], ANSWERS)


def _view(app: Countersign, case_id: str, label: str, observed: Observed) -> EvaluationView:
    plan = observed.plan
    audience = app.settings.data / observed.snapshot.folder / LIST
    files = outcome_files(outcomes_folder(app.settings.data, case_id))
    memory = app.settings.memory_limit
    counting = observed.answers.filter(pc.invert(observed.answers["is_early"])).select(EVENTS.names)
    groups = measure_case(audience, counting, files, outcomes=plan.outcomes, worth=plan.value_per, memory=memory)
    counted = count_answers(audience, observed.answers, files, outcomes=plan.outcomes, memory=memory)
    way = _way(observed, counted)
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
        was_sent=not observed.waves or observed.reached[0] > 0,
    )
    total = compared[-1]
    return EvaluationView(
        label=label,
        as_of=observed.as_of,
        funnel=funnel(way, target),
        uplift=tuple(
            lift_row(one.name, name, lift, one.holm[name])
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
        warnings=(*total.judged.warnings, *_cautions(observed, apart(way), total)),
        digest="",
        money=money_of(observed.costs, total),
        primary=question.judged_by,
        confidence=question.confidence,
        profit_low=total.money.profit_low,
        profit_high=total.money.profit_high,
        contamination=_contamination(observed.contamination, control.n),
        parts=parts(way),
        apart=apart(way),
    )


def _way(observed: Observed, counted: Counted) -> Way:
    return Way(
        plan=observed.plan,
        manifest=observed.manifest,
        reached=observed.reached,
        capped=observed.capped,
        contacts=observed.contacts,
        waves=observed.waves,
        counted=counted,
        own=observed.own,
        offices=observed.offices,
    )


def _cautions(observed: Observed, before: Sequence[FunnelRow], total: Compared) -> Iterator[Caution]:
    """What else could make the figures wrong: of the ledger and the answers, not of the comparison."""
    contacted, delivered = observed.reached
    if contacted and not delivered:
        yield "nothing_delivered"
    if before:
        yield "before_send"
    if total.money.revenue is None and MONEY.intersection(map(str, observed.plan.metrics)):
        yield "revenue_unknown"


def _contamination(reached: Reached, control: int) -> ContaminationView | None:
    if not control:
        return None
    return ContaminationView(control, reached.by_case, reached.by_others, reached.all, reached.at_most)


def lift_row(arm: str, metric: str, lift: Lift, holm: float) -> UpliftRow:
    """The lift of an arm in a metric as a report keeps it; `holm` is its p among all of the report."""
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


def _costs(observed: Observed) -> dict[str, Decimal]:
    """What the messages of every cell cost: those of a wave divided as they are among the cells. Fixed costs are the
    whole case's, once, and no cell's."""
    in_wave: dict[str, int] = {}
    for contacts in observed.contacts:
        in_wave[contacts.wave] = in_wave.get(contacts.wave, 0) + contacts.contacted
    costs: dict[str, Decimal] = {}
    for contacts in observed.contacts:
        if not contacts.contacted:
            continue
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

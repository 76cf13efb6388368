"""Moves deliveries on: a wave that is out waits at its gate, the next one starts, the last receipt ends the delivery.

Called every few seconds; every step is a row that says it was done, so calling it twice, late, or from two processes
at once moves nothing twice.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy import Connection

from engine.delivery.channels import ARRIVES_IN_SILENCE, CHANNELS, Call, Hall
from engine.delivery.plan import DeliveryPlan
from engine.delivery.standing import closed_because
from engine.errors import Refused
from engine.machine.case import Case
from engine.machine.commands import DeliveryFinished
from engine.service import (
    call_results,
    ending,
    permits,
    proof_rule,
    running,
    side_sending,
    spending,
    staleness,
    text_tests,
    texts,
    uncollected,
)
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.service.stopping import pause, standing
from engine.store import cases, chunks, ledger, waves
from engine.store.ledger import Sums
from engine.store.waves import ENDED, WaveRow
from engine.warehouse.wavefiles import join_parts

GATE = "gate: "
WAITS_FOR_GO = "waits for a person's go"
WAITS_FOR_TEST = "waits for the test of its text"
OVER = "the delivery was over"
CONTACTS_AT_ONCE = 1_000_000


def settle(app: Countersign) -> int:
    """Move every delivery on as far as it can go; how many cases were looked at."""
    ending.finish_cancelled(app)
    with app.db.read() as tx:
        under_way = waves.cases_under_way(tx)
    for case_id in under_way:
        _settle(app, case_id)
    return len(under_way)


def start_next(app: Countersign, tx: Connection, case: Case) -> str:
    """Start the first wave whose turn it is: all before it have ended. Its channels start together. One whose plan
    wants a person's go waits for it, one whose text a test finds for that.

    Where its list is stale, its letters cost more than is left, or a text of it may not go out, nothing starts, and why
    is returned: the caller holds the delivery for it, in a transaction of its own.
    """
    for name, group in groupby(waves.of_case(tx, case.id), key=lambda row: row.name):
        same = list(group)
        if all(row.state in ENDED for row in same):
            continue
        planned = [row for row in same if row.state == "planned"]
        if any(row.plan.winner_of and not row.variant for row in planned):
            for row in planned:
                if row.held_because != WAITS_FOR_TEST:
                    waves.note(tx, row.id, WAITS_FOR_TEST)
            return ""
        if any(row.plan.go == "person" and not row.let_go_by for row in planned):
            for row in planned:
                if row.held_because != WAITS_FOR_GO:
                    waves.note(tx, row.id, WAITS_FOR_GO)
            return ""
        stale = staleness.of_wave(app, tx, case, name) if planned else ()
        if stale:
            _note_proofs(tx, planned, "")
            return f"{staleness.HELD}{staleness.said(stale)}"
        short = spending.short_of(app, tx, case, planned)
        if short:
            for row in planned:
                waves.note(tx, row.id, short)
            return short
        if wrong := texts.refused(app, case, planned):
            _note_proofs(tx, planned, "")
            return wrong
        if unproved := proof_rule.refused(app, tx, case) if planned else "":
            _note_proofs(tx, planned, unproved)
            return unproved
        waves.lock_all(tx, [row.id for row in planned])
        for row in planned:
            waves.move(tx, row.id, to="running", come_from=("planned",), started_at=app.now(), held_because="")
        return ""
    return ""


def _note_proofs(tx: Connection, planned: Sequence[WaveRow], missing: str) -> None:
    """The waves that proofs hold say so, and those that something else holds no more."""
    for row in planned:
        if row.held_because != missing and (missing or row.held_because.startswith(proof_rule.HELD)):
            waves.note(tx, row.id, missing)


def _settle(app: Countersign, case_id: str) -> None:
    proof_rule.go_on(app, case_id)
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        rows = waves.of_case(tx, case_id)
    plan = app.definition(case.process).delivery
    if plan is None:
        return
    for row in rows:
        ending.end_if_over(app, row)
        if row.state == "running":
            _close_if_out(app, row)
        elif row.state == "gated" and case.state == "delivering":
            _open_gate_if_due(app, case, plan, row)
    for row in rows:
        if row.channel == Call.name and case.state == "delivering":
            call_results.end_outdated(app, case, row)
    text_tests.decide_due(app, case, rows)
    _give_up(app, case)
    with app.db.begin() as tx:
        held = start_next(app, tx, case) if case.state == "delivering" else ""
    if held:
        pause(app, case, held)
    _finish_if_over(app, case)


def _close_if_out(app: Countersign, row: WaveRow) -> None:
    """A wave without open chunks goes to its gate, or is done."""
    with app.db.read() as tx:
        if chunks.count_open(tx, row.id):
            return
    if not CHANNELS[row.channel].has_receipts:
        join_parts(app.settings.data / row.parts, app.settings.data / row.hand_off)
    now = app.now()
    with app.db.begin() as tx:
        waves.lock(tx, row.id)
        if not CHANNELS[row.channel].has_receipts:
            ledger.hand_over(tx, row.id, at=now)
        if row.plan.gate is None:
            waves.move(tx, row.id, to="done", come_from=("running",), finished_at=now)
        else:
            until = now + row.plan.gate.wait.on_the_clock()
            waves.move(tx, row.id, to="gated", come_from=("running",), gate_until=until)


def _open_gate_if_due(app: Countersign, case: Case, plan: DeliveryPlan, row: WaveRow) -> None:
    """After its time a gate opens, or stays shut with a reason and the case is held until a person says go."""
    if row.held_because or row.gate_until is None or row.gate_until > app.now():
        return
    assert row.plan.gate is not None
    with app.db.begin() as tx:
        reason = closed_because(row.plan.gate, standing(tx, row.case_id, plan, [row]))
        if not reason:
            waves.move(tx, row.id, to="done", come_from=("gated",), finished_at=app.now())
            return
        waves.note(tx, row.id, GATE + reason)
    pause(app, case, GATE + reason)


def _give_up(app: Countersign, case: Case) -> None:
    """End what was sent and has heard nothing in time; of a wave of which nothing is sent no row is read."""
    with app.db.read() as tx:
        sums = ledger.sums(tx, case.id)
        rows = [row for row in waves.of_case(tx, case.id) if row.id in sums and sums[row.id].sent]
    for row in rows:
        if CHANNELS[row.channel].has_receipts and row.started_at is not None:
            with app.db.begin() as tx:
                _give_up_late(app, tx, case, row, row.started_at)


def _give_up_late(app: Countersign, tx: Connection, case: Case, row: WaveRow, started_at: datetime) -> None:
    definition, now = app.definition(case.process), app.now()
    assert definition.delivery is not None
    within = definition.delivery.receipts_within.on_the_clock()
    if row.channel == Hall.name:
        window = definition.proposal.window(case.form)
        last = window[1] if window else None
        uncollected.end(tx, row, within=within, last=last, now=now, zone=app.settings.zone)
    elif row.channel != Call.name and started_at <= now - within:
        waves.lock(tx, row.id)
        arrived = row.channel in ARRIVES_IN_SILENCE
        ledger.give_up(tx, row.id, sent_before=now - within, at=now, arrived=arrived)


def _finish_if_over(app: Countersign, case: Case) -> None:
    """When every wave has ended and every recipient is settled: contacts to the dataset, sums to the case."""
    with app.db.read() as tx:
        rows = waves.of_case(tx, case.id)
        if case.state != "delivering" or not rows or any(row.state not in ENDED for row in rows):
            return
        sums = ledger.sums(tx, case.id)
    total = Sums(**{name: sum(getattr(one, name) for one in sums.values()) for name in asdict(Sums())})
    if total.waiting or total.sent:
        return
    _keep_contacts(app, case, rows)
    with app.db.begin() as tx:
        for row in rows:
            side_sending.end(app, tx, row, OVER)
    finished = DeliveryFinished(actor="system", via="timer", sums={"audience": total.audience, **asdict(total)})
    try:
        running.carry_out(app, case.id, finished, key="delivery finished")
    except Refused:
        return  # paused or withdrawn since it was read; the next call looks again


def _keep_contacts(app: Countersign, case: Case, rows: Sequence[WaveRow]) -> None:
    """Append who was contacted to the contact history that later selections ask. The same batch again adds nothing."""
    import pyarrow as pa  # noqa: PLC0415  # with DuckDB it takes long to load; most commands end no delivery

    from engine.warehouse import contacts  # noqa: PLC0415  # as above

    dataset = dataset_of(app.settings)
    definition, shared = app.definition(case.process), _word(case, "offer")
    offers = definition.audience.offers_in(case.form) if definition.audience else {}
    made = permits.approach(definition, case.form, "")
    same = {"case_number": case.number or case.id, "category": made.category, "purpose": made.purpose}
    for row in rows:
        with app.db.read() as tx:
            batch: list[dict[str, object]] = []
            for one in ledger.contacts(tx, row.id):
                at = one.sent_at.astimezone(UTC).replace(tzinfo=None)
                offer = offers.get(one.cell, shared)
                told = {"customer": one.customer, "at": at, "channel": row.channel, "outcome": one.state}
                batch.append({**told, "offer": offer, **same})
                if len(batch) == CONTACTS_AT_ONCE:
                    contacts.append(dataset, pa.Table.from_pylist(batch, schema=contacts.SCHEMA))
                    batch = []
        if batch:
            contacts.append(dataset, pa.Table.from_pylist(batch, schema=contacts.SCHEMA))


def _word(case: Case, name: str) -> str:
    value = case.form.get(name)
    return value if isinstance(value, str) else ""

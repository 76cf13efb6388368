"""Delivery (派送) from the frozen list to the last receipt: waves are written, started, held, shown.

`begin` may be killed anywhere and called again: the waves are rows first, each wave's file appears at once, each
wave's ledger is loaded in one transaction. Sending is `work` (sending.py), gates and ends are `settle` (settling.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import Literal

from sqlalchemy import Connection

from engine.delivery import pacing
from engine.delivery.channels import CHANNELS, segments_of
from engine.delivery.message import cost
from engine.delivery.plan import DeliveryPlan, Wave
from engine.delivery.waves import PlannedWave, chunk_size, chunks, divide
from engine.errors import NotFound, NotPossible
from engine.machine.case import Case
from engine.machine.commands import ResumeDelivery
from engine.machine.wider import is_widening
from engine.service import ending, parking, restoring, running, seeding, side_sending, texts, whereabouts, wording
from engine.service.app import Countersign
from engine.service.couriers.opening import guarantee_of
from engine.service.sealing import dataset_of, vault
from engine.service.sending import Progress, work
from engine.service.settling import WAITS_FOR_GO, settle, start_next
from engine.service.stage_views import WaveView
from engine.service.stopping import OVERRULED, STOPPED, pause
from engine.store import budgets, cases, ledger, snapshots, waves
from engine.store import chunks as chunk_rows
from engine.store.snapshots import SnapshotRow
from engine.store.waves import ENDED, WaveRow
from engine.warehouse import erased, wavefiles
from engine.warehouse.freeze import LIST, open_frozen
from engine.warehouse.places import fields_there
from engine.warehouse.run import Limits
from engine.warehouse.wavefiles import Letter, Turn, WaveFile

__all__ = ["Progress", "begin", "hold", "progress", "release_gate", "settle", "waves_view", "work"]

WRITING = 10
"""Times the seconds of a selection: the place waits while the letters of a whole wave are written."""


def begin(app: Countersign, case_id: str) -> None:
    """Divide the frozen list into waves, write every message, load the ledger, start the first wave.

    Calling it again finishes what is missing and changes nothing that is there. Raises NotFound where no audience is
    frozen, ValueError where a message names what its plan does not allow, CustomersUnavailable where addresses are at a
    place that does not answer.
    """
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        snapshot = snapshots.newest(tx, case_id)
    definition = app.definition(case.process)
    if snapshot is None or definition.delivery is None:
        raise NotFound()
    form = definition.context(case.form)["form"]
    planned = divide(snapshot.target, [_as_sent(app, wave) for wave in definition.delivery.waves])
    with app.db.begin() as tx:
        folder = PurePosixPath("cases", case_id, "waves")
        waves.enter(tx, case_id, planned, folder, epoch=restoring.epoch_in(tx))
        rows = {row.position: row for row in waves.of_case(tx, case_id)}
    with erased.undisturbed(app.settings.data):
        for one in planned:
            row = rows[one.position]
            if row.state == "loading":
                path = app.settings.data / row.file
                if not path.exists():
                    words = wording.wording(app, definition.delivery, row, form)
                    wavefiles.write(
                        path, _turn(app, snapshot, one), words, vault(app.settings), chunk=chunk_size(row.plan)
                    )
                if CHANNELS[one.channel].has_text:
                    texts.looked_at(app, definition.delivery, row)
                _load(app, one, row, case)
    with app.db.begin() as tx:
        case = cases.load(tx, case_id)
        held = start_next(app, tx, case)
    if held:
        pause(app, case, held)


def hold(app: Countersign, case_id: str, action: Literal["pause", "resume", "cancel"] | str) -> None:
    """Make the waves follow the case: paused while it is paused or more is asked for, running while it delivers, else
    cancelled.

    Effects may arrive late or twice, so the case's own state decides and not the order they came in. Resuming a case
    that a gate or a stop rule held is a person's go: the gate opens, the rule is not asked again.
    """
    with app.db.begin() as tx:
        case = cases.load(tx, case_id)
        locked = waves.lock_all(tx, [seen.id for seen in waves.of_case(tx, case_id)])
        for wave in sorted(locked, key=lambda one: one.position):
            if action == "cancel":
                _cancel(app, tx, wave)
            elif case.state in ("paused", "suspended") or is_widening(case):
                because = wave.held_because or case.facts.get("paused", "") or "paused"
                waves.move(tx, wave.id, to="paused", come_from=("running",), held_because=because)
            elif case.state == "delivering":
                _resume(app, tx, wave)
        held = start_next(app, tx, case) if case.state == "delivering" else ""
    if held:
        pause(app, case, held)


def _cancel(app: Countersign, tx: Connection, wave: WaveRow) -> None:
    if wave.state not in ENDED:
        waves.move(tx, wave.id, to="cancelled", come_from=(wave.state,), finished_at=app.now())
        ending.end(tx, wave.id, reason=ending.CANCELLED, at=app.now())
        side_sending.end(app, tx, wave, ending.CANCELLED)


def _resume(app: Countersign, tx: Connection, wave: WaveRow) -> None:
    if wave.state == "paused":
        because = OVERRULED if wave.held_because.startswith(STOPPED) else ""
        waves.move(tx, wave.id, to="running", come_from=("paused",), held_because=because)
    elif wave.state == "gated" and wave.held_because:
        waves.move(tx, wave.id, to="done", come_from=("gated",), finished_at=app.now(), held_because="")


def release_gate(app: Countersign, case_id: str, *, by: str) -> None:
    """A person's go: the gate that waits, or that did not open, opens, and the next wave starts; a wave that waits for
    a go starts.

    NotPossible where no gate is closed and no wave waits.
    """
    with app.db.begin() as tx:
        rows = waves.lock_all(tx, [row.id for row in waves.of_case(tx, case_id)])
        gated = [row for row in rows if row.state == "gated"]
        waiting = [row for row in rows if _waits_for_go(row)]
        if not gated and not waiting:
            raise NotPossible(action="open a gate", state="no wave waits at one", possible="pause, resume")
        for row in waiting:
            waves.let_go(tx, row.id, by=by)
        for row in gated:
            waves.move(
                tx, row.id, to="done", come_from=("gated",), finished_at=app.now(), held_because=f"opened by {by}"
            )
        case = cases.load(tx, case_id)
        held = start_next(app, tx, case) if case.state == "delivering" else ""
    if held:
        pause(app, case, held)
    if case.state == "paused":
        running.carry_out(app, case_id, ResumeDelivery(actor=by), key=f"gate:{case.seq}")


def _waits_for_go(row: WaveRow) -> bool:
    return row.state == "planned" and row.held_because == WAITS_FOR_GO


def waves_view(app: Countersign, tx: Connection, case_id: str) -> tuple[WaveView, ...]:
    """The waves of a case with their sums, in order; none before the delivery began."""
    rows = waves.of_case(tx, case_id)
    if not rows:
        return ()
    plan = app.definition(cases.load(tx, case_id).process).delivery
    assert plan is not None
    sums = ledger.sums(tx, case_id)
    capped = ledger.capped(tx, case_id) if any(one.suppressed for one in sums.values()) else {}
    seeds = seeding.views(tx, case_id, plan, {row.id: row for row in rows})
    views = (_view(app, row, plan, sums.get(row.id), capped.get(row.id, 0)) for row in rows)
    return tuple(replace(view, seeds=seeds.get(view.id)) for view in views)


def progress(app: Countersign) -> list[dict[str, str | int]]:
    """The running waves with their sums, for who watches the workers; no title and no office."""
    with app.db.read() as tx:
        running_now = waves.running(tx)
        sums = {case: ledger.sums(tx, case) for case in {row.case_id for row in running_now}}
    rows: list[dict[str, str | int]] = []
    for row in running_now:
        counted = sums[row.case_id].get(row.id) or ledger.Sums(waiting=row.audience)
        done = counted.audience - counted.waiting
        rows.append({"wave": row.id, "channel": row.channel, "audience": counted.audience, "done": done})
    return rows


def _view(app: Countersign, row: WaveRow, plan: DeliveryPlan, sums: ledger.Sums | None, capped: int) -> WaveView:
    is_cancelled = row.state == "cancelled"
    counted = sums or ledger.Sums(**{"cancelled" if is_cancelled else "waiting": row.audience})
    now, zone = app.now(), app.settings.zone
    began, is_open = row.started_at or now, row.state in ("planned", "running", "paused")
    fits = pacing.room(row.plan, began, now, zone) if is_open else None
    return WaveView(
        id=row.id,
        name=row.name,
        channel=row.channel,
        state=row.state,
        audience=counted.audience,
        waiting=counted.waiting,
        sent=counted.sent,
        delivered=counted.delivered,
        failed=counted.failed,
        unknown=counted.unknown,
        suppressed=counted.suppressed,
        capped=capped,
        started_at=row.started_at,
        finished_at=row.finished_at,
        gate_until=row.gate_until,
        held_because=row.held_because,
        cost=cost(row.segments, plan.price(row.channel)),
        cancelled=counted.cancelled,
        ends_at=pacing.ends_at(row.plan, began, zone) if is_open and row.started_at else None,
        too_many=0 if fits is None else max(0, counted.waiting - fits),
        waits_for_go=_waits_for_go(row),
        wrong_texts=texts.known(app, row),
    )


def _turn(app: Countersign, snapshot: SnapshotRow, planned: PlannedWave) -> Turn:
    frozen = open_frozen(app.settings.data / snapshot.folder)
    place = whereabouts.place(app.settings)
    dataset = dataset_of(app.settings)
    return Turn(
        list_file=frozen.folder / LIST,
        customers=partial(fields_there, place, Limits(seconds=WRITING * app.settings.selection_seconds))
        if place
        else dataset.paths(dataset.current().tables["customers"]),
        salt=f"{frozen.manifest.salt}:waves",
        first=planned.first,
        size=planned.size,
    )


def _as_sent(app: Countersign, wave: Wave) -> Wave:
    """With chunks no larger than what may be in doubt at once where nobody can be asked about it."""
    asked_never = [one for one in wave.channel if guarantee_of(one, app.settings) == "at_most_once"]
    return wave.model_copy(update={"chunk": min([wave.chunk, *(CHANNELS[one].batch for one in asked_never)])})


def _load(app: Countersign, planned: PlannedWave, row: WaveRow, case: Case) -> None:
    """The wave's rows and chunks, in one transaction; the second of two callers finds them there."""
    file = WaveFile(app.settings.data / row.file)
    segments: Counter[int] = Counter()
    fund, aside = case.fund, seeding.texts_for(app, case, row, app.settings.data / row.file)
    try:
        with app.db.begin() as tx:
            locked = waves.lock(tx, row.id)
            if locked is None or locked.state != "loading":
                return
            letters = _counted(file, row, segments) if fund else file.letters()
            recipients = _recipients(letters, CHANNELS[row.channel].has_address)
            ledger.load(tx, row.id, row.case_id, row.channel, recipients)
            chunk_rows.enter(tx, row.id, chunks(planned.size, chunk_size(row.plan)), segments)
            if fund:
                budgets.pay_from(tx, [row.id], fund.account)
            if aside:
                seeding.enter(app, tx, case, row, aside)
            waves.move(tx, row.id, to="planned", come_from=("loading",))
        with app.db.begin() as tx:
            ledger.refresh_statistics(tx)
        parking.wave_is_here(app, row.id)
    finally:
        file.close()


def _counted(file: WaveFile, row: WaveRow, segments: Counter[int]) -> Iterator[Letter]:
    """The letters, and by chunk how many segments those have that can be sent; of several texts the dearest counts."""
    channel, size = CHANNELS[row.channel], chunk_size(row.plan)
    for piece in range(file.pieces):
        for letter, every in zip(file.chunk(piece), file.texts(piece), strict=True):
            if letter.address or not channel.has_address:
                segments[letter.row // size] += max(segments_of(row.channel, text) for text in every)
            yield letter


def _recipients(letters: Iterable[Letter], needs_address: bool) -> Iterable[ledger.Recipient]:
    for letter in letters:
        unusable = "no address" if needs_address and not letter.address else ""
        yield ledger.Recipient(letter.row, letter.customer, letter.cell, unusable)

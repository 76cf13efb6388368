"""Carries out what the machine decided: due timers become commands, outbox rows become actions.

Every row is claimed as a lease, carried out outside any transaction, then marked. An action may run twice after a
crash, so each is idempotent: stages by their key, notices by being harmless. What fails is tried again later and
never stops the others.
"""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import assert_never
from zlib import crc32

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from engine.errors import CountersignError, NotFound
from engine.machine.case import Case
from engine.machine.commands import Decide, TimerFired
from engine.machine.outcome import (
    BeginDelivery,
    CancelChild,
    Effect,
    Evaluate,
    HoldChild,
    HoldDelivery,
    NotifyOutcome,
    NotifyQuestion,
    NotifyTask,
    OpenChild,
    SelectAudience,
    TellParent,
)
from engine.organisation.workdays import caution
from engine.service import children, delivering, evaluating, links, running, selecting, standins
from engine.service.app import Countersign
from engine.service.drifting import drift_view
from engine.service.fields import field_views, hidden, limited
from engine.service.keeping import kept
from engine.service.telling import form_at
from engine.service.views import DriftView, FieldView
from engine.store import cases, history, outbox, people, timers, visibility
from engine.store.batches import Move, transition_many
from engine.store.outbox import Claimed
from engine.store.timers import DueTimer
from engine.values import NO_TEXT, Bilingual, Language

LEASE = timedelta(seconds=60)  # kept while the batch is carried out; so long nobody takes over from a dead process
BATCH = 20
TIMER_BATCH = 1000
TOGETHER = 100  # timers that fire in one transaction; longer ones keep people waiting for their case
LANES = 2  # one computes while the database writes for the other
PROMPT = (
    NotifyTask,
    NotifyQuestion,
    NotifyOutcome,
    SelectAudience,
    BeginDelivery,
    HoldDelivery,
    OpenChild,
    CancelChild,
    HoldChild,
    TellParent,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told. `link` is absolute; `registered` are register numbers; `by` and `remark` are set where
    somebody decided; `changes` are the fields that an approver changed, each with what it `was`."""

    person: str
    name: str
    email: str
    language: Language
    occasion: str
    case_id: str
    number: str
    title: str
    confidential: bool
    step: Bilingual
    due_at: datetime | None
    budget: Decimal | None
    reach: int | None
    link: str
    remark: str = ""
    by: str = ""
    drift: DriftView | None = None
    registered: tuple[str, ...] = ()
    caution: Bilingual = NO_TEXT  # why `due_at` may still move
    changes: tuple[FieldView, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """What one round of work did."""

    timers: int = 0
    effects: int = 0
    failed: int = 0

    @property
    def any(self) -> bool:
        """Whether there was something to do, so that more may be waiting."""
        return bool(self.timers or self.effects or self.failed)


Notify = Callable[[Notice], None]


def work(app: Countersign, notify: Notify) -> Counts:
    """Fire what is due and carry out what is pending, one batch of each. Safe from several processes at once.

    Evaluations are left to `evaluate_due`, so that no notice waits for a long computation.
    """
    fired = fire_timers(app)
    done, failed = _carry_out(app, PROMPT, notify)
    return Counts(timers=fired, effects=done, failed=failed)


def evaluate_due(app: Countersign) -> Counts:
    """Compute the evaluations that are due."""
    done, failed = _carry_out(app, (Evaluate,), _nobody)
    return Counts(effects=done, failed=failed)


def _carry_out(app: Countersign, kinds: tuple[type[Effect], ...], notify: Notify) -> tuple[int, int]:
    with app.db.begin() as tx:
        claimed = outbox.claim(tx, kinds, limit=BATCH, seconds=LEASE.total_seconds())
    failed, left = 0, list(claimed)

    def extend() -> None:
        with app.db.begin() as tx:
            for one in left[:]:
                outbox.extend(tx, one, LEASE.total_seconds())

    if claimed:
        with kept(extend, lease=LEASE):
            for one in claimed:
                failed += not _settled(app, one, notify)
                left.remove(one)
    return len(claimed) - failed, failed


def _nobody(notice: Notice) -> None:
    raise AssertionError(f"an evaluation notifies nobody by itself: {notice.occasion}")


def fire_timers(app: Countersign) -> int:
    """Turn every due timer into its command; one that is no longer armed changes nothing. Returns how many."""
    with app.db.begin() as tx:
        due = timers.claim(tx, app.now(), limit=TIMER_BATCH)
    if len(due) <= TOGETHER:
        _fire_in_turn(app, due)
        return len(due)
    # The timers of a case stay in one lane, so that they fire in the order in which they were due.
    lanes = [[timer for timer in due if crc32(timer.case_id.encode()) % LANES == lane] for lane in range(LANES)]
    with ThreadPoolExecutor(LANES) as pool:
        list(pool.map(partial(_fire_in_turn, app), lanes))
    return len(due)


def _fire_in_turn(app: Countersign, due: Sequence[DueTimer]) -> None:
    for one in range(0, len(due), TOGETHER):
        _fire_all(app, due[one : one + TOGETHER])


def _fire_all(app: Countersign, due: Sequence[DueTimer]) -> None:
    """One timer of each case together; one by one what is left."""
    first = {timer.case_id: timer for timer in reversed(due)}
    fired = transition_many(app.db, [_move(app, timer) for timer in first.values()])
    for timer in due:
        if timer.case_id in fired and first[timer.case_id] is timer:
            continue
        try:
            _fire(app, timer)
        except CountersignError as error:
            log.warning("timer_failed", case=timer.case_id, timer=timer.name, error=error.message)


def _move(app: Countersign, timer: DueTimer) -> Move:
    return Move(timer.case_id, _key(timer), lambda locked: running.decide(app, locked, _command(timer)))


def _fire(app: Countersign, timer: DueTimer) -> None:
    recorded = running.carry_out(app, timer.case_id, _command(timer), key=_key(timer))
    if not recorded.events:
        with app.db.begin() as tx:
            timers.settle(tx, timer)


def _command(timer: DueTimer) -> TimerFired:
    return TimerFired(actor="system", via="timer", key=timer.key, name=timer.name, step=timer.step)


def _key(timer: DueTimer) -> str:
    return f"timer:{timer.key}"


def _settled(app: Countersign, claimed: Claimed, notify: Notify) -> bool:
    """Carry one effect out and mark it; False when it has to be tried again."""
    try:
        _act(app, claimed, notify)
    except Exception as error:
        log.warning("effect_failed", case=claimed.case_id, effect=type(claimed.effect).__name__, error=str(error))
        with app.db.begin() as tx:
            if outbox.failed(tx, claimed, str(error)[:1000]):
                log.error("effect_given_up", case=claimed.case_id, effect=type(claimed.effect).__name__)
        return False
    with app.db.begin() as tx:
        outbox.done(tx, claimed)
    return True


def _act(app: Countersign, claimed: Claimed, notify: Notify) -> None:
    effect, case_id, key = claimed.effect, claimed.case_id, f"effect:{claimed.key}"
    match effect:
        case SelectAudience():
            selecting.freeze_audience(app, case_id, key)
        case BeginDelivery():
            delivering.begin(app, case_id)
        case HoldDelivery():
            delivering.hold(app, case_id, effect.action)
        case Evaluate():
            evaluating.evaluate(app, case_id, effect.label, effect.last, key)
        case NotifyTask():
            for person in _addressees(app, case_id, effect):
                notice = _task_notice(app, case_id, replace(effect, person=person))
                if notice is not None:
                    notify(notice)
        case NotifyQuestion():
            notice = _question_notice(app, case_id, effect)
            if notice is not None:
                notify(notice)
        case NotifyOutcome():
            notice = _outcome_notice(app, case_id, effect)
            if notice is not None:
                notify(notice)
        case OpenChild():
            children.open_child(app, effect, key)
        case CancelChild():
            children.cancel_child(app, effect, key)
        case HoldChild():
            children.hold_child(app, case_id, effect, key)
        case TellParent():
            children.tell_parent(app, case_id, effect, key)
        case _:
            assert_never(effect)


def _addressees(app: Countersign, case_id: str, effect: NotifyTask) -> tuple[str, ...]:
    """The person of the task, and who stands in for them now."""
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        return tuple(dict.fromkeys((effect.person, *standins.standing_in(app, tx, effect.person, case))))


def _task_notice(app: Countersign, case_id: str, effect: NotifyTask) -> Notice | None:
    """The notice of a task that is still open, with a link made for it; None when there is nothing to tell any more.

    The token exists only in the notice. A notice that is sent again carries a fresh one.
    """
    with app.db.begin() as tx:
        case = cases.load(tx, case_id)
        task = next((task for task in case.tasks if task.id == effect.task and task.state == "open"), None)
        if task is None:
            return None
        token = links.mail(app, tx, effect.person, case, task)
        process = app.process(case.process, tx)
        step, due = process.label(task.step), task.due_at
        notice = _notice(app, tx, case, effect.person, effect.occasion, link=f"/l/{token}", step=step, due_at=due)
        years = process.guessed(task.step, task.opened_at, due, case.route)
        return notice and dataclasses.replace(notice, caution=caution(years))


def _question_notice(app: Countersign, case_id: str, effect: NotifyQuestion) -> Notice | None:
    """The question to the one who is asked, or the answer to the one who asked."""
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        question = next(one for one in case.questions if one.id == effect.question)
        by, said = (
            (question.asker, question.text) if effect.occasion == "question" else (question.person, question.answer)
        )
        notice = _notice(app, tx, case, effect.person, effect.occasion, link=f"/cases/{case_id}", remark=said)
        return None if notice is None else dataclasses.replace(notice, by=app.organisation(tx).name(by))


def _outcome_notice(app: Countersign, case_id: str, effect: NotifyOutcome) -> Notice | None:
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        link = f"/cases/{case_id}"
        notice = _notice(app, tx, case, effect.person, effect.occasion, link=link, remark=effect.remark)
        return _amended(app, tx, case, notice, effect.seq) if notice is not None and effect.seq else notice


def _amended(app: Countersign, tx: Connection, case: Case, notice: Notice, seq: int) -> Notice | None:
    """The notice with who changed what of the proposal by entry `seq`, as far as its person sees it; None where they
    see nothing of it."""
    entries = history.load(tx, case.id)
    was, now = form_at(entries, seq - 1) or {}, form_at(entries, seq) or {}
    unseen = {name for name in {*was, *now} if was.get(name) == now.get(name)} | hidden(app, tx, notice.person, case)
    definition, entry = app.definition(case.process), entries[seq - 1]
    views = field_views(definition, now, writable=False, before=was, unseen=unseen)
    changes = tuple(view for view in views if was.get(view.name) != now.get(view.name))
    tasks = (task for task in case.tasks if isinstance(entry.command, Decide) and task.id == entry.command.task)
    step = next((app.process(case.process, tx).label(task.step) for task in tasks), NO_TEXT)
    by = app.organisation(tx).name(entry.actor)
    return dataclasses.replace(notice, by=by, step=step, changes=changes) if changes else None


def _notice(
    app: Countersign,
    tx: Connection,
    case: Case,
    person: str,
    occasion: str,
    *,
    link: str,
    step: Bilingual = NO_TEXT,
    due_at: datetime | None = None,
    remark: str = "",
) -> Notice | None:
    row = people.find_person(tx, person)
    if row is None or not row.active:
        return None
    line = visibility.find(tx, person, case.id)
    if line is None:
        raise NotFound()
    line = limited(app, tx, line, person)
    return Notice(
        person=person,
        name=row.name,
        email=row.email,
        language=row.language,
        occasion=occasion,
        case_id=case.id,
        number=case.number or "",
        title=line.title,
        confidential=app.definition(case.process).proposal.visibility == "confidential",
        step=step,
        due_at=due_at,
        budget=line.budget,
        reach=line.reach,
        link=app.settings.public_url.rstrip("/") + link,
        remark=remark,
        registered=tuple(one.number for one in case.registered),
        drift=drift_view(
            app.definition(case.process), app.process(case.process, tx), case.drift, hidden(app, tx, person, case)
        ),
    )

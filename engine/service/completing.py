"""How far a case is against the targets of its proposal: done, planned by now, and a forecast for the end.

A target that a reader does not see, they are not told of here either. The window begins with the first wave and ends
with the last evaluation; while the delivery runs, its end is that of the days the proposal names. Refuses to say that a
plan is kept before anything began, and to forecast what depends on people alone: how many are sent to.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from engine.machine.case import Case
from engine.machine.readers import may_hide
from engine.service import fields
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.views import Viewer
from engine.store import completion, ledger, marks, waves
from engine.store.ledger import Sums
from engine.store.waves import ENDED, WaveRow
from engine.values import Bilingual

ANSWERS = ("response", "conversion")
MOST_PARTS = 30
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What is expected at the end, with a 95% interval. `method`: delay (a curve of delays), over (the window is; the
    figures are what came), too_few answers, too_early in the window, too_wide an interval."""

    method: str
    expected: int | None
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class TargetView:
    """A target: `done` of `target` customers, `planned` by now on a straight line over its window. `pace` is done by
    planned, None before anything is planned. `waiting`: of reach, who is in a wave and was not contacted yet.
    `forecast` is None where there is nothing to forecast."""

    name: str
    label: Bilingual
    target: int
    done: int
    planned: int | None
    pace: float | None
    starts: datetime | None
    ends: datetime | None
    waiting: int = 0
    forecast: ForecastView | None = None

    @property
    def share(self) -> float:
        """Done by target."""
        return self.done / self.target


@dataclass(frozen=True, slots=True)
class CompletionView:
    """The targets of a case at a moment; none where its definition declares none, or its proposal names no number."""

    as_of: datetime
    targets: tuple[TargetView, ...]


@dataclass(frozen=True, slots=True)
class _Aim:
    """What the proposal promises: so many customers of a kind."""

    name: str
    label: Bilingual
    target: int


@dataclass(frozen=True, slots=True)
class _Run:
    """The delivery of a case: its waves with their sums, when it began and ends, and when the last evaluation is."""

    waves: tuple[tuple[WaveRow, Sums], ...]
    starts: datetime | None
    delivered_by: datetime | None
    ends: datetime | None
    now: datetime

    def planned(self, target: int, ends: datetime | None) -> int | None:
        """How many of the target a straight line has by now; None without a window."""
        if self.starts is None or ends is None:
            return None
        span = (ends - self.starts) / HOUR
        return target if span <= 0 else round(target * min(1.0, (self.now - self.starts) / HOUR / span))


def of_case(app: Countersign, viewer: Viewer, case_id: str) -> CompletionView:
    """The completion of a case. NotFound where the viewer does not see it."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        unseen = fields.hidden(app, tx, viewer.person, case) if _declared(app, case) else fields.NOTHING
        return CompletionView(app.now(), _targets(app, tx, case, unseen))


def shown_to_all(app: Countersign, tx: Connection, case: Case) -> tuple[TargetView, ...]:
    """The targets of a case whose numbers its definition hides from nobody: sums over cases are made of these."""
    named = {reference.removeprefix("form.") for reference in _declared(app, case).values()}
    process = app.process(case.process, tx)
    return _targets(app, tx, case, {name for name in named if may_hide(process, (name,))})


def _declared(app: Countersign, case: Case) -> Mapping[str, str]:
    plan = app.definition(case.process).evaluation
    return {name: str(field) for name, field in plan.targets.items()} if plan else {}


def _targets(app: Countersign, tx: Connection, case: Case, unseen: Set[str]) -> tuple[TargetView, ...]:
    form, shown = app.definition(case.process).proposal.fields, []
    run: _Run | None = None
    for name, reference in _declared(app, case).items():
        field = reference.removeprefix("form.")
        target = case.form.get(field)
        if field not in unseen and isinstance(target, int) and target > 0:
            run = run or _run(app, tx, case)
            shown.append(_target(tx, case, run, _Aim(name, form[field].label, target)))
    return tuple(shown)


def _run(app: Countersign, tx: Connection, case: Case) -> _Run:
    definition, now = app.definition(case.process), app.now()
    assert definition.evaluation is not None
    sums = ledger.sums(tx, case.id)
    rows = tuple(
        (row, sums.get(row.id, Sums(waiting=row.audience)))
        for row in waves.of_case(tx, case.id)
        if row.state != "cancelled" or row.id in sums
    )
    begun = [row.started_at for row, _ in rows if row.started_at]
    starts = min(begun, default=None)
    ended = [row.finished_at for row, _ in rows if row.state in ENDED and row.finished_at]
    delivered_by: datetime | None
    if rows and len(ended) == len(rows):
        delivered_by = max(ended)
    else:
        window = marks.window_of(tx, case.id)
        last = datetime.combine(window[1], time.max, app.settings.zone) if window else None
        delivered_by = max(last, now) if last and starts else None
    workdays = app.calendar(tx)
    ends = max(workdays.due(delivered_by, at) for at in definition.evaluation.at) if delivered_by else None
    return _Run(rows, starts, delivered_by, ends, now)


def _target(tx: Connection, case: Case, run: _Run, aim: _Aim) -> TargetView:
    if aim.name in ANSWERS:
        return _answers(tx, case, run, aim)
    done = _customers(
        run.waves, ("delivered",) if aim.name == "delivered" else ("sent", "delivered", "failed", "unknown")
    )
    planned = run.planned(aim.target, run.delivered_by)
    waiting = _customers(run.waves, ("waiting",))
    pace = done / planned if planned else None
    return TargetView(aim.name, aim.label, aim.target, done, planned, pace, run.starts, run.delivered_by, waiting)


def _answers(tx: Connection, case: Case, run: _Run, aim: _Aim) -> TargetView:
    until = min(run.now, run.ends) if run.ends else run.now
    came = completion.first_answers(tx, case.id, aim.name, until=until) if run.starts else {}
    planned = run.planned(aim.target, run.ends)
    done = sum(came.values())
    pace = done / planned if planned else None
    forecast = _forecast(run, came)
    return TargetView(aim.name, aim.label, aim.target, done, planned, pace, run.starts, run.ends, forecast=forecast)


def _customers(rows: Sequence[tuple[WaveRow, Sums]], states: Sequence[str]) -> int:
    """Customers in one of the states. A wave over several channels has each customer once per channel, so of those the
    channel with the most counts: so many customers at least."""
    by_wave: dict[str, int] = {}
    for row, sums in rows:
        count: int = sum(getattr(sums, state) for state in states)
        by_wave[row.name] = max(by_wave.get(row.name, 0), count)
    return sum(by_wave.values())


def _forecast(run: _Run, came: dict[datetime, int]) -> ForecastView | None:
    """What is to be expected by the end of the window; None before it begins, or where it has no end."""
    if run.starts is None or run.ends is None or run.delivered_by is None:
        return None
    from engine.evaluation.forecast import Spell, forecast  # noqa: PLC0415  # scipy takes 0.3 s, and few pages need it

    starts, now = run.starts, min(run.now, run.ends)

    def hours(at: datetime) -> float:
        return max(0.0, (at - starts) / HOUR)

    spells = []
    by_wave: dict[str, list[Spell]] = {}
    for row, sums in run.waves:
        out = sum(getattr(sums, state) for state in completion.OUT)
        begun, ended = row.started_at or now, row.finished_at or now
        parts = [Spell(hours(begun), hours(ended), out)] if out else []
        if sums.waiting and row.state not in ENDED:
            parts.append(Spell(hours(now), max(hours(now), hours(run.delivered_by)), sums.waiting))
        best = by_wave.get(row.name, [])
        by_wave[row.name] = max(best, parts, key=lambda some: sum(spell.count for spell in some))
    for parts in by_wave.values():
        spells += parts
    found = forecast(spells, _parts(came, starts, now), now=hours(now), end=hours(run.ends))
    return ForecastView(found.method, found.expected, found.low, found.high)


def _parts(came: dict[datetime, int], starts: datetime, now: datetime) -> tuple[int, ...]:
    """The answers in equal parts of the time so far: days where there are four, else hours; 30 at most."""
    span = (now - starts) / HOUR
    count = min(MOST_PARTS, int(span // 24) if span >= 96 else int(span))
    found = [0] * max(count, 1)
    for at, number in came.items():
        place = int(((at + HOUR / 2 - starts) / HOUR) / max(span, 1.0) * len(found))
        found[min(max(place, 0), len(found) - 1)] += number
    return tuple(found)

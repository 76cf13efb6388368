"""Keeps the facts beside the ledger (docs/facts.md): takes what changed since the last time, and publishes it at once.

What was taken is told by marks that are published with the files themselves, so a refresh that dies leaves nothing
behind but files that nobody names, and the next one takes the same again. Refuses to run twice at a time, and to write
into the case database.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from sqlalchemy import Connection

from engine.errors import Refused
from engine.evaluation.plan import Attribution
from engine.machine.readers import may_hide
from engine.offers.terms import Terms
from engine.service import completing, offers, sealing
from engine.service.app import Countersign
from engine.service.completing import TargetView
from engine.service.fact_costs import Charging
from engine.store import costs
from engine.store import facts as ledger
from engine.store.facts import CaseTimes
from engine.store.ledger import PLACED

if TYPE_CHECKING:
    import pyarrow as pa

    from engine.warehouse.filling import Filler, Window
    from engine.warehouse.star import Mark, Marks

EVERY = timedelta(minutes=5)
PURPOSE = "customers in facts"
DAY = timedelta(days=1)
ASKED = {"approve": "approval", "file": "filing"}  # what a case was asked for: approval where one step approves


class FactsBusy(Refused):
    """The facts are being refreshed at this moment; wait until that is done."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How many rows a refresh wrote, of what changed; `as_of` is the moment whose ledger the facts show now."""

    deliveries: int
    responses: int
    cases: int
    recommendations: int
    targets: int
    effects: int
    seconds: float
    as_of: datetime

    @property
    def rows(self) -> int:
        """All of them."""
        taken = self.deliveries + self.responses + self.cases + self.recommendations
        return taken + self.targets + self.effects


def refresh(app: Countersign, *, whole: bool = False) -> Refreshed:
    """Take what changed, or with `whole` everything anew. FactsBusy while somebody else does."""
    # pyarrow and DuckDB take half a second to load: neither pages nor commands pay for them at their start.
    from engine.warehouse.filling import Filler, Keeping  # noqa: PLC0415
    from engine.warehouse.star import Star  # noqa: PLC0415

    star, started = Star(app.settings.data), perf_counter()
    with star.only_one() as mine, _unsearched():
        if not mine:
            raise FactsBusy()
        before = star.current()
        whole = whole or star.is_of_old(before)
        keeping = Keeping(sealing.key_for(app.settings, PURPOSE).hex(), app.settings.zone)
        with app.db.read() as tx, star.opened() as db:
            as_of = app.now()
            kept = replace(before, tables={}) if whole else before
            filler = Filler(star, db, kept, keeping)
            made = _Making(app, tx, filler, {} if whole else star.marks(before), whole=whole).make()
            tables = {name: table for name, table in made.tables.items() if table is not None}
            version = star.publish(lambda there: there | tables)
        star.say_as_of(version.number, as_of)
        star.sweep()
    return Refreshed(**made.counts, seconds=perf_counter() - started, as_of=as_of)


@contextmanager
def _unsearched() -> Iterator[None]:
    """A million rows are values that are soon gone by themselves: looking through them for garbage takes a quarter of
    the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def refresh_due(app: Countersign) -> int:
    """Refresh where the facts are older than five minutes; how many rows were written. 0 while somebody else does."""
    from engine.warehouse.star import Star  # noqa: PLC0415

    shown = Star(app.settings.data).as_of()
    if shown is not None and app.now() < shown + EVERY:
        return 0
    try:
        return refresh(app).rows
    except FactsBusy:
        return 0


@dataclass(frozen=True, slots=True)
class _Made:
    tables: dict[str, Any]
    counts: dict[str, int]


class _Making:
    """One refresh, in the order in which its tables need each other."""

    def __init__(self, app: Countersign, tx: Connection, filler: "Filler", marks: "Marks", *, whole: bool) -> None:
        self.app, self.tx, self.filler, self.before, self.whole = app, tx, filler, marks, whole
        self.terms: dict[str, Terms] = offers.in_force(app, tx, app.now())
        self.costs = costs.in_force(tx, app.now())
        self.counts = dict.fromkeys(("deliveries", "responses", "cases", "recommendations", "targets", "effects"), 0)
        self.tables: dict[str, Any] = {}
        self.after: Marks = {}

    def make(self) -> _Made:
        """The tables that changed, and how many rows."""
        cases = self._changed("case", ledger.case_marks(self.tx))
        waves = self._changed("wave", self._wave_marks())
        answered = self._changed("response", ledger.response_marks(self.tx))
        seen = self._changed("recommendation", ledger.recommendation_marks(self.tx))
        if cases:
            self._take("fact_case", "case", cases, lambda gone: self._cases(cases, gone), "cases")
        of_cases = {wave.case_id for wave in ledger.waves_of(self.tx, sorted(waves))}
        if waves:
            self._take("fact_delivery", "wave", waves, lambda gone: self._deliveries(sorted(waves), gone), "deliveries")
            deliveries = self.tables["fact_delivery"]
            self.tables["sum_delivery"] = self.filler.star.summed(self.filler.db, self.filler.before, deliveries)
        answered |= of_cases & self.after["response"].keys()  # another contact may be the one that was answered
        running = self._changed("target", self._running())
        if running:
            self._take("fact_target", "target", running, lambda gone: self._targets(running, gone), "targets")
        if answered:
            asked = sorted(answered)
            self._take("fact_response", "response", asked, lambda gone: self._responses(asked, gone), "responses")
        if seen:
            self._take("fact_recommendation", "recommendation", seen, self._recommendations, "recommendations")
        if evaluated := self._changed("effect", ledger.evaluation_marks(self.tx)):
            self._take("fact_effect", "effect", evaluated, lambda gone: self._effects(evaluated, gone), "effects")
        self._dimensions()
        self.after = {what: marks for what, marks in self.after.items() if marks}
        if self.after != self.before or self.whole:
            self.tables["marks"] = self.filler.star.keep_marks(self.after)
        return _Made(self.tables, self.counts)

    def _recommendations(self, gone: "dict[str, Mark]") -> Any:
        return self.filler.recommendations(ledger.recommendations_of(self.tx, sorted(gone)), gone)

    def _wave_marks(self) -> dict[str, str]:
        """Another cost table may charge what was sent long ago otherwise."""
        table = self.costs.version if self.costs else 0
        return {wave: f"{mark}/{table}" for wave, mark in ledger.wave_marks(self.tx).items()}

    def _changed(self, what: str, now: dict[str, str]) -> set[str]:
        """The ids whose mark is another one, gone ones among them."""
        from engine.warehouse.star import Mark  # noqa: PLC0415

        before, unknown = self.before.get(what, {}), Mark("")
        changed = {key for key, mark in now.items() if key not in before or mark != before[key].mark}
        self.after[what] = {
            key: Mark(mark, before.get(key, unknown).parts) if key in changed else before[key]
            for key, mark in now.items()
        }
        return changed | (before.keys() - now.keys())

    def _take(self, name: str, what: str, keys: Iterable[str], take: Callable[[Any], Any], count: str) -> None:
        from engine.warehouse.star import Mark  # noqa: PLC0415

        before = self.before.get(what, {})
        filled = take({key: before.get(key, Mark("")) for key in keys})
        self.tables[name], self.counts[count] = filled.table, filled.rows
        for key in keys:
            if key in self.after[what]:
                self.after[what][key] = Mark(self.after[what][key].mark, filled.parts.get(key, ()))

    def _deliveries(self, waves: Sequence[str], gone: "dict[str, Mark]") -> Any:
        from engine.warehouse.filling import Placing  # noqa: PLC0415

        facts, zone = ledger.waves_of(self.tx, waves), self.app.settings.zone
        placed = [
            Placing(
                wave.id,
                wave.case_id,
                wave.channel,
                wave.variant,
                f"{wave.started_at.astimezone(zone):%Y-%m-%d}" if wave.started_at else "none",
                wave.channel in PLACED,
            )
            for wave in facts
        ]

        rows = (piece for wave in facts for piece in ledger.rows_of(self.tx, wave.id))
        charging = Charging(self.app, self.tx, facts, self.costs)
        return self.filler.deliveries(placed, rows, gone, charging.charge)

    def _responses(self, ids: Sequence[str], gone: "dict[str, Mark]") -> Any:
        from engine.warehouse.freeze import LIST  # noqa: PLC0415

        star = self.filler.star
        contacts = self.tables.get("fact_delivery") or self.filler.before.tables.get("fact_delivery")
        windows = [self._window(one) for one in ledger.cases_of(self.tx, ids)]
        lists = {
            case_id: str(path)
            for case_id, folder in ledger.lists_of(self.tx, ids).items()
            if (path := Path(self.app.settings.data) / folder / LIST).exists()
        }
        rows = ledger.responses_of(self.tx, ids)
        return self.filler.responses(windows, rows, gone, contacts or star.nothing("fact_delivery"), lists)

    def _window(self, one: CaseTimes) -> "Window":
        from engine.warehouse.filling import Window  # noqa: PLC0415

        plan = self.app.definition(one.case.process).evaluation
        rule = (plan.attribution if plan else None) or Attribution()
        return Window(one.case.id, int(rule.window.on_the_clock().total_seconds()), rule.method == "first_contact")

    def _cases(self, ids: Sequence[str] | set[str], gone: "dict[str, Mark]") -> Any:
        import pyarrow as pa  # noqa: PLC0415

        rows = [self._case(one) for one in ledger.cases_of(self.tx, sorted(ids))]
        return self.filler.by_case("fact_case", pa.Table.from_pylist(rows, _schema("fact_case")), gone)

    def _running(self) -> dict[str, str]:
        """The marks of the cases on their way to their targets. A forecast changes with time too, so each day has its
        own; where the windows are over nothing changes but by another calendar, so there each month has."""
        day = self.app.now().astimezone(self.app.settings.zone).date()
        answers, over = self.after["response"], self.filler.over(self.app.now())
        return {
            case_id: f"{mark}/{answers[case_id].mark if case_id in answers else ''}/"
            + (f"over {day:%Y-%m}" if case_id in over else f"{day}")
            for case_id, mark in ledger.running_marks(self.tx).items()
        }

    def _targets(self, ids: set[str], gone: "dict[str, Mark]") -> Any:
        import pyarrow as pa  # noqa: PLC0415

        there = self.after["target"].keys()
        rows = [
            self._target(one.case.id, target)
            for one in ledger.cases_of(self.tx, sorted(ids & there))
            for target in completing.shown_to_all(self.app, self.tx, one.case)
        ]
        return self.filler.by_case("fact_target", pa.Table.from_pylist(rows, _schema("fact_target")), gone)

    def _target(self, case_id: str, one: TargetView) -> dict[str, Any]:
        foreseen = one.forecast
        told = foreseen if foreseen is not None and foreseen.expected is not None else None
        return {
            "case_id": case_id,
            "aim": one.name,
            "target": one.target,
            "done": one.done,
            "starts_at": one.starts,
            "starts_on": one.starts.astimezone(self.app.settings.zone).date() if one.starts else None,
            "ends_at": one.ends,
            "method": foreseen.method if foreseen else "none",
            "expected": told.expected if told else None,
            "low": told.low if told else None,
            "high": told.high if told else None,
        }

    def _effects(self, ids: set[str], gone: "dict[str, Mark]") -> Any:
        from engine.service.effect_facts import rows_of  # noqa: PLC0415

        rows = rows_of(ledger.evaluations_of(self.tx, sorted(ids)), self.app.settings.zone)
        return self.filler.by_case("fact_effect", rows, gone)

    def _case(self, one: CaseTimes) -> dict[str, Any]:
        case, zone = one.case, self.app.settings.zone
        hides = may_hide(self.app.process(case.process, self.tx), ("budget", "reach"))
        named = case.form.get("offer")
        offer = named if isinstance(named, str) else ""
        times = {"created_on": case.created_at, "submitted_on": one.submitted_at, "approved_on": one.approved_at}
        took = one.approved_at - one.submitted_at if one.approved_at and one.submitted_at else None
        return {
            "case_id": case.id,
            "office": case.office,
            "definition": case.process.name,
            "version": case.process.version,
            "offer": offer,
            "category": self.terms[offer].category if offer in self.terms else "",
            "state": case.state,
            "route": case.route or "",
            "asked": next((name for verb, name in ASKED.items() if any(task.verb == verb for task in case.tasks)), ""),
            **{name: at.astimezone(zone).date() if at else None for name, at in times.items()},
            "ended_on": one.ended_at.astimezone(zone).date() if one.ended_at else None,
            "rounds": case.round,
            "lead_days": took / DAY if took is not None else None,
            "budget": None if hides else one.budget,  # sums may not tell what a form hides from somebody
            "reach": None if hides else one.reach,
            "due_at": min((task.due_at for task in case.tasks if task.state == "open" and task.due_at), default=None),
        }

    def _dimensions(self) -> None:
        """Offices, offers and channels as they are now; days from the first case on. Written where they differ."""
        from engine.service.dimensions import channels_of, dates_of, offers_of, offices_of  # noqa: PLC0415

        organisation = self.app.organisation(self.tx)
        made = {
            "dim_office": offices_of(organisation.offices),
            "dim_offer": offers_of(self.terms),
            "dim_channel": channels_of(),
            "dim_date": dates_of(self.app.now().astimezone(self.app.settings.zone).date()),
        }
        self.tables |= {name: self.filler.star.whole(name, rows) for name, rows in made.items()}


def _schema(name: str) -> "pa.Schema":
    """The columns of a table of the star as rows are given to it."""
    import pyarrow as pa  # noqa: PLC0415

    from engine.warehouse.star import SHAPES  # noqa: PLC0415

    kinds = {
        "VARCHAR": pa.string(),
        "DATE": pa.date32(),
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "DECIMAL(18,2)": pa.decimal128(18, 2),
        "TIMESTAMP": pa.timestamp("us"),
    }
    return pa.schema([(column, kinds[kind]) for column, kind in SHAPES[name].items()])

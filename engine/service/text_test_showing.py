"""Tests of texts as cases declare them and as they stand: before the wait is over counts alone, then what was decided.

Refuses to compare anything itself: what came out is what the history has of it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.definition.fields import DateRange
from engine.definition.model import Definition
from engine.delivery.variants import TextTest
from engine.delivery.waves import sizes
from engine.errors import Problem
from engine.evaluation.power import detectable_among
from engine.machine.case import Case
from engine.machine.states import TEXTS
from engine.service import detecting
from engine.service.app import Countersign
from engine.service.text_test_views import ChosenText, PairView, TextTestView, VariantView
from engine.service.text_tests import counted_of, decides_at
from engine.service.views import Viewer
from engine.store import snapshots, text_tests, waves
from engine.store.waves import WaveRow

REACH = "reach"
"""The field that declares how many customers there will be, where the definition names no other."""


def too_long(definition: Definition, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A problem at the days of the case where its tests wait longer than it runs."""
    plan, window = definition.delivery, definition.proposal.window(values)
    if plan is None or window is None:
        return ()
    followed = {wave.winner_of for wave in plan.waves}
    waits = [wave.test.wait for wave in plan.waves if wave.test and wave.name in followed]
    days = (window[1] - window[0]).days + 1
    needed = sum(wait.on_the_clock().total_seconds() for wait in waits) / 86_400
    if needed < days:
        return ()
    at = next(
        name for name, one in definition.proposal.fields.items() if isinstance(one, DateRange) and values.get(name)
    )
    told = f"the test of the texts waits {needed:g} days, and the case runs {days}"
    return (Problem("test_wait", told, at=at, fields={"needed": f"{needed:g}", "days": days}),)


def views(
    app: Countersign, tx: Connection, viewer: Viewer, case: Case, unseen: frozenset[str]
) -> tuple[TextTestView, ...]:
    """The tests of a case as they were declared, with what is known of each by now."""
    definition = app.definition(case.process)
    plan = definition.delivery
    if plan is None or not any(wave.test for wave in plan.waves):
        return ()
    rows = {row.name: row for row in waves.of_case(tx, case.id) if row.plan.test}
    expected = dict(zip((wave.name for wave in plan.waves), sizes(_audience(tx, definition, case, unseen), plan.waves),
                        strict=True))  # fmt: skip
    found = []
    for wave in plan.waves:
        row = rows.get(wave.name)
        test = row.plan.test if row else wave.test
        if test is None:
            continue
        sized = test.sizes(row.audience if row else expected[wave.name])
        decision = (case.facts.get(TEXTS) or {}).get(wave.name)
        base, earlier = detecting.base_rate(tx, viewer.person, definition.name, test.metric)
        found.append(
            TextTestView(
                wave=wave.name,
                metric=test.metric,
                variants=_variants(tx, row, test, sized=sized, now=app.now(), decision=decision),
                wait=str(test.wait),
                confidence=test.confidence,
                otherwise=test.otherwise,
                followed_by=tuple(one.name for one in plan.waves if one.winner_of == wave.name),
                has_begun=row is not None and row.started_at is not None,
                decides_at=decides_at(row) if row else None,
                base_rate=base,
                cases=earlier,
                detectable=detectable_among(base, list(sized.values()), test.confidence),
                decision=_chosen(app, tx, decision) if decision else None,
                may_choose=row is not None
                and not decision
                and viewer.person == case.submitter
                and case.state in ("delivering", "paused"),
            )
        )
    return tuple(found)


def _audience(tx: Connection, definition: Definition, case: Case, unseen: frozenset[str]) -> int:
    """How many customers there will be, as far as it is known and the reader may know it; 0 where not."""
    snapshot = snapshots.newest(tx, case.id)
    if snapshot is not None:
        return snapshot.target
    source = definition.audience.drift.source if definition.audience and definition.audience.drift else REACH
    number = case.form.get(source) if source not in unseen else None
    return number if isinstance(number, int) and number > 0 else 0


def _variants(
    tx: Connection,
    row: WaveRow | None,
    test: TextTest,
    *,
    sized: Mapping[str, int],
    now: datetime,
    decision: Mapping[str, Any] | None,
) -> tuple[VariantView, ...]:
    by_now: Mapping[str, int | None] = dict.fromkeys(test.of, 0)
    if row and row.started_at:
        is_cheap = text_tests.is_cheap(tx, row.case_id)
        by_now = counted_of(tx, row, test, until=now) if is_cheap else dict.fromkeys(test.of)
    if not decision:
        return tuple(VariantView(name, sized[name], by_now[name]) for name in test.of)
    then = {name: one["did"] for name, one in decision["found"]["variants"].items()}
    return tuple(
        VariantView(name, sized[name], then[name], _since(by_now[name], then[name]), then[name] / max(sized[name], 1))
        for name in test.of
    )


def _since(by_now: int | None, then: int) -> int | None:
    return None if by_now is None else max(0, by_now - then)


def _chosen(app: Countersign, tx: Connection, decision: Mapping[str, Any]) -> ChosenText:
    found = decision["found"]
    by = "" if decision["by"] == "system" else app.organisation(tx).name(decision["by"])
    pairs = tuple(
        PairView(**{name: pair[name] for name in PairView.__dataclass_fields__}) for pair in found.get("pairs", ())
    )
    return ChosenText(
        variant=decision["variant"],
        how=decision["how"],
        by=by,
        at=datetime.fromisoformat(decision["at"]),
        reason=decision["reason"],
        detectable=found.get("detectable"),
        pairs=pairs,
        digest=decision["digest"],
    )

"""Tests of texts (A/B): decided once, when the declared time is over.

What counts is what customers did by the end of the wait, whenever a worker looks. The decision, its numbers and the
text of the waves that go by it are one transaction with the case's history. Refuses to decide again: responses that
come later are shown apart, and a person chooses instead of the test or not at all, with a reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from engine.delivery.variants import TextTest
from engine.errors import InvalidForm, NotPossible, Problem, Refused, TextChosen, TextFound
from engine.machine.case import Case
from engine.machine.commands import TextDecided
from engine.machine.states import TEXTS
from engine.service import running
from engine.service.app import Countersign
from engine.store import cases, side_letters, text_tests, waves
from engine.store.cases import Locked
from engine.store.waves import ENDED, WaveRow
from engine.values import digest_of

LONGEST_REASON = 200


def decide_due(app: Countersign, case: Case, rows: Sequence[WaveRow]) -> None:
    """Decide the tests of these waves whose wait is over, each once."""
    known = case.facts.get(TEXTS) or {}
    for row in rows:
        end = decides_at(row)
        if row.plan.test is not None and row.name not in known and end is not None and end <= app.now():
            _decide(app, row, row.plan.test, end)


def decides_at(row: WaveRow) -> datetime | None:
    """When the wait of a wave's test is over; None as long as not all is out."""
    test, gate = row.plan.test, row.plan.gate
    if test is None:
        return None
    out = row.gate_until - gate.wait.on_the_clock() if gate and row.gate_until else None
    if out is None and row.state in ENDED:
        out = row.finished_at
    return out + test.wait.on_the_clock() if out else None


def _decide(app: Countersign, row: WaveRow, test: TextTest, end: datetime) -> None:
    # statsmodels takes 1.3 s to import, and only a decision needs it: pages start without.
    from engine.evaluation.variants import Part, compare_variants  # noqa: PLC0415

    with app.db.read() as tx:
        counted = counted_of(tx, row, test, until=end)
        contacted = text_tests.contacted(tx, row.id, len(test.of))
    sized = test.sizes(row.audience)
    parts = {name: Part(sized[name], contacted.get(place, 0), counted[name]) for place, name in enumerate(test.of)}
    came = compare_variants(parts, test.confidence)
    variant = came.winner or test.otherwise
    found = _declared(test) | {
        "until": end.isoformat(),
        "variants": {name: asdict(part) for name, part in parts.items()},
        "pairs": [_steady(asdict(pair)) for pair in came.pairs],
        **_steady({"ratio_p": came.ratio_p, "detectable": came.detectable}),
    }
    command = TextDecided(
        actor="system", via="timer", wave=row.name, variant=variant, how=came.verdict, found=found,
        digest=digest_of(found),
    )  # fmt: skip
    try:
        _record(app, row.case_id, command, key=f"text:{row.name}")
    except Refused:
        return  # a person has chosen, or the case has moved on, since it was read


def choose(app: Countersign, case_id: str, *, by: str, wave: str, variant: str, reason: str, key: str) -> None:
    """The submitter, as the caller has seen, chooses the text instead of the test of `wave`, and says why. TextChosen
    or TextFound once it is decided, NotPossible before the delivery has begun; InvalidForm for a wave without a test,
    for what is no variant of it, or without a reason."""
    with app.db.read() as tx:
        case = cases.load(tx, case_id)
        rows = {row.name: row for row in waves.of_case(tx, case.id) if row.plan.test}
        test = _declared_in(app, case, wave)
        row = rows.get(wave)
        if row is None:
            raise NotPossible(action="choose the text", state=case.state, possible="wait until the waves have begun")
        counted = counted_of(tx, row, test, until=app.now())
    said, problems = reason.strip(), []
    if variant not in test.of:
        told = f"there is no variant {variant} in this test; possible: {', '.join(test.of)}"
        problems.append(Problem("variant", told, at="variant", fields={"name": variant, "known": ", ".join(test.of)}))
    if not said or len(said) > LONGEST_REASON:
        problems.append(Problem("reason_missing", "say why", at="reason"))
    if problems:
        raise InvalidForm(problems)
    sized = test.sizes(row.audience)
    found = _declared(test) | {"variants": {name: {"customers": sized[name], "did": counted[name]} for name in test.of}}
    command = TextDecided(
        actor=by, wave=wave, variant=variant, how="person", found=found, digest=digest_of(found), reason=said
    )
    _record(app, case_id, command, key=key)


def _declared_in(app: Countersign, case: Case, wave: str) -> TextTest:
    """The test of a wave of the case; InvalidForm names the waves that have one."""
    plan = app.definition(case.process).delivery
    tests = {one.name: one.test for one in plan.waves if one.test} if plan else {}
    if wave not in tests:
        known = ", ".join(tests)
        told = f"the wave {wave} tests no texts; possible: {known}"
        raise InvalidForm([Problem("no_test", told, at="wave", fields={"name": wave, "known": known})])
    return tests[wave]


def counted_of(tx: Connection, row: WaveRow, test: TextTest, *, until: datetime) -> dict[str, int]:
    """By variant, how many customers did what the test measures by then."""
    did = text_tests.did(tx, row.id, row.case_id, row.channel, variants=len(test.of), metric=test.metric, until=until)
    return {name: did.get(place, 0) for place, name in enumerate(test.of)}


def _declared(test: TextTest) -> dict[str, Any]:
    return test.model_dump(mode="json", by_alias=True) | {"else": test.otherwise}


def _record(app: Countersign, case_id: str, command: TextDecided, *, key: str) -> None:
    """In one transaction: the history, and the text of the waves that wait for it, also for their seeds. Refused where
    it is decided."""

    def decided(locked: Locked) -> TextDecided:
        known = (locked.case.facts.get(TEXTS) or {}).get(command.wave)
        if known is not None:
            stands = {"wave": command.wave, "variant": known["variant"], "at": datetime.fromisoformat(known["at"])}
            if known["how"] == "person":
                raise TextChosen(by=app.organisation(locked).name(known["by"]), **stands)
            raise TextFound(**stands)
        for wave in waves.follow_test(locked.tx, case_id, command.wave, command.variant):
            side_letters.drop_others(locked.tx, wave, command.variant)
        return command

    running.carry_out(app, case_id, decided, key=key)


def _steady(figures: Mapping[str, Any]) -> dict[str, Any]:
    """To 12 digits, so that a digest does not hang on the last ones."""
    return {name: float(f"{one:.12g}") if isinstance(one, float) else one for name, one in figures.items()}

"""More is asked for while the delivery is paused: who decides on it, and what becomes of the case."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.definition.agreeing import play_on
from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.filling import filled
from engine.definition.load import load
from engine.definition.sentences import deed
from engine.definition.trial import MONDAY, Trial
from engine.errors import InvalidForm, NotFound, NotPossible
from engine.machine.case import Fund
from engine.machine.commands import Decide, DeliveryFinished, Operate, Widen
from engine.machine.evolve import empty_case, fold
from engine.machine.funding import Held, held
from engine.machine.outcome import HoldDelivery, NotifyOutcome
from engine.organisation import Workdays
from tests.unit.machine.test_machine_telecom import FILE

DEFINITION = load(FILE.read_text(encoding="utf-8"))
PROCESS = compile_process(DEFINITION).bound(Cast(), Workdays(ZoneInfo("Asia/Shanghai")))
GIVEN = {"budget": "20000", "reach": 9000, "discount": "0.9", "window": ["2026-04-01", "2026-04-30"]}


def paused(*sentences: str, **given: Any) -> Trial:
    """A case whose delivery is paused, after which this was done."""
    trial = Trial(PROCESS, proposal=DEFINITION.proposal)
    trial.submit(
        trial.read_form({**filled(DEFINITION.proposal, GIVEN | given, MONDAY.date()), **GIVEN, **given}, whole=True)
    )
    come_to(trial, "targeting")
    do(trial, "freeze 9000/100" if "reach" not in given else "freeze 900/10", "start", "pause", *sentences)
    return trial


def do(trial: Trial, *sentences: str) -> None:
    for sentence in sentences:
        deed(sentence).play(trial)


def come_to(trial: Trial, state: str) -> None:
    """Everybody agrees until the case is there."""
    assert play_on(trial, lambda: trial.case.state == state) == ""


def asked(trial: Trial) -> set[str]:
    return {task.step for task in trial.open_tasks()}


def told(trial: Trial) -> list[str]:
    return [effect.occasion for effect in trial.effects if isinstance(effect, NotifyOutcome)]


def holds(trial: Trial) -> list[str]:
    return [effect.action for effect in trial.effects if isinstance(effect, HoldDelivery)]


def wrong(trial: Trial, form: Mapping[str, Any], reason: str = "not enough") -> list[tuple[str, str]]:
    """The problems of asking for this."""
    with pytest.raises(InvalidForm) as refused:
        trial.do(Widen(actor="submitter", form=dict(form), reason=reason))
    return [(problem.code, problem.at) for problem in refused.value.problems]


def test_only_those_who_looked_at_the_budget_are_asked_and_the_delivery_goes_on() -> None:
    trial = paused("widen {budget: 21000}")
    assert trial.case.state == "approving"
    assert asked(trial) == {"county_head"}
    drawn = {step.id: step.state for column in PROCESS.chain(trial.case) for step in column}
    assert (drawn["audience"], drawn["delivery"]) == ("done", "ahead")
    do(trial, "county_head approve")
    assert asked(trial) == {"city_finance"}  # the city's service looked at the content, which is as it was
    do(trial, "city_finance approve", "city_vp approve")
    come_to(trial, "delivering")
    assert trial.case.state == "delivering"
    assert trial.case.form["budget"] == "21000"
    assert holds(trial) == ["pause", "resume"]
    assert told(trial)[-1] == "widened"


def test_a_refusal_leaves_everything_as_it_was_approved() -> None:
    trial = paused()
    before = trial.case
    do(trial, "widen {budget: 21000}", "county_head reject")
    after = trial.case
    assert (after.state, after.form, after.route, after.editor) == ("paused", before.form, before.route, before.editor)
    assert told(trial)[-1] == "not_widened"
    assert holds(trial) == ["pause"]
    drawn = {step.id: step.state for column in PROCESS.chain(after) for step in column}
    assert drawn["county_head"] == "done"
    do(trial, "widen {budget: 22000}")
    assert asked(trial) == {"county_head"}
    do(trial, "county_head approve")
    assert asked(trial) == {"city_finance"}  # what the service approved at first still stands


@pytest.mark.parametrize("sentence", ["county_head return", "withdraw"])
def test_it_is_not_returned_for_there_is_nothing_to_submit(sentence: str) -> None:
    trial = paused("widen {budget: 21000}", sentence)
    assert (trial.case.state, trial.case.form["budget"]) == ("paused", "20000")
    assert asked(trial) == set()
    do(trial, "resume")
    assert trial.case.state == "delivering"


def test_a_larger_amount_takes_the_chain_that_the_table_says() -> None:
    trial = paused("widen {budget: 400000}")
    assert trial.case.route == "to_province"
    come_to(trial, "delivering")
    assert trial.case.state == "delivering"
    decided = [task.step for task in trial.case.tasks if task.round == trial.case.round and task.decision == "approve"]
    assert "province_gm" in decided or "committee" in decided


def test_a_case_that_was_only_filed_is_approved_for_more() -> None:
    trial = paused(budget="4000", reach=900)
    assert trial.case.route == "file_city"
    do(trial, "widen {budget: 20000}")
    assert (trial.case.route, asked(trial)) == ("to_city", {"county_head"})
    do(trial, "county_head reject")
    assert (trial.case.state, trial.case.route) == ("paused", "file_city")
    do(trial, "widen {budget: 4500}")
    assert asked(trial) == {"city_register"}
    do(trial, "city_register acknowledge")
    assert trial.case.state == "delivering"


def test_where_no_step_looks_at_what_changed_everybody_decides() -> None:
    trial = paused("widen {window: [2026-04-01, 2026-05-31]}")
    seen = set()
    while trial.case.state == "approving":
        seen |= asked(trial)
        do(trial, f"{sorted(asked(trial))[0]} {'acknowledge' if 'province_register' in asked(trial) else 'approve'}")
    assert seen == {"county_head", "city_finance", "city_service", "city_vp", "province_register"}
    assert trial.case.form["window"] == ["2026-04-01", "2026-05-31"]


def test_what_was_sent_is_not_changed_any_more() -> None:
    trial = paused()
    assert wrong(trial, {"message": "另一条", "budget": "30000.00"}) == [("form.sent", "message")]
    assert wrong(trial, {"reach": 9100}) == [("form.sent", "reach")]
    assert wrong(trial, {"budget": "19999.99"}) == [("form.only_raised", "budget")]
    assert wrong(trial, {"budget": None}) == [("form.only_raised", "budget")]
    assert wrong(trial, {"window": ["2026-03-31", "2026-05-31"]}) == [("form.only_lengthened", "window")]
    assert wrong(trial, {"window": ["2026-04-01", "2026-04-29"]}) == [("form.only_lengthened", "window")]
    assert wrong(trial, {}) == [("nothing_asked", "form")]
    assert wrong(trial, {"budget": "30000.00"}, reason=" ") == [("remark_missing", "reason")]
    assert [at for _, at in wrong(trial, {"window": ["2026-04-01", "2027-05-31"]})] == ["window"]  # a rule of the form
    assert trial.case.state == "paused"


def test_an_approver_grants_less_than_is_asked_but_not_less_than_was_approved() -> None:
    trial = paused("widen {budget: 40000}", "agree until city_vp")
    with pytest.raises(InvalidForm) as refused:
        do(trial, "city_vp approve {budget: 19000}")
    assert [problem.code for problem in refused.value.problems] == ["form.only_raised"]
    do(trial, "city_vp approve {budget: 30000}")
    assert trial.case.state == "approving"  # who approved another amount looks again
    come_to(trial, "delivering")
    assert trial.case.form["budget"] == "30000"


def test_only_the_submitter_asks_and_only_while_it_is_paused() -> None:
    trial = paused()
    with pytest.raises(NotFound):
        trial.do(Widen(actor="head@county", form={"budget": "30000.00"}, reason="more"))
    do(trial, "resume")
    with pytest.raises(NotPossible):
        do(trial, "widen {budget: 21000}")
    do(trial, "pause", "widen {budget: 21000}")
    for again in ("widen {budget: 22000}", "resume", "pause", "recall"):
        with pytest.raises(NotPossible):
            do(trial, again)
    with pytest.raises(NotPossible):
        trial.do(DeliveryFinished(actor="system", sums={}))


@pytest.mark.parametrize(("operation", "state"), [("terminate", "cancelled"), ("void", "voided")])
def test_an_end_meanwhile_ends_the_delivery(operation: str, state: str) -> None:
    trial = paused("widen {budget: 21000}")
    admin = PROCESS.directory.resolve("role:process_admin", "county", "submitter")[0]
    actor = admin if operation == "terminate" else "submitter"
    trial.do(Operate(actor=actor, operation=operation, reason="over"))
    assert (trial.case.state, holds(trial)) == (state, ["pause", "cancel"])
    assert held(PROCESS, trial.case) == Held()


def test_it_holds_what_was_granted_and_reserves_the_rest() -> None:
    trial = paused()
    case = trial.case
    trial.case = type(case)(**{**{n: getattr(case, n) for n in case.__struct_fields__}, "fund": Fund("a", "50000")})
    trial.do(Widen(actor="submitter", form={"budget": "21000.00"}, reason="more", fund=Fund("a", "30000")))
    asking = held(PROCESS, trial.case)
    assert (str(asking.granted), str(asking.reserved)) == ("20000", "1000.00")
    assert trial.case.fund == Fund("a", "30000")
    do(trial, "county_head reject")
    refused = held(PROCESS, trial.case)
    assert (str(refused.granted), str(refused.reserved)) == ("20000", "0")
    assert trial.case.fund == Fund("a", "50000")


def test_its_history_rebuilds_it() -> None:
    trial = paused("widen {budget: 400000}", "county_head reject", "widen {budget: 21000}")
    come_to(trial, "delivering")
    case = empty_case("trial", MONDAY)
    for outcome in trial.outcomes:
        assert outcome.at is not None
        case = fold(case, outcome.events, outcome.at)
    assert case == trial.case
    seats = [(task.round, task.step, task.person) for task in trial.case.tasks]
    assert len(seats) == len(set(seats))


def test_a_person_who_approved_before_is_told_of_the_change() -> None:
    trial = paused("widen {budget: 21000}")
    (task,) = trial.open_tasks("county_head")
    again = Decide(actor=task.person, task=task.id, decision="approve", seen_seq=1)
    with pytest.raises(Exception, match="changed"):
        trial.do(again)

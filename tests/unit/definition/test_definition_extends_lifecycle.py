"""A lifecycle that takes over another: what is added, replaced, passed over, and where its mistakes are told."""

import re
from itertools import pairwise, product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from engine.definition.cast import Cast
from engine.definition.check import check
from engine.definition.compile import compile_process
from engine.definition.extends_lifecycle import usual, usual_of
from engine.definition.guarantees import Guarantee
from engine.definition.lifecycle import Lifecycle, events_of
from engine.definition.load import load
from engine.definition.model import Definition
from engine.definition.prove_guarantees import Answer, NotDecided, Proved, Prover, Refuted
from engine.definition.scenario_run import run_scenarios
from engine.definition.trial import Trial
from engine.errors import InvalidForm, NotPossible
from engine.machine.commands import Close, Operate, Perform, Submit, Withdraw
from engine.machine.lifecycle import Stages
from engine.organisation import Workdays
from engine.values import Duration
from tests.unit.definition.lifecycle_trials import replayed

ROOT = Path(__file__).resolve().parents[3]
REVIEWED = (ROOT / "definitions/examples/reviewed-marketing-case.yaml").read_text("utf-8")
TELECOM = (ROOT / "definitions/telecom-marketing-case.yaml").read_text("utf-8")
PLAN = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: reviewed-plan
version: 1
title: {zh: 计划, en: Plan}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}, required: true}
approval:
  defaults: {resume: at_returner}
  route: [{when: "form.budget > 100", use: large}, {else: small}]
  chains:
    large: [{approve: city, label: {zh: 市经理, en: City head}, who: "head@city"}]
    small: [{approve: county, label: {zh: 县经理, en: County head}, who: "head@county"}]
lifecycle:
  extends: marketing-lifecycle
  roles:
    legal: {who: "role:legal@city", label: {zh: 法务, en: Legal}}
  events:
    clear: {label: {zh: 通过, en: Clear}}
    refuse: {label: {zh: 退回, en: Refuse}}
  states:
    draft: {events: [{event: submit, to: look}]}
    returned: {events: [{event: submit, when: "form.budget > 100", to: look}]}
    look:
      kind: task
      label: {zh: 初审, en: First look}
      events:
        - {event: clear, role: legal, to: approving}
        - {event: refuse, role: legal, to: returned}
        - {event: withdraw, to: withdrawn}
"""
FORM = {"title": "x", "budget": "500.00"}


def definition(text: str = PLAN) -> Definition:
    checked = check(text)
    assert checked.definition is not None, [str(problem) for problem in checked.problems]
    return checked.definition


def trial(text: str = PLAN) -> Trial:
    process = compile_process(definition(text)).bound(Cast(), Workdays(ZoneInfo("Asia/Shanghai")))
    return Trial(process)


def ways(lifecycle: Lifecycle | None, state: str) -> list[tuple[str | None, tuple[str, ...]]]:
    assert lifecycle is not None
    return [(event.event, event.to) for event in events_of(lifecycle.states[state])]


def act(case: Trial, event: str) -> None:
    case.do(Perform(actor="legal@city", event=event, remark="as tried"))


def drawn(case: Trial) -> list[tuple[str, str]]:
    return [(step.id, step.state) for column in case.process.chain(case.case) for step in column]


def test_the_shipped_example_does_what_it_says() -> None:
    checked = check(REVIEWED, "reviewed-marketing-case.yaml")
    assert [str(problem) for problem in checked.problems if problem.severity == "error"] == []
    assert checked.definition is not None
    report = run_scenarios(checked.definition, checked.document, "reviewed-marketing-case.yaml")
    assert [problem for result in report.results for problem in result.problems] == []


def test_without_a_word_about_it_a_definition_has_the_usual_lifecycle() -> None:
    plain = PLAN[: PLAN.index("lifecycle:")]
    extended = f"{plain}lifecycle: {{extends: marketing-lifecycle, states: {{}}}}\n"
    process, same = (compile_process(definition(text)) for text in (plain, extended))
    assert process.chart.states == same.chart.states
    assert (process.declared, definition(plain).lifecycle) == (None, None)
    assert definition(extended).lifecycle == usual_of(process.stages)


def test_its_events_come_first_and_replace_the_inherited_ones_of_their_name() -> None:
    lifecycle = definition().lifecycle
    assert ways(lifecycle, "draft") == [("submit", ("look",)), ("withdraw", ("withdrawn",))]


def test_an_event_with_a_condition_leaves_the_inherited_one_for_the_other_cases() -> None:
    submits = [way for way in ways(definition().lifecycle, "returned") if way[0] == "submit"]
    assert submits == [("submit", ("look",)), ("submit", ("approving",))]


def test_a_state_of_another_kind_takes_over_nothing() -> None:
    text = PLAN.replace(
        "    look:\n",
        "    returned:\n      kind: task\n      label: {zh: 退回, en: Back}\n"
        "      events: [{event: clear, role: legal, to: draft}]\n    look:\n",
    ).replace('    returned: {events: [{event: submit, when: "form.budget > 100", to: look}]}\n', "")
    assert ways(definition(text).lifecycle, "returned") == [("clear", ("draft",))]


def test_null_takes_a_state_away() -> None:
    text = PLAN.replace(
        "    look:\n", "    filed: null\n    approving: {events: [{event: filed, to: closed}]}\n    look:\n"
    )
    lifecycle = definition(text).lifecycle
    assert lifecycle is not None
    assert "filed" not in lifecycle.states


@pytest.mark.parametrize(("audience", "delivery", "evaluation"), [*product((False, True), repeat=3)])
def test_a_stage_without_its_section_is_passed_over(*, audience: bool, delivery: bool, evaluation: bool) -> None:
    lifecycle = usual(audience=audience, delivery=delivery, evaluation=evaluation)
    stages = [
        *(["targeting"] if audience else []),
        *(["delivering"] if delivery else []),
        *(["evaluating"] if audience or delivery or evaluation else []),
        "closed",
    ]
    assert [name for name in lifecycle.states if name in ("targeting", "delivering", "evaluating", "closed")] == stages
    assert ways(lifecycle, "approved") == [("close" if stages == ["closed"] else None, (stages[0],))]
    for stage, following in pairwise(stages):
        assert ways(lifecycle, stage)[0][1] == (following,)


def test_what_leads_to_a_stage_that_is_not_there_goes_on_to_the_next() -> None:
    after = """\
    approved: {events: [{to: review}]}
    review:
      kind: task
      label: {zh: 复审, en: Review}
      events: [{event: clear, role: legal, to: targeting}]
"""
    text = PLAN[: PLAN.index("    draft: {events")] + after.replace("review", "second")
    text = text.replace("    refuse: {label: {zh: 退回, en: Refuse}}\n", "")
    assert ways(definition(text).lifecycle, "second") == [("clear", ("closed",))]


def test_a_stage_that_the_definition_writes_itself_needs_its_section() -> None:
    text = PLAN.replace("    look:\n", "    targeting: {label: {zh: 筛选, en: Selecting}}\n    look:\n")
    assert [(problem.code, problem.file) for problem in check(text).problems][:1] == [
        ("E239", "definitions/library/marketing-lifecycle.yaml")
    ]


def test_what_is_published_needs_no_library() -> None:
    whole = definition().source
    assert "extends" not in whole
    again = load(whole)
    assert again.lifecycle == definition().lifecycle
    assert again.fingerprint == definition().fingerprint


MISTAKES = [
    ("extends: marketing-lifecycle", "extends: marketing-lifecycl", "E210", "did you mean marketing-lifecycle?"),
    ("extends: marketing-lifecycle", "extends: city-approvals", "E211", "extend marketing-lifecycle"),
    ("role: legal, to: approving", "role: legal, to: aproving", "E231", "did you mean approving?"),
    ("    look:\n", "    lok:\n", "E231", "did you mean lok?"),
    ("to: withdrawn}\n", "to: withdrawn}\n        - {event: recall, to: returned}\n", "E236", ""),
]


@pytest.mark.parametrize(("old", "new", "code", "hint"), MISTAKES, ids=[f"{one[2]}-{one[1][:20]}" for one in MISTAKES])
def test_a_mistake_is_told_where_it_stands(old: str, new: str, code: str, hint: str) -> None:
    text = PLAN.replace(old, new, 1)
    (problem, *_) = [one for one in check(text).problems if one.code == code]
    wrong = new.strip().splitlines()[-1].strip(" -{}:")
    line = text.splitlines()[problem.line - 1]
    assert (problem.file, hint in problem.hint) == ("", True), str(problem)
    assert re.split(r"[:,{ ]+", wrong)[-1] in line or "look" in line


def test_a_state_before_the_approval_goes_on_to_the_chain_of_the_submission() -> None:
    case = trial()
    case.submit(FORM)
    assert (case.case.state, case.case.route) == ("look", "large")
    assert drawn(case)[:2] == [("look", "current"), ("city", "ahead")]
    act(case, "clear")
    assert (case.case.configuration, [task.person for task in case.open_tasks()]) == (("large/city",), ["head@city"])
    assert drawn(case)[:2] == [("look", "done"), ("city", "current")]
    assert replayed(case) == case.case


def test_what_a_state_before_the_approval_sends_back_is_submitted_anew() -> None:
    case = trial()
    case.submit(FORM)
    act(case, "refuse")
    assert (case.case.state, case.case.returned_at) == ("returned", "look")
    case.submit(FORM | {"budget": "50.00"})
    assert (case.case.configuration, case.case.round) == (("small/county",), 2)


def test_a_case_is_withdrawn_or_withdrawn_to_change_as_usual() -> None:
    case = trial()
    case.submit(FORM)
    assert "withdraw" in case.process.possible(case.case)
    with pytest.raises(NotPossible):
        case.do(Withdraw(actor="submitter", reason="to change it", again=True))
    act(case, "clear")
    case.do(Withdraw(actor="submitter", reason="to change it", again=True))
    assert case.case.state == "returned"
    case.do(Withdraw(actor="submitter", reason="no more"))
    assert (case.case.state, case.open_tasks()) == ("withdrawn", [])


def test_an_approved_case_without_stages_rests_until_its_submitter_closes_it() -> None:
    case = trial()
    case.submit(FORM)
    act(case, "clear")
    case.decide(case.open_tasks("city")[0], "approve")
    assert (case.case.state, case.process.possible(case.case)) == ("approved", ("close",))
    assert drawn(case) == [("look", "done"), ("city", "done"), ("closed", "current")]
    case.do(Close(actor="submitter"))
    assert case.case.state == "closed"
    told = [getattr(effect, "occasion", "") for effect in case.effects]
    assert told.count("approved") == 1


def test_a_case_that_was_never_submitted_does_not_come_to_the_chains() -> None:
    case = trial()
    case.do(Operate(actor="process_admin", operation="jump", to="look", reason="as tried"))
    with pytest.raises(NotPossible):
        act(case, "clear")
    assert case.case.state == "look"


def test_an_approval_that_is_come_to_without_a_submission_is_refused() -> None:
    text = PLAN.replace("  extends: marketing-lifecycle\n", "  extends: marketing-lifecycle\n  initial: look\n")
    (problem,) = [one for one in check(text).problems if one.code == "E528"]
    assert problem.hint == "let the event submit of a form come before it"
    assert "E528" not in [one.code for one in check(PLAN).problems]


LIMITED = PLAN.replace("approval:\n", "approval:\n  expires: 9wd\n")


def test_a_case_expires_in_a_state_that_it_waits_in_before_its_approval() -> None:
    case = trial(LIMITED)
    case.submit(FORM)
    case.wait(Duration.parse("8wd"))
    assert case.case.state == "look"
    case.wait(Duration.parse("1wd"))
    assert (case.case.state, case.case.timers) == ("expired", ())
    assert [(task.state, task.reason) for task in case.case.tasks] == [("cancelled", "expired")]
    approved = trial(LIMITED.replace("  states:\n", AFTER_APPROVAL))
    approved.submit(FORM)
    act(approved, "clear")
    approved.wait(Duration.parse("1wd"))
    approved.decide(approved.open_tasks()[0], "approve")
    assert approved.case.state == "signing"
    approved.wait(Duration.parse("30wd"))
    assert approved.case.state == "signing", "it is approved; what follows takes as long as it takes"


AFTER_APPROVAL = """\
  states:
    approved: {kind: effective, label: {zh: 已批准, en: Approved}, events: [{to: signing}]}
    signing:
      kind: task
      label: {zh: 签约, en: Signing}
      events: [{event: clear, role: legal, to: closed}]
"""


def test_a_limit_is_no_shorter_than_a_timeout_before_the_approval() -> None:
    timed = LIMITED.replace(
        "        - {event: withdraw, to: withdrawn}\n",
        "        - {event: late, to: returned}\n      timeouts: [{after: 9wd, event: late}]\n",
    ).replace("    clear: {", "    late: {label: {zh: 逾期, en: Late}}\n    clear: {")
    (problem,) = [one for one in check(timed).problems if one.code == "E709"]
    assert "before the time of a step or state is over (9wd)" in problem.message
    assert [one.code for one in check(timed.replace("after: 9wd", "after: 8wd")).problems] == []


def test_a_limit_is_refused_where_a_case_may_be_sent_before_it_is_approved() -> None:
    limited = TELECOM.replace("approval:\n", "approval:\n  expires: 90wd\n")
    assert [str(one) for one in check(limited).problems if one.severity == "error"] == []
    early = (
        "lifecycle:\n  extends: marketing-lifecycle\n  states: {draft: {events: [{event: submit, to: targeting}]}}\n"
    )
    told = [one.message for one in check(limited + early).problems if one.code == "E529"]
    assert told == [
        f"a case may come to {state} before it is approved, and expires no more there when 90wd are over"
        for state in ("delivering", "evaluating")
    ]
    assert "E529" not in [one.code for one in check(TELECOM + early).problems]


def test_the_form_is_still_checked_when_it_is_submitted() -> None:
    case = trial(PLAN.replace('who: "head@city"}', 'who: "head@city", when: "form.budget > 1000"}'))
    with pytest.raises(InvalidForm, match="nobody_decides"):
        case.do(Submit(actor="submitter", form=FORM, number="1"))


def test_stages_of_a_process_give_the_same_lifecycle_each_time() -> None:
    assert usual_of(Stages(audience=True)) is usual_of(Stages(audience=True))


def answer(text: str, guarantee: dict[str, str]) -> Answer:
    return Prover(load(text, prove=False)).answer(TypeAdapter(Guarantee).validate_python(guarantee))


def test_a_condition_of_the_lifecycle_counts_in_a_proof() -> None:
    large = {"never": "approved", "before": "look", "when": "form.budget > 100"}
    assert isinstance(answer(PLAN, large), Proved)
    smaller = answer(PLAN, large | {"when": "form.budget > 99"})
    assert isinstance(smaller, Refuted)
    assert smaller.done == ("legal does refuse", "submit", "county approve")


def test_a_way_that_only_an_administrator_opens_ends_no_case() -> None:
    nowhere = PLAN.replace("to: approving}", 'when: "form.budget < 1000", to: approving}').replace(
        "        - {event: refuse, role: legal, to: returned}\n", ""
    )
    nowhere = nowhere.replace("    refuse: {label: {zh: 退回, en: Refuse}}\n", "")
    stays = answer(nowhere, {"always": "every case ends"})
    assert isinstance(stays, Refuted)
    assert stays.came_to == "look, where nothing more can happen"
    assert isinstance(answer(PLAN, {"always": "every case ends"}), Proved)


def test_a_form_that_is_changed_and_then_left_without_being_submitted_is_not_decided() -> None:
    text = PLAN.replace("returned: {events: [", "returned: {events: [{event: clear, role: legal, to: look}, ")
    told = answer(text, {"never": "approved", "before": "look"})
    assert isinstance(told, NotDecided)
    assert "left by clear:legal" in told.reason


def test_in_a_lifecycle_where_people_act_nobody_is_proved_to_decide_once() -> None:
    assert isinstance(answer(PLAN, {"always": "nobody decides twice"}), NotDecided)

"""A lifecycle with chains and stages in it: where they stand, and what is refused."""

from collections.abc import Callable

import pytest

from engine.definition.check import check
from engine.machine.commands import (
    AudienceFrozen,
    Close,
    DeliveryFinished,
    Evaluated,
    PauseDelivery,
    ResumeDelivery,
    StartDelivery,
)
from engine.values import Duration
from tests.unit.definition.lifecycle_trials import (
    CHAINS,
    EVENT,
    PAYMENT,
    approved,
    do,
    payment,
    replayed,
    trial_of,
    with_chains,
    with_stages,
)

__all__ = ["payment"]


def test_the_chains_of_a_definition_stand_in_its_own_lifecycle() -> None:
    text = with_chains()
    assert [str(problem) for problem in check(text).problems] == []
    trial = trial_of(text)
    trial.submit({"title": "fair", "guests": 200})
    assert (trial.case.state, trial.case.route) == ("approving", "only")
    trial.decide(trial.open_tasks("head")[0], "return", remark="too many")
    assert trial.case.state == "draft"
    trial.submit({"title": "fair", "guests": 150})
    trial.decide(trial.open_tasks("head")[0], "approve")
    assert trial.case.state == "held"
    occasions = [getattr(effect, "occasion", "") for effect in trial.effects]
    assert ("returned" in occasions, "approved" in occasions) == (True, True)
    assert replayed(trial) == trial.case


BROKEN: list[tuple[tuple[str, str], str, str]] = [
    (("to: held}", "to: hold}"), "E231", "hold}"),
    (("initial: both", "initial: held"), "E231", "held"),
    (("initial: draft", "initial: drafts"), "E231", "drafts"),
    (("role: cook, to", "role: chef, to"), "E232", "chef"),
    (("        booked: {kind: final", "        cooked: {kind: final"), "E231", "booked}"),
    (("[{after: 2d, event: late}]", "[{after: 2d, event: latte}]"), "E234", "latte"),
    (("{event: late, to: booked}", "{event: later, to: booked}"), "E236", "later"),
    (("owner: {who: submitter", 'owner: {who: "role:owner"'), "E237", "owner, to"),
    (("{event: grow, role", "{event: growl, role"), "E238", "growl"),
    (("{event: resume, role: boss, to: as_before}", "{event: resume, role: boss}"), "E521", "held:"),
    (("            - {to: over}\n", "            - {to: big_or_small}\n"), "E523", "big_or_small:"),
    (("                booked: {kind: final", "                booked: {kind: wait"), "E522", "done, to"),
    (('            - {when: "form.guests > 100", to: big}\n', ""), "E520", "big:"),
    (("form.guests > 100", "form.gests > 100"), "E303", "gests"),
    (("kind: wait", "kind: waits"), "E114", "kind: waits"),
    (("reason: required", "reasons: required"), "E111", "reasons"),
    (("{kind: final, label: {zh: 结束, en: Over}}", "{kind: final}"), "W801", "{kind: final}"),
    (("    held:\n      kind: task", "    held:\n      kind: audience"), "E235", "held:"),
]


@pytest.mark.parametrize(("change", "code", "at"), BROKEN, ids=[f"{code}-{at}" for _, code, at in BROKEN])
def test_a_mistake_is_told_where_it_stands(change: tuple[str, str], code: str, at: str) -> None:
    old, new = change
    assert EVENT.count(old) == 1, old
    text = EVENT.replace(old, new)
    problems = check(text).problems
    places = [(problem.code, problem.line, problem.column) for problem in problems]
    lines = text.splitlines()
    assert any(found == code and lines[line - 1][column - 1 :].startswith(at) for found, line, column in places), [
        str(problem) for problem in problems
    ]


def test_the_example_without_a_mistake_has_no_problem() -> None:
    assert [str(problem) for problem in check(EVENT).problems] == []


def test_a_misspelt_target_comes_with_the_nearest_state() -> None:
    (problem,) = check(PAYMENT.replace("role: director, to: rejected", "role: director, to: rejectd")).problems
    assert (problem.code, problem.hint) == ("E231", "did you mean rejected?")


def test_an_end_of_the_chains_must_lead_somewhere() -> None:
    problems = check(with_chains().replace("        - {event: returned, to: draft}\n", "")).problems
    assert [(problem.code, problem.hint) for problem in problems] == [("E524", "add {event: returned, to: ...}")]


def test_a_section_without_its_state_is_refused() -> None:
    (problem,) = check(PAYMENT + CHAINS).problems
    assert (problem.code, problem.at) == ("E239", "approval")


def test_approval_may_be_left_out_only_with_a_lifecycle(small: str, broken: Callable[..., list[object]]) -> None:
    problems = check(small[: small.index("approval:")]).problems
    assert "E110" in [problem.code for problem in problems]


def test_all_stages_stand_in_a_lifecycle_of_its_own() -> None:
    assert [str(one) for one in check(with_stages()).problems if one.severity == "error"] == []
    trial = approved(trial_of(with_stages()))
    states = [trial.case.state]
    for command in (
        AudienceFrozen(actor="system", snapshot="s", digest="d", target=9000, control=100),
        StartDelivery(actor="submitter", recipients=9000),
        PauseDelivery(actor="submitter"),
        ResumeDelivery(actor="submitter"),
        DeliveryFinished(actor="system", sums={"sent": 9000}),
    ):
        trial.do(command)
        states.append(trial.case.state)
    assert states == ["targeting", "ready", "delivering", "paused", "delivering", "evaluating"]
    trial.wait(Duration(40, "d"))
    assert trial.case.timers == ()
    trial.do(Evaluated(actor="system", label="7d", digest="d", verdict="works", last=False))
    trial.do(Evaluated(actor="system", label="30d", digest="d", verdict="works", last=True))
    trial.do(Close(actor="submitter"))
    assert trial.case.state == "over"
    assert {step.state for column in trial.process.chain(trial.case)[-4:] for step in column} == {"done"}
    assert replayed(trial) == trial.case


def test_a_case_cancelled_between_the_stages_is_drawn_as_broken_off() -> None:
    trial = approved(trial_of(with_stages()))
    do(trial, "cancel", "submitter")
    assert trial.case.state == "over"
    assert {step.state for column in trial.process.chain(trial.case)[-4:] for step in column} == {"cancelled"}

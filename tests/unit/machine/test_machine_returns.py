"""Returns, what stands after them, and operations on whole cases."""

from dataclasses import replace

import pytest

from engine.errors import InvalidForm, NotFound, NotPossible
from engine.machine.commands import AudienceFrozen, CopyTo, Decide, Delegate, Operate, StartDelivery, Withdraw
from engine.machine.outcome import HoldDelivery
from engine.machine.standing import Resume
from engine.machine.tally import AllOf
from tests.unit.machine.board import add, do
from tests.unit.machine.trial import MIDDLE, PEOPLE, Trial, approve, copy, process

ANY = ("submitter", "previous", "any")


def trial(resume: Resume = "restart", **aspects: tuple[str, ...]) -> Trial:
    """A chain of four steps, each of which may return the case anywhere; `two` asks two people."""
    chain = (
        approve("one", "head@county", return_to=ANY),
        approve("two", "role:network@city", AllOf(), return_to=ANY, aspects=("reach",) if aspects else ()),
        approve("three", "role:vp_market@city", return_to=ANY),
        approve("four", "role:marketing@province", return_to=ANY),
        copy("told", "role:finance@city"),
    )
    return Trial(replace(process({"only": chain}), resume=resume, aspects=aspects))


def returned(case: Trial, person: str, to: str) -> None:
    task = next(task for task in case.open_tasks() if task.person == person)
    case.do(Decide(actor=person, task=task.id, decision="return", remark="because", to=to))


def operate(case: Trial, operation: str, *, by: str = "admin", to: str = "", reason: str = "because") -> None:
    case.do(Operate(actor=by, operation=operation, reason=reason, to=to))


def others_of_network(case: Trial, *people: str) -> None:
    """From now on these hold the role that step `two` asks."""
    directory = replace(PEOPLE, holders=PEOPLE.holders | {"role:network@city": people})
    case.process = case.process.bound(directory, case.process.calendar)


def to_three(case: Trial) -> Trial:
    case.submit()
    case.approve("county_head", "net_a", "net_b")
    return case


def test_after_a_restart_everybody_is_asked_again() -> None:
    case = to_three(trial())
    returned(case, "city_vp", "submitter")
    case.submit()
    assert case.asked() == {"county_head"}


def test_at_returner_the_case_goes_straight_back_to_who_returned_it() -> None:
    case = to_three(trial("at_returner"))
    returned(case, "city_vp", "submitter")
    assert (case.case.returned_at, case.case.returned_by) == ("three", "city_vp")
    case.submit()
    assert case.asked() == {"city_vp"}
    carried = [task for task in case.case.tasks if task.reason == "carried"]
    assert {(task.step, task.decided_by) for task in carried} == {
        ("one", "county_head"),
        ("two", "net_a"),
        ("two", "net_b"),
    }
    assert case.replayed() == case.case


def test_a_material_change_voids_the_approvals_that_saw_it() -> None:
    case = to_three(trial("at_returner"))
    returned(case, "city_vp", "submitter")
    case.submit(MIDDLE | {"budget": 90_000})
    assert case.asked() == {"county_head"}


def test_a_change_of_what_nobody_looks_at_voids_nothing() -> None:
    case = to_three(trial("at_returner"))
    returned(case, "city_vp", "submitter")
    case.submit(MIDDLE | {"title": 1})
    assert case.asked() == {"city_vp"}


def test_a_change_of_one_aspect_voids_only_those_who_looked_at_it() -> None:
    case = to_three(trial("changed_aspects", reach=("reach",), budget=("budget",)))
    returned(case, "city_vp", "submitter")
    case.submit(MIDDLE | {"budget": 90_000})
    assert case.asked() == {"county_head"}
    case.approve("county_head")
    assert case.asked() == {"city_vp"}  # two looks at the reach alone


def test_who_approved_at_a_step_that_returned_need_not_again_where_nothing_changed() -> None:
    case = trial("changed_aspects")
    case.submit()
    case.approve("county_head", "net_a")
    returned(case, "net_b", "submitter")
    case.submit()
    assert case.asked() == {"net_b"}


def test_nothing_stands_where_nobody_is_on_record_as_having_returned_the_case() -> None:
    case = to_three(trial("at_returner"))
    case.do(Withdraw(actor="clerk", reason="a mistake", again=True))
    assert case.case.state == "returned"
    case.submit()
    assert case.asked() == {"county_head"}


def test_previous_is_the_step_before_and_its_people_decide_anew() -> None:
    case = to_three(trial("at_returner"))
    returned(case, "city_vp", "previous")
    assert case.asked() == {"net_a", "net_b"}
    case.approve("net_a", "net_b")
    assert case.asked() == {"city_vp"}


def test_previous_of_the_first_step_is_the_submitter() -> None:
    case = trial()
    case.submit()
    task = case.open_tasks("one")[0]
    with pytest.raises(InvalidForm, match="return_to"):
        case.do(Decide(actor="county_head", task=task.id, decision="return", remark="no", to="three"))
    returned(case, "county_head", "previous")
    assert case.case.state == "returned"


def test_a_named_step_twice_in_a_row_with_what_lies_between_standing() -> None:
    case = to_three(trial("at_returner"))
    for _ in range(2):
        returned(case, "city_vp", "one")
        assert case.asked() == {"county_head"}
        case.approve("county_head")
        assert case.asked() == {"city_vp"}
    case.approve("city_vp")
    assert case.asked() == {"mkt_prov_a", "mkt_prov_b"}
    assert case.replayed() == case.case


def test_what_a_delegate_would_return_to_is_an_opinion() -> None:
    case = to_three(trial())
    do(case, "city_vp", Delegate, to="ann")
    returned(case, "ann", "submitter")
    returned(case, "city_vp", "two")
    assert case.asked() == {"net_a", "net_b"}


def test_who_gave_an_opinion_has_nothing_to_take_back() -> None:
    case = trial()
    case.submit()
    do(case, "county_head", Delegate, to="ann")
    add(case, "ann", "beside", "bob")
    case.approve("ann", "bob")
    for person in ("ann", "bob"):
        with pytest.raises(NotFound):
            operate(case, "take_back", by=person)


def test_an_approval_stands_although_a_copy_of_it_was_never_read() -> None:
    case = trial("at_returner")
    case.submit()
    case.approve("county_head")
    do(case, "net_a", CopyTo, people=("ann",))
    case.approve("net_a", "net_b")
    returned(case, "city_vp", "submitter")
    others_of_network(case, "net_c")
    case.submit()
    assert case.asked() == {"city_vp"}


def test_an_approval_that_somebody_gave_an_opinion_on_stands_when_others_hold_the_role_by_then() -> None:
    case = trial("at_returner")
    case.submit()
    case.approve("county_head")
    do(case, "net_a", Delegate, to="ann")
    case.approve("ann", "net_a", "net_b")
    returned(case, "city_vp", "submitter")
    others_of_network(case, "net_c")
    case.submit()
    assert case.asked() == {"city_vp"}


def test_returning_to_a_step_arms_its_timers_anew() -> None:
    case = to_three(trial())
    returned(case, "city_vp", "one")
    assert case.timers() == {("one", "remind:1")}


def test_a_decision_can_be_taken_back_until_the_next_is_made() -> None:
    case = trial("at_returner")
    case.submit()
    case.approve("county_head")
    with pytest.raises(NotFound):
        operate(case, "take_back", by="net_a")
    operate(case, "take_back", by="county_head", reason="")
    assert case.asked() == {"county_head"}
    assert {task.reason for task in case.case.tasks if task.step == "two"} == {"taken_back"}
    case.approve("county_head", "net_a")
    with pytest.raises(NotFound):
        operate(case, "take_back", by="county_head")


def test_an_administrator_sends_a_case_to_another_step_with_a_reason() -> None:
    case = trial()
    case.submit()
    with pytest.raises(InvalidForm, match="say why"):
        operate(case, "jump", to="three", reason=" ")
    with pytest.raises(InvalidForm, match="no step nowhere"):
        operate(case, "jump", to="nowhere")
    operate(case, "jump", to="three")
    assert case.asked() == {"city_vp"}
    assert case.replayed() == case.case


def test_a_suspended_case_stands_still_and_goes_on_with_the_time_it_had_left() -> None:
    case = trial()
    case.submit()
    case.wait("12h")
    before = case.case
    operate(case, "suspend")
    assert case.case.state == "suspended"
    assert case.process.possible(case.case) == ("activate", "terminate")
    with pytest.raises(NotPossible):
        case.decide("county_head", "approve")
    case.wait("30d")
    operate(case, "activate")
    assert (case.case.state, case.case.configuration) == (before.state, before.configuration)
    (timer,) = case.case.timers
    assert timer.due_at - case.now == before.timers[0].due_at - before.updated_at - (case.days(0.5) - before.updated_at)
    case.approve("county_head")
    assert case.replayed() == case.case


def test_a_terminated_case_tells_those_who_were_asked_why_and_can_be_woken() -> None:
    case = trial()
    case.submit()
    operate(case, "terminate")
    assert (case.case.state, case.case.timers) == ("cancelled", ())
    assert [task.reason for task in case.case.tasks] == ["terminated"]
    operate(case, "wake")
    assert case.case.state == "returned"
    case.submit()
    assert (case.case.round, case.asked()) == (2, {"county_head"})
    assert case.replayed() == case.case


def test_a_case_whose_delivery_runs_is_voided_with_its_waves() -> None:
    case = to_three(trial())
    case.approve("city_vp", "mkt_prov_a")
    case.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100))
    case.do(StartDelivery(actor="clerk", recipients=900))
    operate(case, "void", by="clerk")
    assert case.case.state == "voided"
    assert case.effects[-2:] and HoldDelivery("cancel") in case.effects


# every operation in every state: where the process administrator leads the case, or "-" where it is refused
OPERATIONS = ("terminate", "void", "suspend", "activate", "wake", "take_back")
STATES = {
    "draft": "cancelled - suspended - - -",
    "approving": "cancelled - suspended - - -",
    "returned": "cancelled - suspended - - -",
    "targeting": "cancelled voided suspended - - -",
    "ready": "cancelled voided suspended - - -",
    "delivering": "cancelled voided suspended - - -",
    "suspended": "cancelled - - approving - -",
    "rejected": "- - - - returned -",
    "withdrawn": "- - - - returned -",
    "cancelled": "- - - - returned -",
    "voided": "- - - - - -",
}


def in_state(state: str) -> Trial:
    case = trial()
    if state == "draft":
        return case
    case.submit()
    match state:
        case "returned":
            returned(case, "county_head", "submitter")
        case "rejected":
            case.decide("county_head", "reject")
        case "withdrawn":
            case.withdraw()
        case "suspended":
            operate(case, "suspend")
        case "cancelled":
            operate(case, "terminate")
        case "targeting" | "ready" | "delivering" | "voided":
            case.approve("county_head", "net_a", "net_b", "city_vp", "mkt_prov_a")
    if state in ("ready", "delivering"):
        case.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100))
    if state == "delivering":
        case.do(StartDelivery(actor="clerk", recipients=900))
    if state == "voided":
        operate(case, "void")
    assert case.case.state == state
    return case


@pytest.mark.parametrize("state", STATES)
def test_each_operation_in_each_state_does_what_the_table_says(state: str) -> None:
    for operation, wanted in zip(OPERATIONS, STATES[state].split(), strict=True):
        case = in_state(state)
        before = case.case
        if wanted == "-":
            with pytest.raises((NotPossible, NotFound)):
                operate(case, operation)
            assert case.case == before
        else:
            operate(case, operation)
            assert case.case.state == wanted
            assert case.replayed() == case.case


@pytest.mark.parametrize("operation", ["terminate", "suspend", "wake", "jump"])
def test_only_process_administrators_do_these(operation: str) -> None:
    case = in_state("rejected" if operation == "wake" else "approving")
    with pytest.raises(NotFound):
        operate(case, operation, by="county_head", to="three")

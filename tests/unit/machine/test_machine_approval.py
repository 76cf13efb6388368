"""A case on its way up: who is asked, what a decision does, who is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import AlreadyDecided, ChangedMeanwhile, InvalidForm, NotFound, NotPossible, OwnCase
from engine.machine.chains import Countersign
from engine.machine.commands import Decide, Submit
from engine.machine.lifecycle import Stages
from engine.machine.outcome import Submitted
from engine.machine.tally import AllOf, InSequence, Quorum, Vote
from engine.values import digest_of
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.approval_case import people
from tests.unit.machine.trial import LARGE, MIDDLE, PEOPLE, SMALL, Trial, approve, process


def test_submitting_asks_the_first_step_and_binds_the_material_fields() -> None:
    trial = Trial()
    trial.submit({**MIDDLE, "title": 7})
    assert trial.case.state == "approving"
    assert trial.case.configuration == ("to_city/county_head",)
    assert (trial.case.number, trial.case.route, trial.case.round) == ("c1-2026-00001", "to_city", 1)
    assert trial.case.material == digest_of({"budget": 80_000, "reach": 9_000})
    assert trial.asked() == {"county_head"}
    assert trial.told("county_head") == ["task"]
    (task,) = trial.open_tasks()
    assert (task.id, task.due_at) == ("case1-2-1", trial.days(3))


def test_the_first_row_that_holds_chooses_the_chain_and_says_why() -> None:
    trial = Trial()
    trial.submit(SMALL)
    assert trial.case.route == "file_city"
    (submitted,) = [event for event in trial.entries[-1].events if isinstance(event, Submitted)]
    assert submitted.reasons == ("form.budget 4000 <= 5000: true", "form.reach 900 <= 2000: true")


def test_no_row_that_holds_takes_the_last_one_and_says_what_did_not_hold() -> None:
    trial = Trial()
    trial.submit({"budget": 30_000, "reach": 900})
    (submitted,) = [event for event in trial.entries[-1].events if isinstance(event, Submitted)]
    assert submitted.route == "to_city"
    assert submitted.reasons == ("form.budget 30000 > 50000: false", "form.budget 30000 <= 5000: false")


def test_a_whole_approval_reaches_the_audience() -> None:
    trial = Trial()
    trial.submit()
    trial.approve("county_head")
    assert trial.asked() == {"fin_a", "fin_b", "fin_c", "srv_a"}  # network is left out: reach is small
    trial.approve("fin_b", "srv_a", "srv_b", "city_vp")
    assert trial.asked() == {"mkt_prov_a", "mkt_prov_b"}
    trial.decide("mkt_prov_b", "acknowledge")
    assert trial.case.state == "targeting"
    assert trial.told("clerk") == ["approved"]
    assert trial.told("fin_c") == ["task", "copied"]


def test_a_step_whose_condition_holds_is_asked_too() -> None:
    trial = Trial()
    trial.submit(LARGE)
    trial.approve("county_head")
    assert trial.asked("city_network") == {"net_a", "net_b"}


def test_any_of_a_step_is_decided_by_the_first_and_the_others_learn_by_whom() -> None:
    trial = Trial()
    trial.submit()
    trial.approve("county_head", "fin_b")
    with pytest.raises(AlreadyDecided) as refused:
        trial.decide("fin_a", "reject")
    assert refused.value.fields == {"by": "fin_b", "decision": "approve", "at": trial.now}
    assert [task.reason for task in trial.case.tasks if task.person == "fin_a"] == ["decided_by_other"]


def test_a_second_click_shows_the_first_decision_and_changes_nothing() -> None:
    trial = Trial()
    trial.submit()
    trial.approve("county_head")
    before = trial.case
    trial.now += timedelta(hours=1)
    with pytest.raises(AlreadyDecided) as refused:
        trial.decide("county_head", "reject")
    assert refused.value.fields["by"] == "county_head"
    assert refused.value.fields["decision"] == "approve"
    assert refused.value.fields["at"] == trial.days(0)
    assert trial.case is before


def test_all_must_approve_and_the_first_who_rejects_decides() -> None:
    chain = (approve("board", "role:network@city", AllOf()),)
    trial = Trial(process({"only": chain}))
    trial.submit()
    trial.approve("net_a")
    assert trial.case.state == "approving"
    trial.decide("net_b", "reject")
    assert trial.case.state == "rejected"


def test_a_sequence_asks_one_after_the_other() -> None:
    trial = Trial(process({"only": (approve("service", "role:service@city", InSequence()),)}, stages=Stages()))
    trial.submit()
    assert trial.asked() == {"srv_a"}
    with pytest.raises(NotPossible):
        trial.decide("srv_b", "approve")
    trial.now += timedelta(hours=5)
    trial.approve("srv_a")
    assert trial.asked() == {"srv_b"}
    assert trial.told("srv_b") == ["task"]
    (turn,) = trial.open_tasks()
    assert turn.opened_at == trial.now
    assert turn.id == "case1-2-2"  # the task that was waiting, not a new one
    trial.approve("srv_b")
    assert trial.case.state == "approved"


def test_a_quorum_is_reached_or_fails_as_soon_as_it_can_be_known() -> None:
    trial = Trial(process({"only": (approve("board", "role:finance@city", Quorum(2)),)}, stages=Stages()))
    trial.submit()
    trial.decide("fin_a", "reject")
    assert trial.case.state == "approving"
    trial.decide("fin_b", "reject")
    assert trial.case.state == "rejected"
    with pytest.raises(AlreadyDecided):
        trial.decide("fin_c", "approve")


def test_votes_count_with_their_weight_and_may_abstain() -> None:
    weighted = FakeDirectory(PEOPLE.holders, PEOPLE.superiors, {"fin_a": 3})
    board = process({"only": (approve("board", "role:finance@city", Vote()),)}, stages=Stages(), people=weighted)
    trial = Trial(board)
    trial.submit()
    trial.decide("fin_b", "abstain")
    trial.decide("fin_c", "reject")
    assert trial.case.state == "approving"
    trial.decide("fin_a", "approve")
    assert trial.case.state == "approved"


def test_only_a_vote_may_be_abstained_from() -> None:
    trial = Trial()
    trial.submit()
    with pytest.raises(NotPossible):
        trial.decide("county_head", "abstain")


def test_a_person_found_twice_has_one_seat() -> None:
    doubled = people(network=("net_a", "net_a"))
    trial = Trial(process({"only": (approve("board", "role:network@city", AllOf()),)}, people=doubled))
    trial.submit()
    assert [task.person for task in trial.open_tasks()] == ["net_a"]


def test_a_return_needs_a_remark_and_goes_back_to_the_submitter() -> None:
    trial = Trial()
    trial.submit()
    with pytest.raises(InvalidForm) as refused:
        trial.do(Decide(actor="county_head", task=trial.open_tasks()[0].id, decision="return", remark="  "))
    assert refused.value.problems[0].at == "remark"
    trial.decide("county_head", "return", remark="the window is too short")
    assert trial.case.state == "returned"
    assert trial.case.timers == ()
    assert trial.told("clerk") == ["returned"]


def test_a_resubmitted_case_begins_a_new_round_and_keeps_its_number() -> None:
    trial = Trial()
    trial.submit()
    trial.approve("county_head")
    trial.decide("fin_a", "return")
    trial.do(Submit(actor="clerk", form=dict(MIDDLE), number="c1-2026-00002"))
    assert (trial.case.round, trial.case.number) == (2, "c1-2026-00001")
    assert trial.asked() == {"county_head"}
    assert {task.round for task in trial.open_tasks()} == {2}
    assert trial.timers() == {("county_head", "remind:1")}


def test_a_return_inside_a_countersign_cancels_the_siblings_and_says_why() -> None:
    trial = Trial()
    trial.submit(LARGE)
    trial.approve("county_head", "net_a")
    trial.decide("srv_a", "return")
    assert trial.case.state == "returned"
    assert trial.case.configuration == ("returned",)
    reasons = {task.person: task.reason for task in trial.case.tasks if task.state == "cancelled"}
    assert reasons == {
        "fin_a": "sibling_returned",
        "fin_b": "sibling_returned",
        "fin_c": "sibling_returned",
        "net_b": "sibling_returned",
        "srv_b": "decided_by_other",
    }
    assert trial.case.timers == ()
    with pytest.raises(AlreadyDecided) as refused:
        trial.decide("fin_a", "approve")
    assert refused.value.fields["by"] == "srv_a"


def test_a_reject_inside_a_countersign_does_what_the_block_says() -> None:
    trial = Trial()
    trial.submit()
    trial.approve("county_head")
    trial.decide("fin_a", "reject")
    assert trial.case.state == "returned"  # on_reject of this block
    assert {task.reason for task in trial.case.tasks if task.person in ("srv_a", "srv_b")} == {"sibling_rejected"}


def test_a_rejected_case_is_over() -> None:
    trial = Trial()
    trial.submit()
    trial.decide("county_head", "reject", remark="no budget")
    assert trial.case.state == "rejected"
    assert trial.told("clerk") == ["rejected"]
    with pytest.raises(NotPossible) as refused:
        trial.submit()
    assert refused.value.message == "Cannot submit while rejected; possible: nothing."


def test_a_countersign_may_be_joined_by_fewer_than_all() -> None:
    one_of_two = Countersign("sign", (approve("a", "role:network@city"), approve("b", "role:service@city")), join=1)
    trial = Trial(process({"only": (one_of_two,)}, stages=Stages()))
    trial.submit()
    trial.approve("srv_b")
    assert trial.case.state == "approved"
    assert {task.reason for task in trial.case.tasks if task.step == "a"} == {"joined"}


def test_a_countersign_of_which_every_branch_is_left_out_is_passed() -> None:
    left_out = Countersign(
        "sign",
        (
            approve("a", "role:network@city", when="form.reach > 50000"),
            approve("b", "role:service@city", when="form.reach > 50000"),
        ),
        join=1,
    )
    trial = Trial(process({"only": (left_out, approve("vp", "role:vp_market@city"))}))
    trial.submit()
    assert trial.asked() == {"city_vp"}


def test_a_condition_that_cannot_be_worked_out_does_not_leave_the_step_out() -> None:
    doubtful = (approve("a", "role:network@city", when="form.title > 3"), approve("vp", "role:vp_market@city"))
    trial = Trial(process({"only": doubtful}))
    trial.submit(MIDDLE)  # without a title
    assert trial.asked() == {"net_a", "net_b"}


def test_a_case_on_which_nobody_would_decide_is_not_approved_in_silence() -> None:
    trial = Trial(process({"only": (approve("vp", "role:vp_market@city", when="form.reach > 50000"),)}))
    with pytest.raises(InvalidForm) as refused:
        trial.submit(MIDDLE)
    assert refused.value.problems[0].code == "nobody_decides"
    assert trial.case.state == "draft"


def test_nobody_decides_on_their_own_case() -> None:
    """Found as the head, the submitter is replaced by the next level up; the seat of before does not help either."""
    trial = Trial(process(people=FakeDirectory({**PEOPLE.holders, "head@county": ("clerk",)}, {"clerk": "city_head"})))
    trial.submit()
    assert trial.asked() == {"city_head"}
    with pytest.raises(OwnCase):
        task = trial.open_tasks()[0].id
        trial.do(Decide(actor="clerk", on_behalf_of="city_head", task=task, decision="approve"))


def test_the_submitter_among_others_leaves_it_to_them_where_one_is_enough() -> None:
    trial = Trial(process({"only": (approve("a", "role:network@city"),)}, people=people(network=("clerk", "net_a"))))
    trial.submit()
    assert trial.asked() == {"net_a"}


def test_where_all_must_approve_the_superior_takes_the_seat_of_the_submitter() -> None:
    both = people(network=("clerk", "net_a"))
    trial = Trial(process({"only": (approve("a", "role:network@city", AllOf()),)}, people=both))
    trial.submit()
    assert trial.asked() == {"net_a", "county_head"}


def test_self_skip_leaves_the_seat_out() -> None:
    both = people(network=("clerk", "net_a"))
    trial = Trial(process({"only": (approve("a", "role:network@city", AllOf(), own="skip"),)}, people=both))
    trial.submit()
    assert trial.asked() == {"net_a"}


def test_a_role_that_nobody_holds_goes_to_the_process_admin() -> None:
    trial = Trial(process({"only": (approve("a", "role:legal@city"),)}))
    trial.submit()
    assert trial.asked() == {"admin"}


def test_where_nobody_at_all_can_be_asked_the_case_waits_and_looks_again() -> None:
    nobody = FakeDirectory({})
    trial = Trial(process({"only": (approve("a", "role:legal@city"),)}, people=nobody, stages=Stages()))
    trial.submit()
    assert trial.case.state == "approving"
    assert trial.told("clerk") == ["unstaffed"]
    nobody.holders["role:legal@city"] = ("lawyer",)
    trial.wait("1h")
    assert trial.asked() == {"lawyer"}
    trial.approve("lawyer")
    assert trial.case.state == "approved"


def test_carry_takes_an_earlier_approval_of_the_same_person() -> None:
    both = people(vp_market=("net_a",))
    chain = (approve("a", "role:network@city"), approve("vp", "role:vp_market@city", repeat="carry"))
    trial = Trial(process({"only": chain}, people=both, stages=Stages()))
    trial.submit()
    trial.approve("net_a")
    assert trial.case.state == "approved"
    carried = trial.case.tasks[-1]
    assert (carried.step, carried.decision, carried.decided_by, carried.reason) == ("vp", "approve", "net_a", "carried")


def test_ask_again_asks_the_same_person_twice() -> None:
    both = people(vp_market=("net_a",))
    chain = (approve("a", "role:network@city"), approve("vp", "role:vp_market@city"))
    trial = Trial(process({"only": chain}, people=both))
    trial.submit()
    trial.approve("net_a")
    assert trial.asked() == {"net_a"}


def test_an_approver_who_saw_an_older_form_looks_again() -> None:
    trial = Trial()
    trial.submit()
    seen = trial.case.seq
    trial.decide("county_head", "return")
    trial.submit(LARGE)
    with pytest.raises(ChangedMeanwhile):
        trial.decide("county_head", "approve", seen=seen)
    trial.decide("county_head", "approve", seen=trial.case.seq)
    assert "to_city/city_network" in trial.case.configuration


def test_what_was_seen_before_other_decisions_still_counts() -> None:
    trial = Trial()
    trial.submit()
    seen = trial.case.seq
    trial.approve("county_head", "srv_a")
    trial.decide("fin_a", "approve", seen=seen)
    assert trial.asked() == {"srv_b"}


def test_a_foreign_task_looks_like_none() -> None:
    trial = Trial()
    trial.submit()
    with pytest.raises(NotFound):
        trial.do(Decide(actor="fin_a", task=trial.open_tasks()[0].id, decision="approve"))
    with pytest.raises(NotFound):
        trial.do(Decide(actor="county_head", task="case1-9-9", decision="approve"))


def test_a_decision_for_another_is_recorded_with_who_took_it() -> None:
    trial = Trial(process(people=replace(PEOPLE, represented={"county_head": ("deputy",)})))
    trial.submit()
    task = trial.open_tasks()[0].id
    trial.do(Decide(actor="deputy", on_behalf_of="county_head", task=task, decision="approve"))
    assert trial.case.tasks[0].decided_by == "deputy"
    assert trial.case.tasks[0].person == "county_head"


def test_only_the_submitter_edits_submits_and_withdraws() -> None:
    trial = Trial()
    with pytest.raises(NotFound):
        trial.submit(actor="fin_a")
    trial.edit({"budget": 1})
    assert trial.case.form == {"budget": 1}
    trial.submit()
    with pytest.raises(NotPossible):
        trial.edit({"budget": 2})


def test_saving_the_form_as_it_was_leaves_no_entry() -> None:
    trial = Trial()
    trial.edit({"budget": 1})
    assert trial.edit({"budget": 1}).events == ()
    assert trial.case.seq == 2


def test_withdrawing_cancels_everything_that_was_asked() -> None:
    trial = Trial()
    trial.submit(LARGE)
    trial.approve("county_head")
    trial.withdraw()
    assert trial.case.state == "withdrawn"
    assert trial.open_tasks() == []
    assert trial.case.timers == ()
    assert {task.reason for task in trial.case.tasks if task.state == "cancelled"} == {"withdrawn"}
    with pytest.raises(NotPossible):
        trial.decide("fin_a", "approve")

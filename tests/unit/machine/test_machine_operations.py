"""What approvers do with a task besides deciding, in every combination with how the step decides."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import AlreadyDecided, InvalidForm, NotFound, NotPossible, OwnCase
from engine.machine.case import Place
from engine.machine.commands import (
    AddSigners,
    Append,
    Claim,
    Decide,
    Delegate,
    OnTask,
    Release,
    RemoveSigner,
    Transfer,
)
from engine.machine.lifecycle import Stages
from engine.machine.tally import AllOf, AnyOf, InSequence, Quorum, Tally, Vote
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.board import STAFF, add, board, do, seat_of, submitted
from tests.unit.machine.trial import COUNTERSIGN, LARGE, Trial, approve, process


class TestTransfer:
    def test_the_task_is_anothers_and_its_first_person_is_done_with_it(self) -> None:
        trial = submitted(board(AllOf()))
        do(trial, "fin_a", Transfer, to="ann")
        assert trial.asked() == {"ann", "fin_b", "fin_c"}
        assert [task.reason for task in trial.case.tasks if task.person == "fin_a"] == ["transferred"]
        assert trial.told("ann") == ["task"]
        trial.approve("ann", "fin_b", "fin_c")
        assert trial.case.state == "approved"

    def test_weight_and_time_go_with_it(self) -> None:
        heavy = FakeDirectory(STAFF.holders, STAFF.superiors, {"fin_a": 5})
        chain = (approve("board", "role:finance@city", Vote()),)
        trial = submitted(process({"only": chain}, stages=Stages(), people=heavy))
        trial.wait("1d")
        do(trial, "fin_a", Transfer, to="ann")
        (task,) = [task for task in trial.case.tasks if task.person == "ann"]
        assert (task.weight, task.due_at) == (5, trial.days(3))
        trial.approve("ann")
        assert trial.case.state == "approved"

    @pytest.mark.parametrize("back_to", ["fin_a", "fin_b"])
    def test_no_chain_leads_back_to_who_was_asked_here(self, back_to: str) -> None:
        trial = submitted(board(AllOf()))
        do(trial, "fin_a", Transfer, to="ann")
        with pytest.raises(InvalidForm, match="asked at this step already"):
            do(trial, "ann", Transfer, to=back_to)

    def test_reminders_go_to_the_new_person(self) -> None:
        trial = submitted()
        do(trial, "fin_a", Transfer, to="ann")
        trial.wait("1d")
        assert trial.told("ann") == ["task", "reminder"]
        assert trial.told("fin_a") == ["task"]

    def test_in_a_sequence_the_new_person_has_the_same_turn(self) -> None:
        trial = submitted(board(InSequence()))
        do(trial, "fin_a", Transfer, to="ann")
        assert trial.asked() == {"ann"}
        trial.approve("ann")
        assert trial.asked() == {"fin_b"}


class TestDelegate:
    def test_it_comes_back_with_an_opinion_and_its_person_decides(self) -> None:
        trial = submitted(board(AllOf()))
        do(trial, "fin_a", Delegate, to="ann")
        assert trial.asked() == {"ann", "fin_b", "fin_c"}
        trial.decide("ann", "reject", remark="too dear")
        assert trial.case.state == "approving"
        assert "fin_a" in trial.asked()
        assert trial.told("fin_a") == ["task", "task"]
        trial.approve("fin_a", "fin_b", "fin_c")
        assert trial.case.state == "approved"

    def test_a_delegate_delegates_no_further_and_may_be_recalled(self) -> None:
        trial = submitted(board(AllOf()))
        do(trial, "fin_a", Delegate, to="ann")
        with pytest.raises(NotPossible, match="delegate"):
            do(trial, "ann", Delegate, to="bob")
        (seat,) = [task.id for task in trial.case.tasks if task.person == "ann"]
        do(trial, "fin_a", RemoveSigner, seat=seat)
        assert trial.asked() == {"fin_a", "fin_b", "fin_c"}

    def test_in_an_any_of_step_the_opinion_decides_nothing(self) -> None:
        trial = submitted()
        do(trial, "fin_a", Delegate, to="ann")
        trial.decide("ann", "approve")
        assert trial.case.state == "approving"
        trial.approve("fin_a")
        assert trial.case.state == "approved"


class TestAddSigners:
    def test_before_me_they_sign_first_and_then_i_am_asked_again(self) -> None:
        trial = submitted()
        add(trial, "fin_a", "before", "ann", "bob")
        assert trial.asked() == {"ann", "bob", "fin_b", "fin_c"}
        trial.approve("ann")
        assert "fin_a" not in trial.asked()
        trial.approve("bob")
        assert "fin_a" in trial.asked()
        trial.approve("fin_a")
        assert trial.case.state == "approved"

    def test_after_me_they_are_asked_when_i_have_approved(self) -> None:
        trial = submitted(board(AllOf()))
        add(trial, "fin_a", "after", "ann")
        trial.approve("fin_b", "fin_c")
        assert "ann" not in trial.asked()
        trial.approve("fin_a")
        assert trial.case.state == "approving"
        assert trial.asked() == {"ann"}
        trial.approve("ann")
        assert trial.case.state == "approved"

    def test_beside_me_both_must_sign_also_where_one_of_the_step_is_enough(self) -> None:
        trial = submitted()
        add(trial, "fin_a", "beside", "ann")
        trial.approve("fin_a")
        assert trial.case.state == "approving"
        trial.approve("ann")
        assert trial.case.state == "approved"

    def test_nobody_is_asked_after_somebody_who_refused(self) -> None:
        trial = submitted(board(Quorum(2)))
        add(trial, "fin_a", "after", "ann")
        trial.decide("fin_a", "reject")
        assert trial.case.state == "approving"
        assert [task.state for task in trial.case.tasks if task.person == "ann"] == ["cancelled"]
        trial.approve("fin_b", "fin_c")
        assert trial.case.state == "approved"

    def test_who_abstains_has_decided_for_those_who_sign_after_them(self) -> None:
        trial = submitted(board(Vote()))
        add(trial, "fin_a", "after", "ann")
        trial.decide("fin_a", "abstain")
        assert "ann" in trial.asked()

    def test_no_opinion_is_asked_for_a_seat_that_is_refused(self) -> None:
        trial = submitted(board(Quorum(2)))
        add(trial, "fin_a", "beside", "ann")
        do(trial, "ann", Delegate, to="bob")
        trial.decide("fin_a", "reject")
        assert trial.asked() == {"fin_b", "fin_c"}

    @pytest.mark.parametrize("place", ["before", "beside"])
    @pytest.mark.parametrize(("decision", "state"), [("reject", "rejected"), ("return", "returned")])
    def test_an_added_signer_who_refuses_refuses_for_the_seat(self, place: Place, decision: Any, state: str) -> None:
        trial = submitted(board(AllOf()))
        add(trial, "fin_a", place, "ann")
        trial.decide("ann", decision)
        assert trial.case.state == state
        assert not trial.asked()

    def test_an_added_signer_adds_one_and_all_of_them_must_sign(self) -> None:
        trial = submitted(board(InSequence()))
        add(trial, "fin_a", "before", "ann")
        add(trial, "ann", "before", "bob")
        assert trial.asked() == {"bob"}
        for person, following in (("bob", "ann"), ("ann", "fin_a"), ("fin_a", "fin_b"), ("fin_b", "fin_c")):
            trial.approve(person)
            assert trial.asked() == {following}
        trial.approve("fin_c")
        assert trial.case.state == "approved"

    def test_in_a_vote_a_seat_has_one_weight_however_many_sign_with_it(self) -> None:
        trial = submitted(board(Vote()))
        add(trial, "fin_a", "beside", "ann", "bob")
        trial.approve("fin_a", "ann", "bob")
        assert trial.case.state == "approving"
        trial.approve("fin_b")
        assert trial.case.state == "approved"

    def test_inside_a_countersign_the_other_branches_do_not_notice(self) -> None:
        trial = Trial(process({"only": (COUNTERSIGN,)}, stages=Stages(), people=STAFF))
        trial.submit(LARGE)
        add(trial, "net_a", "before", "ann")
        trial.approve("fin_a", "srv_a", "srv_b", "net_b")
        assert trial.asked() == {"ann"}
        trial.approve("ann", "net_a")
        assert trial.case.state == "approved"

    def test_they_stay_with_the_seat_when_it_is_passed_on_or_escalated(self) -> None:
        trial = submitted(board(AllOf()))
        add(trial, "fin_a", "after", "ann")
        do(trial, "fin_a", Transfer, to="bob")
        trial.approve("bob", "fin_b", "fin_c")
        assert trial.asked() == {"ann"}
        trial.wait("3d")
        assert trial.asked() == {"admin"}  # nobody is above ann
        trial.approve(*trial.asked())
        assert trial.case.state == "approved"


class TestAppendAndRemove:
    @pytest.mark.parametrize(
        ("tally", "votes", "state"),
        [
            (AnyOf(), ["ann"], "approved"),
            (AllOf(), ["fin_a", "fin_b", "fin_c", "ann"], "approved"),
            (Quorum(4), ["fin_a", "fin_b", "ann"], "approving"),
            (Quorum(percent=75), ["fin_a", "ann", "fin_c"], "approved"),
        ],
    )
    def test_appended_people_count_as_if_asked_from_the_start(
        self, tally: Tally, votes: Sequence[str], state: str
    ) -> None:
        trial = submitted(board(tally))
        do(trial, "fin_a", Append, people=("ann",))
        trial.approve(*votes)
        assert trial.case.state == state

    def test_in_a_sequence_they_come_last(self) -> None:
        trial = submitted(board(InSequence()))
        do(trial, "fin_a", Append, people=("ann",))
        trial.approve("fin_a", "fin_b", "fin_c")
        assert trial.asked() == {"ann"}

    def test_removing_the_last_one_who_is_out_settles_the_step(self) -> None:
        trial = submitted(board(AllOf()))
        do(trial, "fin_a", Append, people=("ann",))
        add(trial, "fin_a", "after", "bob")
        trial.approve("fin_b", "fin_c")
        seats = {task.person: task.id for task in trial.case.tasks}
        do(trial, "fin_a", RemoveSigner, seat=seats["bob"])
        do(trial, "fin_a", RemoveSigner, seat=seats["ann"])
        trial.approve("fin_a")
        assert trial.case.state == "approved"

    def test_whom_somebody_else_brought_in_or_who_decided_stays(self) -> None:
        trial = submitted(board(AllOf()))
        do(trial, "fin_a", Append, people=("ann", "bob"))
        seats = {task.person: task.id for task in trial.case.tasks}
        for person, seat in (("fin_b", "ann"), ("fin_a", "fin_c"), ("fin_a", "fin_a")):
            with pytest.raises((InvalidForm, NotPossible)):
                do(trial, person, RemoveSigner, seat=seats[seat])
        trial.approve("ann")
        with pytest.raises(InvalidForm):
            do(trial, "fin_a", RemoveSigner, seat=seats["ann"])

    def test_those_the_removed_one_brought_in_go_too_and_whom_these_brought_in(self) -> None:
        trial = submitted(board(AllOf()))
        add(trial, "fin_a", "before", "ann")
        add(trial, "ann", "before", "bob")
        add(trial, "bob", "beside", "cid")
        do(trial, "fin_a", RemoveSigner, seat=seat_of(trial, "ann"))
        assert trial.asked() == {"fin_a", "fin_b", "fin_c"}


class TestClaim:
    def test_who_claims_decides_alone_until_they_give_it_back(self) -> None:
        trial = submitted(board(claim=True))
        do(trial, "fin_b", Claim)
        assert trial.asked() == {"fin_b"}
        with pytest.raises(NotPossible):
            trial.decide("fin_a", "approve")
        do(trial, "fin_b", Release)
        assert trial.asked() == {"fin_a", "fin_b", "fin_c"}
        do(trial, "fin_c", Claim)
        trial.approve("fin_c")
        assert trial.case.state == "approved"

    def test_where_there_is_no_pool_nothing_is_claimed(self) -> None:
        with pytest.raises(NotPossible):
            do(submitted(), "fin_a", Claim)


OPERATIONS: tuple[tuple[type[OnTask], dict[str, Any]], ...] = (
    (Transfer, {"to": "ann"}),
    (Delegate, {"to": "ann"}),
    (AddSigners, {"people": ("ann",), "place": "before"}),
    (AddSigners, {"people": ("ann",), "place": "after"}),
    (AddSigners, {"people": ("ann",), "place": "beside"}),
    (Append, {"people": ("ann",)}),
)


@pytest.mark.parametrize(("command", "fields"), OPERATIONS)
def test_by_no_door_does_anybody_decide_on_their_own_case(command: type[OnTask], fields: dict[str, Any]) -> None:
    trial = submitted(board(AllOf()))
    own = {key: ("clerk",) if key == "people" else "clerk" if key == "to" else value for key, value in fields.items()}
    before = trial.case
    with pytest.raises(OwnCase):
        do(trial, "fin_a", command, **own)
    assert trial.case is before


@pytest.mark.parametrize(("command", "fields"), OPERATIONS)
def test_each_asks_for_a_reason_and_for_people_who_exist(command: type[OnTask], fields: dict[str, Any]) -> None:
    trial = submitted(board(AllOf()))
    with pytest.raises(InvalidForm, match="say why"):
        do(trial, "fin_a", command, **fields, remark=" ")
    unknown = {key: ("zoe",) if key == "people" else "zoe" if key == "to" else value for key, value in fields.items()}
    with pytest.raises(InvalidForm, match="nobody active is called zoe"):
        do(trial, "fin_a", command, **unknown)


@pytest.mark.parametrize(("command", "fields"), OPERATIONS)
def test_what_a_step_does_not_allow_says_what_it_does(command: type[OnTask], fields: dict[str, Any]) -> None:
    trial = submitted(board(AllOf(), allow=("ask",)))
    with pytest.raises(NotPossible) as refused:
        do(trial, "fin_a", command, **fields)
    assert refused.value.fields["possible"] == "approve, return, reject, ask"


@pytest.mark.parametrize(("command", "fields"), OPERATIONS)
def test_a_task_that_is_over_or_not_mine_is_left_alone(command: type[OnTask], fields: dict[str, Any]) -> None:
    trial = submitted(board(AllOf()))
    (task,) = [task.id for task in trial.case.tasks if task.person == "fin_a"]
    with pytest.raises(NotFound):
        trial.do(command(actor="fin_b", task=task, remark="r", **fields))
    trial.approve("fin_a")
    with pytest.raises(NotPossible):
        do(trial, "fin_a", command, **fields)


@given(data=st.data(), tally=st.sampled_from([AnyOf(), AllOf(), InSequence(), Quorum(2), Vote()]))
def test_whoever_is_added_removed_or_passes_on_a_step_never_gets_stuck(data: st.DataObject, tally: Tally) -> None:
    """Operations at random, then everybody who is asked approves: the step ends approved."""
    trial = submitted(board(tally))
    newcomers = ["ann", "bob", "cid", "dan", "eve"]
    for _ in range(data.draw(st.integers(0, 5))):
        if trial.case.state != "approving" or not newcomers:
            break
        person = data.draw(st.sampled_from(sorted(trial.asked())))
        newcomer = newcomers.pop()
        match data.draw(st.sampled_from(["transfer", "delegate", "before", "after", "beside", "append", "approve"])):
            case "transfer":
                do(trial, person, Transfer, to=newcomer)
            case "delegate" if [task for task in trial.case.tasks if task.person == person][-1].place != "delegate":
                do(trial, person, Delegate, to=newcomer)
            case "before" | "after" | "beside" as place:
                add(trial, person, place, newcomer)
            case "append":
                do(trial, person, Append, people=(newcomer,))
            case _:
                trial.approve(person)
    for _ in range(30):
        if trial.case.state != "approving":
            break
        assert trial.asked(), trial.case.tasks
        trial.approve(sorted(trial.asked())[0])
    assert trial.case.state == "approved"
    assert trial.replayed() == trial.case


def test_a_second_click_after_a_transfer_names_nobody_as_having_decided() -> None:
    trial = submitted(board(AllOf()))
    (task,) = [task.id for task in trial.case.tasks if task.person == "fin_a"]
    do(trial, "fin_a", Transfer, to="ann")
    with pytest.raises((NotPossible, AlreadyDecided)) as refused:
        trial.do(Decide(actor="fin_a", task=task, decision="approve"))
    assert isinstance(refused.value, NotPossible)

"""The organisation changes while a case waits: who is asked follows, what was decided stays."""

from dataclasses import replace
from pathlib import Path

from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.trial import Trial as DeclaredTrial
from engine.machine.commands import Claim, Delegate, Reorganise, Transfer
from engine.machine.tally import AllOf, AnyOf, InSequence, Tally
from tests.fakes.organisation import EverydayCalendar, FakeDirectory
from tests.unit.machine.board import add, ask, do
from tests.unit.machine.trial import PEOPLE, Trial, approve, process

PAYMENT = Path(__file__).resolve().parents[3] / "definitions/examples/payment-approval.yaml"


def waiting(tally: Tally, *, claim: bool = False) -> Trial:
    """A case that the three of the finance office decide on."""
    first = approve("money", "role:finance@city", tally, claim=claim)
    trial = Trial(process({"chain": (first, approve("last", "head@city"))}))
    trial.submit()
    return trial


def changed(
    trial: Trial, *finance: str, admins: tuple[str, ...] = ("admin",), closed: frozenset[str] = frozenset()
) -> bool:
    """From now on these hold the role; whether the case changed."""
    roles = {"role:finance@city": finance, "role:process_admin": admins}
    people: FakeDirectory = replace(PEOPLE, holders=PEOPLE.holders | roles, closed=closed)
    trial.process = trial.process.bound(people, trial.process.calendar)
    return bool(trial.do(Reorganise(actor="system", via="timer")).events)


def reasons(trial: Trial) -> dict[str, str]:
    return {task.person: task.reason for task in trial.case.tasks if task.reason}


def test_who_lost_the_role_is_not_asked_any_more_and_who_has_it_is() -> None:
    trial = waiting(AllOf())
    assert changed(trial, "fin_a", "fin_d")
    assert trial.asked() == {"fin_a", "fin_d"}
    assert reasons(trial) == {"fin_b": "lost_role", "fin_c": "lost_role"}
    assert trial.told("fin_d") == ["task"]
    assert trial.told("fin_a") == ["task"]
    assert trial.replayed() == trial.case


def test_asking_twice_changes_nothing() -> None:
    trial = waiting(AllOf())
    assert not changed(trial, "fin_a", "fin_b", "fin_c")
    assert changed(trial, "fin_a", "fin_d")
    assert not changed(trial, "fin_a", "fin_d")
    assert changed(trial, "fin_a")
    assert trial.asked() == {"fin_a"}


def test_a_decision_stands_although_its_person_left() -> None:
    trial = waiting(AllOf())
    trial.approve("fin_a")
    assert changed(trial, "fin_b", closed=frozenset({"fin_a", "fin_c"}))
    assert reasons(trial) == {"fin_c": "left"}
    trial.approve("fin_b")
    assert trial.asked() == {"city_head"}


def test_the_step_is_settled_where_only_those_who_left_were_still_to_decide() -> None:
    trial = waiting(AllOf())
    trial.approve("fin_a")
    assert changed(trial, "fin_a")
    assert trial.asked() == {"city_head"}


def test_a_role_that_became_empty_follows_its_policy() -> None:
    trial = waiting(AnyOf())
    assert changed(trial)
    assert trial.asked() == {"admin"}
    assert trial.case.configuration == ("chain/money",)
    assert trial.timers() == {("money", "remind:1")}


def test_in_a_sequence_the_next_one_is_asked_when_the_present_one_leaves() -> None:
    trial = waiting(InSequence())
    assert trial.asked() == {"fin_a"}
    assert changed(trial, "fin_b", "fin_c")
    assert trial.asked() == {"fin_b"}
    assert trial.told("fin_c") == []


def test_who_was_escalated_to_stays() -> None:
    trial = waiting(AnyOf())
    trial.wait("3wd")
    assert trial.asked() == {"city_head"}
    assert not changed(trial, "fin_a", "fin_b", "fin_c")
    assert not changed(trial, "fin_a")
    assert trial.asked() == {"city_head"}


def test_a_case_that_waits_for_nobody_is_left_alone() -> None:
    trial = Trial()
    assert not bool(trial.do(Reorganise(actor="system", via="timer")).events)


def test_who_has_the_role_again_is_asked_again_on_the_same_task() -> None:
    trial = waiting(AllOf())
    assert changed(trial, "fin_a")
    assert changed(trial, "fin_a", "fin_b")
    assert trial.asked() == {"fin_a", "fin_b"}
    assert len([task for task in trial.case.tasks if task.person == "fin_b"]) == 1


def test_a_step_that_found_nobody_asks_at_once_when_somebody_comes() -> None:
    trial = waiting(AllOf())
    nobody = {"role:process_admin": (), "role:finance@city": ()}
    trial.process = trial.process.bound(replace(PEOPLE, holders=PEOPLE.holders | nobody), trial.process.calendar)
    trial.do(Reorganise(actor="system", via="timer"))
    assert (trial.asked(), trial.timers()) == (set(), {("money", "staff")})
    trial.wait("3h")
    assert [trial.told("clerk")[-1], trial.told("clerk").count("unstaffed")] == ["unstaffed", 1]
    assert changed(trial, "fin_a", "fin_d")
    assert trial.asked() == {"fin_a", "fin_d"}
    assert trial.timers() == {("money", "remind:1")}
    assert trial.replayed() == trial.case


def test_who_comes_back_to_a_step_without_people_has_their_seat_again() -> None:
    trial = waiting(AllOf())
    gone = replace(
        PEOPLE, holders=PEOPLE.holders | {"role:process_admin": ()}, closed=frozenset(("fin_a", "fin_b", "fin_c"))
    )
    there = trial.process.directory
    trial.process = trial.process.bound(gone, trial.process.calendar)
    for holders in (("fin_a",), ()):
        gone.holders["role:finance@city"] = holders
        trial.do(Reorganise(actor="system", via="timer"))
    trial.process = trial.process.bound(there, trial.process.calendar)
    trial.wait("1h")
    assert trial.asked() == {"fin_a", "fin_b", "fin_c"}
    assert len([task for task in trial.case.tasks if task.step == "money"]) == 3


def test_a_human_being_with_two_accounts_is_asked_once() -> None:
    twins = {"fin_a": "fin_a2"}
    trial = waiting(AllOf())
    people = replace(PEOPLE, twins=twins, holders=PEOPLE.holders | {"role:finance@city": ("fin_a", "fin_a2", "fin_b")})
    trial.process = trial.process.bound(people, trial.process.calendar)
    trial.do(Reorganise(actor="system", via="timer"))
    assert trial.asked() == {"fin_a", "fin_b"}
    # the role went to the other account: the seat stays where it is
    people.holders["role:finance@city"] = ("fin_a2", "fin_b")
    assert not trial.do(Reorganise(actor="system", via="timer")).events
    trial.approve("fin_a")
    assert not trial.do(Reorganise(actor="system", via="timer")).events
    trial.approve("fin_b")
    assert trial.asked() == {"city_head"}


def test_the_second_account_is_asked_when_the_first_one_is_closed() -> None:
    trial = waiting(AnyOf())
    people = replace(
        PEOPLE,
        twins={"fin_a": "fin_a2"},
        closed=frozenset({"fin_a"}),
        holders=PEOPLE.holders | {"role:finance@city": ("fin_a2", "fin_b", "fin_c")},
    )
    trial.process = trial.process.bound(people, trial.process.calendar)
    trial.do(Reorganise(actor="system", via="timer"))
    assert trial.asked() == {"fin_a2", "fin_b", "fin_c"}


def test_two_accounts_of_one_person_are_one_seat_from_the_start() -> None:
    people = replace(PEOPLE, twins={"fin_a": "fin_b"})
    trial = Trial(process({"chain": (approve("money", "role:finance@city", AllOf()),)}, people=people))
    trial.submit()
    assert trial.asked() == {"fin_a", "fin_c"}


def test_a_declared_state_asks_whoever_holds_its_roles_now() -> None:
    payment = compile_process(load(PAYMENT.read_text(encoding="utf-8")))
    holders = {"role:supervisor": ("sue",), "role:process_admin": ("admin",), "role:administration": ("ada",)}
    people = FakeDirectory(holders | {"role:pre_approver@city": (), "role:budget_owner": ()})
    trial = DeclaredTrial(payment.bound(people, EverydayCalendar()), submitter="clerk")
    trial.submit({"title": "coffee", "amount": "80.00", "payee": "the shop"})

    def asked() -> list[str]:
        return sorted(task.person for task in trial.open_tasks())

    def again() -> bool:
        return bool(trial.do(Reorganise(actor="system", via="timer")).events)

    before = asked()
    assert "ada" in before
    people.holders["role:administration"] = ("bea",)
    assert again()
    assert asked() == sorted({*before, "bea"} - {"ada"})
    assert not again()
    people.holders |= dict.fromkeys(people.holders, ())
    assert again()
    assert asked() == []
    assert not again()
    people.holders["role:administration"] = ("ada",)
    assert again()
    assert "ada" in asked()


def test_whom_the_task_was_passed_on_to_has_it_alone_when_the_role_becomes_empty() -> None:
    trial = Trial(process({"chain": (approve("first", "head@county"),)}))
    trial.submit()
    (task,) = trial.case.tasks
    trial.do(Transfer(actor="county_head", task=task.id, to="net_a", remark="yours"))
    people = replace(PEOPLE, holders=PEOPLE.holders | {"head@county": ()}, closed=frozenset({"county_head"}))
    trial.process = trial.process.bound(people, trial.process.calendar)
    assert not trial.do(Reorganise(actor="system", via="timer")).events
    closed = replace(people, closed=frozenset({"county_head", "net_a"}))
    trial.process = trial.process.bound(closed, trial.process.calendar)
    trial.do(Reorganise(actor="system", via="timer"))
    assert trial.asked() == {"admin"}


def test_whom_a_leaver_brought_in_is_not_asked_any_more() -> None:
    trial = waiting(AllOf())
    add(trial, "fin_a", "beside", "ann")
    changed(trial, "fin_b", "fin_c")
    assert trial.asked() == {"fin_b", "fin_c"}
    assert reasons(trial) == {"fin_a": "lost_role", "ann": "removed"}


def test_who_waits_for_an_opinion_is_not_called_by_somebody_elses_coming() -> None:
    trial = waiting(AllOf())
    do(trial, "fin_a", Delegate, to="ann")
    changed(trial, "fin_a", "fin_b", "fin_c", "fin_d")
    assert trial.asked() == {"ann", "fin_b", "fin_c", "fin_d"}


def test_whoever_claimed_keeps_it_when_somebody_comes_to_the_pool() -> None:
    trial = waiting(AnyOf(), claim=True)
    do(trial, "fin_b", Claim)
    changed(trial, "fin_a", "fin_b")
    assert trial.asked() == {"fin_b"}


def test_the_pool_is_asked_again_when_who_claimed_it_leaves() -> None:
    trial = waiting(AnyOf(), claim=True)
    do(trial, "fin_b", Claim)
    changed(trial, "fin_a", "fin_c")
    assert trial.asked() == {"fin_a", "fin_c"}


def test_the_opinion_of_a_delegate_is_nobody_who_decides() -> None:
    trial = waiting(AnyOf())
    do(trial, "fin_a", Delegate, to="ann")
    trial.decide("ann", "approve")
    changed(trial, admins=())
    assert trial.timers() == {("money", "staff")}
    changed(trial, "fin_d")
    assert trial.asked() == {"fin_d"}


def test_a_question_of_those_who_left_stops_no_clock_of_those_who_come() -> None:
    trial = waiting(AnyOf())
    ask(trial, "fin_a", "ann")
    changed(trial, admins=())
    changed(trial, "fin_d")
    assert trial.asked() >= {"fin_d"}
    assert trial.timers() == {("money", "remind:1")}

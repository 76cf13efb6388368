"""What a lifecycle that a definition declares does where states are come to again, or stand beside each other."""

from engine.machine.commands import Decide, Perform, Reorganise, Submit
from tests.unit.machine.trial import Trial
from tests.unit.machine.walk_fair import process


def fair(guests: int) -> Trial:
    trial = Trial(process())
    trial.submit({"guests": guests})
    return trial


def do(trial: Trial, person: str, *events: str) -> None:
    for event in events:
        trial.do(Perform(actor=person, event=event, remark="because"))


def test_a_chain_that_goes_on_after_a_hold_asks_everybody_in_a_round_of_its_own() -> None:
    trial = fair(900)
    do(trial, "cook_a", "cook", "taste")
    do(trial, "hall_a", "book")
    trial.approve("head_a", "money_a")
    do(trial, "boss_a", "hold", "resume")
    assert (trial.case.state, trial.asked()) == ("approving", {"head_a"})
    trial.approve("head_a")
    assert trial.asked() == {"money_a", "money_b"}
    seats = [(task.round, task.step, task.person) for task in trial.case.tasks]
    assert len(seats) == len(set(seats)), "nobody has two tasks at a step in a round"
    assert trial.replayed() == trial.case


def test_a_return_within_that_round_goes_where_it_says() -> None:
    trial = fair(900)
    do(trial, "cook_a", "cook", "taste")
    do(trial, "hall_a", "book")
    trial.approve("head_a")
    do(trial, "boss_a", "hold", "resume")
    trial.approve("head_a")
    task = next(task for task in trial.open_tasks() if task.person == "money_b")
    trial.do(Decide(actor="money_b", task=task.id, decision="return", remark="because", to="head"))
    assert trial.asked() == {"head_a"}


def test_people_of_a_region_change_although_a_form_beside_it_was_submitted() -> None:
    trial = fair(200)
    do(trial, "cook_a", "cook")
    do(trial, "boss_a", "spoil")
    trial.do(Submit(actor="clerk", form={"guests": 300}, number="c1-1"))
    assert trial.asked("booking") == {"hall_a", "hall_b", "boss_a"}
    trial.process = process("left")
    trial.do(Reorganise(actor="system", via="timer"))
    assert trial.asked("booking") == {"admin", "boss_b"}

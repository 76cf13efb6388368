"""Questions on a task (沟通) and copies of it (抄送): the clock, the inbox, and what becomes of their tasks."""

import pytest

from engine.errors import NotFound, NotPossible
from engine.machine.commands import CopyTo
from engine.machine.tally import AllOf
from tests.unit.machine.board import answer, ask, board, do, submitted


def test_the_clock_stands_still_until_the_answer() -> None:
    trial = submitted()
    question = ask(trial, "fin_a", "clerk")
    assert not trial.timers()
    trial.wait("9d")
    assert trial.told("fin_a") == ["task"]
    answer(trial, "clerk", question)
    assert trial.told("fin_a") == ["task", "answer"]
    assert {task.due_at for task in trial.open_tasks("board") if task.signs} == {trial.days(9 + 3)}
    trial.wait("1d")
    assert trial.told("fin_a") == ["task", "answer", "reminder"]
    trial.wait("2d")
    assert "city_head" in trial.asked()


def test_with_two_questions_it_goes_on_after_the_second_answer() -> None:
    trial = submitted()
    first, second = ask(trial, "fin_a", "clerk"), ask(trial, "fin_b", "ann")
    answer(trial, "clerk", first)
    assert not trial.timers()
    answer(trial, "ann", second)
    assert trial.timers() == {("board", "remind:1")}


def test_it_is_in_the_inbox_of_who_is_asked_and_cannot_be_decided_there() -> None:
    trial = submitted()
    question = ask(trial, "fin_a", "ann")
    (task,) = trial.open_tasks("board")[-1:]
    assert (task.person, task.verb) == ("ann", "answer")
    with pytest.raises(NotPossible):
        trial.decide("ann", "approve")
    answer(trial, "ann", question)
    assert [task.state for task in trial.case.tasks if task.person == "ann"] == ["decided"]


def test_deciding_while_a_question_is_open_leaves_no_clock_behind() -> None:
    trial = submitted()
    ask(trial, "fin_a", "ann")
    trial.approve("fin_b")
    assert trial.case.state == "approved"
    assert (trial.case.stopped, trial.timers()) == ((), set())


def test_only_who_was_asked_answers_and_once() -> None:
    trial = submitted()
    question = ask(trial, "fin_a", "ann")
    with pytest.raises(NotFound):
        answer(trial, "bob", question)
    answer(trial, "ann", question)
    with pytest.raises(NotPossible, match="answered"):
        answer(trial, "ann", question)


def test_a_person_asked_twice_answers_twice() -> None:
    trial = submitted()
    answer(trial, "ann", ask(trial, "fin_a", "ann"))
    answer(trial, "ann", ask(trial, "fin_b", "ann"))
    assert [question.answer for question in trial.case.questions] == ["Because.", "Because."]


def test_copies_are_read_at_any_time_and_nothing_waits_for_them() -> None:
    trial = submitted()
    do(trial, "fin_a", CopyTo, people=("ann",))
    trial.approve("fin_a")
    assert trial.case.state == "approved"
    trial.decide("ann", "read")
    assert [task.decision for task in trial.case.tasks if task.person == "ann"] == ["read"]


def test_readers_and_those_who_are_asked_are_not_drawn_as_deciding() -> None:
    trial = submitted(board(AllOf()))
    do(trial, "fin_a", CopyTo, people=("ann",))
    ask(trial, "fin_a", "bob")
    drawn = trial.drawn()["board"]
    assert {seat.person for seat in drawn.seats} == {"fin_a", "fin_b", "fin_c"}
    assert drawn.need == 3
    trial.approve("fin_a", "fin_b", "fin_c")
    assert trial.drawn()["board"].state == "done"


def test_a_reader_does_not_decide() -> None:
    trial = submitted()
    do(trial, "fin_a", CopyTo, people=("ann",))
    with pytest.raises(NotPossible):
        trial.decide("ann", "approve")


def test_a_second_question_to_the_same_person_stays_in_their_inbox() -> None:
    trial = submitted()
    first = ask(trial, "fin_a", "ann")
    second = ask(trial, "fin_b", "ann")
    answer(trial, "ann", first)
    assert [task.person for task in trial.open_tasks() if task.verb == "answer"] == ["ann"]
    answer(trial, "ann", second)
    assert [task.person for task in trial.open_tasks() if task.verb == "answer"] == []


def test_what_was_never_answered_before_a_return_stops_no_clock_after_it() -> None:
    trial = submitted()
    ask(trial, "fin_a", "ann")
    trial.decide("fin_b", "return")
    trial.submit()
    answer(trial, "bob", ask(trial, "fin_a", "bob"))
    assert trial.timers() == {("board", "remind:1")}


def test_who_read_along_decides_on_the_same_task_when_it_comes_to_them() -> None:
    trial = submitted()
    do(trial, "fin_a", CopyTo, people=("city_head",))
    trial.wait("3d")
    (task,) = [task for task in trial.case.tasks if task.person == "city_head"]
    assert (task.verb, task.state) == ("approve", "open")
    trial.approve("city_head")
    assert trial.case.state == "approved"

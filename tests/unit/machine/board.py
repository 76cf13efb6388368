"""One step that asks three people of finance, and what they do with their tasks besides deciding."""

from typing import Any

from engine.machine.case import Place
from engine.machine.commands import AddSigners, Answer, Ask, OnTask
from engine.machine.lifecycle import Stages
from engine.machine.process import Process
from engine.machine.tally import Tally
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.trial import PEOPLE, Trial, approve, process

STAFF = FakeDirectory(PEOPLE.holders, PEOPLE.superiors, PEOPLE.weights, closed=frozenset({"zoe"}))


def board(tally: Tally | None = None, **more: Any) -> Process:
    """One step that asks three people of finance."""
    chain = (approve("board", "role:finance@city", tally, **more),)
    return process({"only": chain}, stages=Stages(), people=STAFF)


def submitted(running: Process | None = None) -> Trial:
    trial = Trial(running or board())
    trial.submit()
    return trial


def do(trial: Trial, person: str, command: type[OnTask], /, **fields: Any) -> None:
    """`person` does something with their newest task; a reason is given where one is due."""
    task = [task for task in trial.case.tasks if task.person == person][-1]
    trial.do(command(actor=person, task=task.id, **{"remark": "because", **fields}))


def add(trial: Trial, person: str, place: Place, *people: str) -> None:
    do(trial, person, AddSigners, people=people, place=place)


def seat_of(trial: Trial, person: str) -> str:
    """The newest task of `person`."""
    return [task.id for task in trial.case.tasks if task.person == person][-1]


def ask(trial: Trial, person: str, of: str) -> str:
    """`person` asks somebody about the case; the question's name."""
    do(trial, person, Ask, person=of, text="Why so many?")
    return trial.case.questions[-1].id


def answer(trial: Trial, person: str, question: str) -> None:
    trial.do(Answer(actor=person, question=question, text="Because."))

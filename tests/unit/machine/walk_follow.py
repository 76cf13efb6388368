"""Has the model of an approval do what was done to a case: commands and timers in the words of `walk_model`."""

from typing import Any

from engine.machine.case import Case, Task
from engine.machine.commands import (
    AddSigners,
    AnyCommand,
    Append,
    Claim,
    Decide,
    Delegate,
    OnTask,
    Operate,
    Release,
    RemoveSigner,
    Reorganise,
    Submit,
    TimerFired,
    Transfer,
    Withdraw,
)
from engine.machine.outcome import Outcome, Turned
from tests.unit.machine.walk_checks import task_of
from tests.unit.machine.walk_model import Approval, Board, Signer
from tests.unit.machine.walk_world import REPRESENTED, World, expected_approval, people_of, superiors_of

GONE = ("transferred", "escalated", "removed", "lost_role", "left")


class Follower:
    """What the model expects of a case. `spent`: where nobody was left to escalate to."""

    def __init__(self, world: World) -> None:
        self.world, self.office = world, "first"
        self.approval: Approval | None = None
        self.spent: set[tuple[int, str]] = set()
        self._returner = ""
        self._form: dict[str, int] = {}

    @property
    def _expected(self) -> Approval:
        assert self.approval is not None
        return self.approval

    def move(self, office: str) -> None:
        """The organisation is another now."""
        self.office = office
        if self.approval is not None:
            self.approval.people, self.approval.weights = people_of(self.world, office)

    def may(self, case: Case, task: Task, command: Decide) -> bool | None:
        """Whether the model lets this decision be taken; None where it does not know."""
        if task.verb == "copy" or command.actor in REPRESENTED.get(task.person, ()):
            return None
        if self.approval is None or case.state != "approving" or command.actor != task.person:
            return False
        board = self.approval.boards[task.step]
        allowed = ["approve", "return", "reject"]
        if task.verb == "file":
            allowed = ["acknowledge", "object"] if task.step == "register" else ["acknowledge"]
        elif board.mode == "vote":
            allowed.append("abstain")
        return command.decision in allowed and task.person in board.asked()

    def follow(self, command: AnyCommand, before: Case, outcome: Outcome) -> None:
        """Have the model do the same."""
        case = outcome.case
        if isinstance(command, Submit):
            self._submitted(case.form)
            return
        if self.approval is None or not outcome.events:
            return
        state = before.facts["suspended"]["state"] if before.state == "suspended" else before.state
        if isinstance(command, Operate | Withdraw):
            self._intervened(command, outcome)
        elif state == "approving" and isinstance(command, Decide | TimerFired):
            self._decided_or_lapsed(command, before, outcome)
        elif state == "approving" and isinstance(command, OnTask):
            task = task_of(before, command.task)
            board = self.approval.boards[task.step]
            _handle(board, task.person, command, before)
            self._settle(task.step, board.verdict(), outcome)
        elif isinstance(command, Reorganise) and state == "approving":
            self._adopt(case)

    def _submitted(self, form: dict[str, Any]) -> None:
        """A round from the beginning of the chain; what was approved for the same form may stand."""
        fresh = expected_approval(self.world, form, self.office)
        old = self.approval
        if old is not None and old.columns == fresh.columns and self._form == form:
            fresh.kept = old.standing(self.world.resume, self._returner)
        self.approval, self._returner, self._form = fresh, "", dict(form)
        fresh.onward()

    def _settle(self, step: str, verdict: str, outcome: Outcome) -> None:
        expected = self._expected
        if not verdict:
            return
        turned = [event for event in outcome.events if isinstance(event, Turned)]
        to, kept = "", {}
        if verdict == "return":
            named = {one.back_to for one in expected.boards[step].counted() if one.decision == "return"}
            assert bool(turned) == bool(named and "submitter" not in named), (named, turned)
            if turned:
                to = turned[0].to
                assert expected.column_of(to) <= expected.place
                assert "previous" in named or to in named
                kept = expected.standing(self.world.resume, step, to)
        expected.settle(step, verdict, to=to, kept=kept)
        if expected.state == "returned":
            self._returner = step

    def _decided_or_lapsed(self, command: Decide | TimerFired, before: Case, outcome: Outcome) -> None:
        expected = self._expected
        if isinstance(command, TimerFired) and command.name == "staff":
            self._adopt(outcome.case)
        elif isinstance(command, TimerFired):
            board = expected.boards[command.step]
            verdict = command.name if command.name in ("return", "reject", "approve") else ""
            if command.name == "approve" and before.form["budget"] > 100_000:
                verdict = "escalate"
            if command.name == "escalate" or verdict == "escalate":
                asked = [one for one in before.tasks if one.step == command.step and one.state == "open" and one.signs]
                late = [task.person for task in asked if task.round == before.round]
                board.escalate({person: superiors_of(person, self.office) for person in late})
                verdict = board.verdict()
                if outcome.case.tasks == before.tasks:
                    self.spent.add((before.round, command.step))
            is_silence = command.name == "objection" or (command.name == "silence" and command.step == "province")
            self._settle(command.step, "silence" if is_silence else verdict, outcome)
        elif (task := task_of(before, command.task)).verb != "copy":
            self._decided(task, command, before, outcome)

    def _decided(self, task: Task, command: Decide, before: Case, outcome: Outcome) -> None:
        expected = self._expected
        board = expected.boards[task.step]
        board.decide(task.person, command.decision, command.to)
        if command.decision == "approve" and board.find(task.person) in board.counted():
            expected.said.append((expected.place, task.person))
        if command.decision == "object":
            self.approval = expected_approval(self.world, before.form, self.office, "main")
            self.approval.onward()
            return
        self._settle(task.step, board.verdict(), outcome)

    def _intervened(self, command: Operate | Withdraw, outcome: Outcome) -> None:
        expected, state = self._expected, outcome.case.state
        turned = [event for event in outcome.events if isinstance(event, Turned)]
        if isinstance(command, Operate) and command.operation == "activate":
            self._adopt(outcome.case)
        elif turned:
            by = turned[0].by_step
            expected.state = "approving"
            expected.turn(turned[0].to, expected.standing(self.world.resume, by, turned[0].to))
        elif state not in ("suspended", "approving"):
            expected.state = state

    def _adopt(self, case: Case) -> None:
        """Others are asked, because the organisation changed: whom, is read off the case."""
        expected = self._expected
        for name in expected.boards:  # somebody's leaving may have settled it
            expected.latest[name] = as_board(expected, case, name)
        expected.boards.clear()
        if case.state != "approving":
            expected.state = case.state if case.state in ("returned", "rejected") else "approved"
        active = [name.rpartition("/")[2] for name in case.configuration]
        for name in active:
            if case.state == "approving" and ":" not in name:
                expected.place = expected.column_of(name)
                expected.boards[name] = expected.latest[name] = as_board(expected, case, name)
        expected.approved = {name.removesuffix(":done") for name in active if name.endswith(":done")}


def _handle(board: Board, person: str, command: OnTask, case: Case) -> None:
    """What an operation means to the model."""
    match command:
        case Transfer():
            board.replace(person, command.to, brought_by=person)
        case Delegate():
            board.bring(person, (command.to,), "delegate")
        case AddSigners():
            board.bring(person, command.people, command.place)
        case Append():
            board.bring(person, command.people, "")
        case RemoveSigner():
            board.remove(task_of(case, command.seat).person)
        case Claim():
            board.claim(person)
        case Release():
            board.release()
        case _:
            pass


def as_board(expected: Approval, case: Case, step: str) -> Board:
    """The people of a step as the case has them."""
    mode = next(one.mode for column in expected.columns for one in column.steps if one.name == step)
    tasks = [one for one in case.tasks if (one.step, one.round) == (step, case.round) and one.signs]
    # in a line, whoever had their turn first: they may wait now for those whom they brought in
    tasks.sort(key=lambda one: one.state == "waiting" and not one.reason)
    signers = {one.id: Signer(one.person, one.weight, place=one.place, brought_by=one.asked_by) for one in tasks}
    times = sorted((one.decided_at, one.id) for one in tasks if one.state == "decided" and one.decided_at)
    for one in tasks:
        signer = signers[one.id]
        signer.beside = signers.get(one.of)
        signer.gone = one.state == "cancelled" and one.reason in GONE
        signer.aside = one.state == "waiting" and one.reason == "claimed"
        signer.back_to = one.back_to or "submitter"
        if one.state == "decided" and one.decision and one.decided_at:
            signer.decision, signer.at = one.decision, times.index((one.decided_at, one.id)) + 1
    return Board("any" if mode == "file" else mode, list(signers.values()), len(tasks))

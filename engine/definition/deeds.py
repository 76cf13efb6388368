"""What can be done in a scenario: one class per kind of deed, named once in `sentences.KINDS`.

Each reads its sentence (`county_head approve`, `wait 3wd`, `freeze 950/50`) and plays it on a trial. Whether it is
possible is for the machine to say: what that refuses comes through.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

from engine.definition.trial import Trial
from engine.errors import NotPossible
from engine.machine.case import Decision, Task
from engine.machine.commands import (
    AudienceFailed,
    AudienceFrozen,
    Close,
    Decide,
    DeliveryFinished,
    Edit,
    Evaluated,
    PauseDelivery,
    Perform,
    ResumeDelivery,
    SelectAgain,
    StartDelivery,
    Widen,
    Withdraw,
)
from engine.machine.declared import holders
from engine.machine.outcome import Evaluate
from engine.values import Duration

_SEAT = re.compile(r"(?P<step>[a-z][a-z0-9_]{0,47})(\.(?P<number>[1-9][0-9]?))?")
_COUNTS = re.compile(r"(?P<target>[0-9]{1,9})(/(?P<control>[0-9]{1,9}))?")


class Unreadable(Exception):
    """A sentence that says nothing that can be done; `hint` says what can."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence taken apart: who (a step and seat, empty where nobody is named), the verb, the rest."""

    subject: str
    verb: str
    rest: tuple[str, ...] = ()
    values: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done in a scenario. `verbs` are its words, `form` is how it is written, `by` who may be named."""

    verbs: ClassVar[tuple[str, ...]]
    form: ClassVar[str]
    of_step: ClassVar[bool] = False
    by: ClassVar[tuple[str, ...]] = ("", "submitter")

    @classmethod
    def read(cls, words: Words) -> Self:
        """The deed of a sentence whose verb is one of `verbs`. Raises Unreadable."""
        if words.rest or words.values is not None:
            raise Unreadable(f"nothing follows {words.verb}", f"write {cls.form}")
        return cls()

    def play(self, trial: Trial) -> None:
        """Do it; raises what the machine refuses."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Decides(Deed):
    """Somebody who is asked decides. Without a seat: the first who is asked now. With values: an approval that changes
    these fields. A return goes to the submitter, or where it says: `previous`, or a step before."""

    verbs = ("approve", "reject", "return", "acknowledge", "object", "abstain", "read")
    form = "STEP approve, STEP.2 reject (its second person), STEP approve {FIELD: VALUE}, STEP return to STEP"
    of_step = True

    step: str = ""
    seat: int = 0
    decision: Decision = "approve"
    values: tuple[tuple[str, Any], ...] = ()
    to: str = "submitter"

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        seat, to = _SEAT.fullmatch(words.subject), "submitter"
        match words.verb, words.rest:
            case "return", ("to", named):
                to = named
            case _, (_, *_):
                seat = None
        if seat is None or (words.values is not None and words.verb != "approve"):
            raise Unreadable("a decision is a step and a verb", f"write {cls.form}")
        values = tuple((words.values or {}).items())
        return cls(seat["step"], int(seat["number"] or 0), cast("Decision", words.verb), values, to)

    def play(self, trial: Trial) -> None:
        """See Deed."""
        remark = "as tried" if self.decision in ("reject", "return", "object") else ""
        task, form = self.task(trial), None
        if self.values:
            read = trial.read_form(dict(self.values), whole=True)
            form = {name: read.get(name) for name, _ in self.values}
        trial.do(Decide(actor=task.person, task=task.id, decision=self.decision, remark=remark, to=self.to, form=form))

    def task(self, trial: Trial) -> Task:
        """The task that is decided on; NotPossible where nobody of the step is, or was, asked in this round."""
        seats = [t for t in trial.case.tasks if t.step == self.step and t.round == trial.case.round]
        if self.decision == "read":
            seats = [task for task in trial.case.tasks if task.step == self.step]
        if self.seat and self.seat <= len(seats):
            return seats[self.seat - 1]
        if self.seat or not seats:
            asked = ", ".join(dict.fromkeys(task.step for task in trial.open_tasks())) or "nothing"
            state = f"{self.step} has no {_nth(self.seat)} person" if seats else f"nobody is asked at {self.step}"
            raise NotPossible(action=self.decision, state=state, possible=f"decide at {asked}")
        return next((task for task in seats if task.state == "open"), seats[-1])


@dataclass(frozen=True, slots=True)
class Performs(Deed):
    """A holder of a role does an event that the definition's own lifecycle declares."""

    verbs = ("does",)
    form = "ROLE does EVENT, by their names in the lifecycle"
    of_step = True

    role: str = ""
    event: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        if len(words.rest) != 1 or words.values is not None:
            raise Unreadable("what is done is one event", f"write {cls.form}")
        return cls(words.subject, words.rest[0])

    def play(self, trial: Trial) -> None:
        """See Deed."""
        actor = next(iter(holders(trial.process, trial.case, self.role)), "")
        trial.do(Perform(actor=actor, event=self.event, role=self.role, remark="as tried"))


@dataclass(frozen=True, slots=True)
class Submits(Deed):
    """The submitter submits, or submits again with changed values: `submit {budget: 500.00}`."""

    verbs = ("submit",)
    form = "submit, or submit {FIELD: VALUE}"

    values: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        if words.rest:
            raise Unreadable("changed values stand in braces", f"write {cls.form}")
        return cls(tuple((words.values or {}).items()))

    def play(self, trial: Trial) -> None:
        """See Deed. InvalidForm where the form does not pass its own checks."""
        trial.submit(trial.read_form(dict(self.values), whole=True))


@dataclass(frozen=True, slots=True)
class _Changes(Deed):
    """The submitter gives fields other values, which stand in braces."""

    values: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        if words.rest or not words.values:
            raise Unreadable("changed values stand in braces", f"write {cls.form}")
        return cls(tuple(words.values.items()))


@dataclass(frozen=True, slots=True)
class Edits(_Changes):
    """The submitter saves changed values without submitting: `edit {reach: 50}`."""

    verbs = ("edit",)
    form = "edit {FIELD: VALUE}"

    def play(self, trial: Trial) -> None:
        """See Deed."""
        trial.do(Edit(actor=trial.submitter, form=trial.read_form(dict(self.values), whole=False)))


@dataclass(frozen=True, slots=True)
class Withdraws(Deed):
    """The submitter takes the case back: for good (`withdraw`), or to change it (`recall`)."""

    verbs = ("withdraw", "recall")
    form = "withdraw, recall"

    again: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        if words.rest or words.values is not None:
            raise Unreadable(f"nothing follows {words.verb}", f"write {cls.form}")
        return cls(words.verb == "recall")

    def play(self, trial: Trial) -> None:
        """See Deed."""
        trial.do(Withdraw(actor=trial.submitter, reason="as tried", again=self.again))


@dataclass(frozen=True, slots=True)
class Converts(Deed):
    """A superior makes the filing a case for approval, while it is open or once it took effect."""

    verbs = ("converts",)
    form = "superior converts"
    by = ("superior",)

    def play(self, trial: Trial) -> None:
        """See Deed."""
        trial.convert()


@dataclass(frozen=True, slots=True)
class Waits(Deed):
    """Time passes; what falls due meanwhile happens."""

    verbs = ("wait",)
    form = "wait 3wd (working days), wait 72h"

    span: Duration

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        try:
            (span,) = words.rest
            return cls(Duration.parse(span))
        except ValueError:
            raise Unreadable("how long is written as 3wd, 2d, 72h, 30m or 10s", f"write {cls.form}") from None

    def play(self, trial: Trial) -> None:
        """See Deed."""
        trial.wait(self.span)


@dataclass(frozen=True, slots=True)
class Freezes(Deed):
    """The target customers are selected and frozen: how many, and how many of the control group. Or it fails."""

    verbs = ("freeze",)
    form = "freeze 950/50 (target/control), or freeze fails"

    target: int = 0
    control: int = 0
    fails: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        if words.rest == ("fails",):
            return cls(fails=True)
        match = _COUNTS.fullmatch("".join(words.rest))
        if match is None:
            raise Unreadable("the frozen list has a target and a control group", f"write {cls.form}")
        return cls(int(match["target"]), int(match["control"] or 0))

    def play(self, trial: Trial) -> None:
        """See Deed."""
        if self.fails:
            trial.do(AudienceFailed(actor="system", via="timer", reason="as tried"))
            return
        target, control = self.target, self.control
        trial.do(
            AudienceFrozen(actor="system", via="timer", snapshot="trial", digest="", target=target, control=control)
        )


@dataclass(frozen=True, slots=True)
class SelectsAgain(Deed):
    """The submitter has a failed selection tried again."""

    verbs = ("select",)
    form = "select"

    def play(self, trial: Trial) -> None:
        """See Deed."""
        trial.do(SelectAgain(actor=trial.submitter))


@dataclass(frozen=True, slots=True)
class Starts(Deed):
    """The submitter starts the waves."""

    verbs = ("start",)
    form = "start"

    def play(self, trial: Trial) -> None:
        """See Deed."""
        trial.do(StartDelivery(actor=trial.submitter, recipients=trial.case.facts.get("target", 0)))


@dataclass(frozen=True, slots=True)
class Pauses(Deed):
    """The submitter holds the waves, or goes on with them."""

    verbs = ("pause", "resume")
    form = "pause, resume"

    again: bool = False

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        if words.rest or words.values is not None:
            raise Unreadable(f"nothing follows {words.verb}", f"write {cls.form}")
        return cls(words.verb == "resume")

    def play(self, trial: Trial) -> None:
        """See Deed."""
        actor = trial.submitter
        trial.do(ResumeDelivery(actor=actor) if self.again else PauseDelivery(actor=actor, reason="as tried"))


@dataclass(frozen=True, slots=True)
class Widens(_Changes):
    """The submitter asks for more while the delivery is paused; `withdraw` takes that back."""

    verbs = ("widen",)
    form = "widen {FIELD: VALUE}"

    def play(self, trial: Trial) -> None:
        """See Deed. InvalidForm where it may not be asked for."""
        read = trial.read_form(dict(self.values), whole=True)
        wanted = {name: read.get(name) for name, _ in self.values}
        trial.do(Widen(actor=trial.submitter, form=wanted, reason="as tried"))


@dataclass(frozen=True, slots=True)
class Delivers(Deed):
    """Every recipient is settled."""

    verbs = ("deliver",)
    form = "deliver"

    def play(self, trial: Trial) -> None:
        """See Deed."""
        sums = {"delivered": trial.case.facts.get("target", 0)}
        trial.do(DeliveryFinished(actor="system", via="timer", sums=sums))


@dataclass(frozen=True, slots=True)
class Evaluates(Deed):
    """The next planned evaluation falls due and is there."""

    verbs = ("evaluate",)
    form = "evaluate"

    def play(self, trial: Trial) -> None:
        """See Deed. NotPossible where none is planned any more."""
        while not (due := next(_unanswered(trial), None)):
            if not any(timer.name.startswith("evaluate:") for timer in trial.case.timers):
                raise NotPossible(action="evaluate", state=trial.case.state, possible="what the state allows")
            trial.wait_for_next()
        trial.do(
            Evaluated(
                actor="system", via="timer", label=due.label, digest="trial", verdict="no_difference", last=due.last
            )
        )


@dataclass(frozen=True, slots=True)
class Closes(Deed):
    """The submitter signs the case off."""

    verbs = ("close",)
    form = "close"

    def play(self, trial: Trial) -> None:
        """See Deed."""
        trial.do(Close(actor=trial.submitter, lessons="as tried"))


def _unanswered(trial: Trial) -> Iterator[Evaluate]:
    known = trial.case.facts.get("evaluations", {})
    return (effect for effect in trial.effects if isinstance(effect, Evaluate) and effect.label not in known)


def _nth(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")

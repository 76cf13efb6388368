"""The kinds of state a case can be in: what entering and leaving each does, and which commands it takes.

A kind records what happened in the journal and names the event that moves the chart; it never moves it itself. To add
a kind, write its class here or beside `steps` and name it in the union of `lifecycle`.
"""

from msgspec import Struct

from engine.errors import ChangedMeanwhile, InvalidForm, NotFound, Problem
from engine.machine import drifting, expiring, wider
from engine.machine.aspects import digests
from engine.machine.case import Case, Timer
from engine.machine.commands import (
    AnyCommand,
    AudienceFailed,
    AudienceFrozen,
    Close,
    DeliveryFinished,
    Edit,
    Evaluated,
    PauseDelivery,
    ResumeDelivery,
    SelectAgain,
    StartDelivery,
    Submit,
    TextDecided,
)
from engine.machine.journal import Journal
from engine.machine.outcome import (
    BeginDelivery,
    Evaluate,
    Flagged,
    FormSaved,
    Funded,
    HoldDelivery,
    Noted,
    Returned,
    SelectAudience,
    Submitted,
    Turned,
)
from engine.values import Duration, digest_of

SUSPENDED = "suspended"
"""The state of a case on hold. It stays in its configuration, and goes on from it."""


EFFECTIVE = ("approved", "filed", "targeting", "ready", "delivering", "paused")
DELIVERING, PAUSED = "delivering", "paused"
SENDING = (DELIVERING, PAUSED)
TEXTS = "texts"
"""The fact which text the test of each wave has found, by the wave's name."""
LET_GO = "let_go"
"""The fact which waves go out although their list is stale, by name with the reason."""


class Refusal(Exception):
    """The command is not possible in this state; `advance` says what is."""


class Kind(Struct, frozen=True):
    """What every kind answers. A kind overrides what it does more than nothing at."""

    @property
    def spans(self) -> tuple[Duration, ...]:
        """How long the people have who are asked here: the earliest end is their deadline; none without any."""
        return ()

    def actions(self, case: Case) -> tuple[str, ...]:
        """What people may do now, in the words of pages."""
        return ()

    def enter(self, journal: Journal, state: str) -> None:
        """The chart has come to `state`."""

    def leave(self, journal: Journal, state: str) -> None:
        """The chart leaves `state`."""

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """Take a command: record what it means and return the event that moves the chart, empty where it stays."""
        raise Refusal

    def fire(self, journal: Journal, timer: Timer, state: str) -> str:
        """A timer of this state is due; it is disarmed already. Returns as `take`."""
        return ""


class Form(Kind, frozen=True):
    """The submitter writes: a draft, or a returned case (`occasion` is what the submitter is told on the way in)."""

    occasion: str = ""

    def actions(self, case: Case) -> tuple[str, ...]:
        """See Kind."""
        return ("edit", "submit")

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        step, _ = journal.cause
        if self.occasion and step:
            journal.record(Returned(step, journal.command.actor))
        if self.occasion:
            journal.tell_submitter(self.occasion, journal.remark())

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """See Kind."""
        match command:
            case Edit():
                only_submitter(journal)
                _save(journal, command)
                return ""
            case Submit():
                only_submitter(journal)
                _save(journal, command)
                return submit(journal, command)
            case _:
                raise Refusal


class Approving(Kind, frozen=True):
    """A chain is under way; its steps take the decisions."""

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind. A lifecycle may come to its chain again without a submission, after it was held: that is a round of
        its own, because nobody is asked twice at a step in one. What stands, the policy for returns says."""
        case = journal.case
        if any(task.round == case.round and task.verb in ("approve", "file") for task in case.tasks):
            kept = journal.process.standing(case, "")
            journal.record(Turned(case.round + 1, "", "again", journal.command.actor, standing=kept))


class Effective(Kind, frozen=True):
    """Approved or filed (生效). `last`: no stage follows, so the submitter closes the case from here."""

    occasion: str
    last: bool

    def actions(self, case: Case) -> tuple[str, ...]:
        """See Kind."""
        return ("close",) if self.last else ()

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        expiring.over(journal)
        journal.tell_submitter(self.occasion)

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """See Kind."""
        if not (self.last and isinstance(command, Close)):
            raise Refusal
        return close(journal, command)


class Audience(Kind, frozen=True):
    """The target customers are being selected and frozen. A failed selection stays here until it is tried again.

    A list that drifted and was approved as it is serves without another selection.
    """

    tolerance: drifting.Tolerance | None = None

    def actions(self, case: Case) -> tuple[str, ...]:
        """See Kind."""
        return ("select",) if case.facts.get("audience_failed") else ()

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        if drifting.is_approved(journal.case):
            journal.raised.append(("frozen", ("", "")))
        else:
            journal.ask(SelectAudience())

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """See Kind."""
        match command:
            case AudienceFrozen():
                counts = {"target": command.target, "control": command.control}
                frozen = {"snapshot": command.snapshot, "digest": command.digest}
                anew = {drifting.ANEW: False} if journal.case.facts.get(drifting.ANEW) else {}
                journal.record(Noted({**frozen, **counts, "audience_failed": "", **anew}))
                drift = self.tolerance.exceeded(journal.case, command.target) if self.tolerance else None
                return drifting.reopen(journal, drift) if drift else "frozen"
            case AudienceFailed():
                journal.record(Noted({"audience_failed": command.reason}))
                journal.tell_submitter("failed", command.reason)
                return ""
            case SelectAgain() if journal.case.facts.get("audience_failed"):
                only_submitter(journal)
                journal.record(Noted({"audience_failed": ""}))
                journal.ask(SelectAudience())
                return ""
            case _:
                raise Refusal


class Ready(Kind, frozen=True):
    """The audience is frozen; the submitter's word starts the waves. `reselects`: a stale list may be selected anew."""

    reselects: bool = False

    def actions(self, case: Case) -> tuple[str, ...]:
        """See Kind."""
        return ("start",)

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        journal.tell_submitter("ready")

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """See Kind."""
        match command:
            case StartDelivery():
                only_submitter(journal)
                if command.recipients != journal.case.facts.get("target", 0):
                    raise ChangedMeanwhile()
                _let_go(journal, command)
                journal.ask(BeginDelivery())
                return "start"
            case SelectAgain() if self.reselects:
                only_submitter(journal)
                return drifting.select_anew(journal)
            case _:
                raise Refusal


class Delivery(Kind, frozen=True):
    """Waves go out; `paused` is the same, held. Receipts that are still out may end it in either. `widens`: while it is
    held, the submitter may ask for more."""

    paused: bool = False
    widens: bool = False

    def actions(self, case: Case) -> tuple[str, ...]:
        """See Kind."""
        if not self.paused:
            return ("pause",)
        return ("resume", "widen") if self.widens else ("resume",)

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        wider.come_back(journal, granted=not self.paused)

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """See Kind."""
        match command:
            case PauseDelivery() if not self.paused:
                if command.via == "timer":
                    journal.tell_submitter("failed", command.reason)  # a person pauses knowing it, a rule does not ask
                journal.ask(HoldDelivery("pause"))
                return "pause"
            case ResumeDelivery() if self.paused:
                _let_go(journal, command)
                journal.ask(HoldDelivery("resume"))
                return "resume"
            case TextDecided():
                _decide_text(journal, command)
                return ""
            case DeliveryFinished():
                journal.record(Noted({"sums": command.sums, "delivered_at": journal.now.isoformat()}))
                return "delivered"
            case _:
                raise Refusal


CLOSE_OUT = "close_out:"
REMINDED_AFTER = Duration(5, "wd")
REMINDED = 3


class Evaluation(Kind, frozen=True):
    """The effect is measured at each time of `at` after the delivery. After the last the submitter signs the report and
    closes the case, and is reminded where they do not; without `signed` the case is closed by itself."""

    at: tuple[Duration, ...] = ()
    signed: bool = True

    def actions(self, case: Case) -> tuple[str, ...]:
        """See Kind."""
        return ("close",) if self.is_over(case) else ()

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        for after in self.at:
            journal.arm(f"evaluate:{after}", after)

    def leave(self, journal: Journal, state: str) -> None:
        """See Kind."""
        journal.disarm(journal.timers_of(""))

    def fire(self, journal: Journal, timer: Timer, state: str) -> str:
        """See Kind."""
        label = timer.name.partition(":")[2]
        if timer.name.startswith(CLOSE_OUT):
            journal.tell_submitter("evaluated")
            if int(label) < REMINDED:
                journal.arm(f"{CLOSE_OUT}{int(label) + 1}", REMINDED_AFTER)
            return ""
        last = not any(other.name.startswith("evaluate:") for other in journal.timers_of(""))
        journal.ask(Evaluate(label, last))
        return ""

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """See Kind."""
        match command:
            case Evaluated():
                known = journal.case.facts.get("evaluations", {})
                found = {"digest": command.digest, "verdict": command.verdict}
                journal.record(Noted({"evaluations": {**known, command.label: found}}))
                was_over = bool(journal.case.facts.get("evaluated_last"))
                if was_over or not self.is_over(journal.case):
                    return ""
                journal.record(Noted({"evaluated_last": True}))
                journal.tell_submitter("evaluated")
                if not self.signed:
                    return "close"
                journal.arm(f"{CLOSE_OUT}1", REMINDED_AFTER)
                return ""
            case Close() if self.is_over(journal.case):
                return close(journal, command)
            case _:
                raise Refusal

    def is_over(self, case: Case) -> bool:
        """Whether every planned evaluation is there."""
        known = case.facts.get("evaluations", {})
        return all(str(after) in known for after in self.at)


class Ended(Kind, frozen=True):
    """Closed, rejected or withdrawn: nothing more happens. `occasion` is what the submitter is told."""

    occasion: str = ""

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        expiring.over(journal)
        if self.occasion:
            journal.tell_submitter(self.occasion, journal.remark())


def only_submitter(journal: Journal) -> None:
    """Raise NotFound for anybody but the submitter."""
    if journal.command.actor != journal.case.submitter:
        raise NotFound()


def submit(journal: Journal, command: Submit) -> str:
    """Begin a round on the chain that the route table chooses; a resubmitted case keeps its number.

    InvalidForm where every step of that chain is left out: nothing is approved in silence.
    """
    if command.fund != journal.case.fund:
        journal.record(Funded(command.fund))
    case, process = journal.case, journal.process
    values = journal.values()
    if drifting.is_approved(case) and (problems := process.wrong(case.judged)):
        raise InvalidForm(problems)  # what was counted breaks a rule; a change of the material has it counted again
    if command.splitting != case.splitting:
        journal.record(Flagged(command.splitting))
    material = digest_of({name: case.judged.get(name) for name in process.material})
    if not process.route:  # a lifecycle without approval chains
        journal.record(Submitted(case.number or command.number, case.round + 1, "", material))
        return "submit"
    route, reasons = process.choose(values)
    if not process.is_decided(route, values):
        raise nobody_decides(route)
    standing = process.standing(case, case.returned_at)
    journal.record(
        Submitted(case.number or command.number, case.round + 1, route, material, reasons, standing, process.resume)
    )
    expiring.begin(journal)
    return f"submit.{route}"


def nobody_decides(chain: str) -> InvalidForm:
    """Every step of the chain that would decide is left out for this form."""
    hint = "its author should let one step stand without a condition"
    return InvalidForm([Problem("nobody_decides", f"the definition lets nobody decide on this case ({chain})", hint)])


def close(journal: Journal, command: Close) -> str:
    """The submitter signs the case off, with the report where there is one."""
    only_submitter(journal)
    journal.record(Noted({"lessons": command.lessons}))
    if command.report:
        said = {"worked": command.worked, "failed": command.failed, "repeat": command.repeat}
        signed = {"report": command.report, "by": command.actor, "at": journal.now.isoformat()}
        journal.record(Noted({"signed": {**signed, **said}}))
    return "close"


def _decide_text(journal: Journal, command: TextDecided) -> None:
    """The text of a test is found once; a person who chooses it says why."""
    known = journal.case.facts.get(TEXTS) or {}
    if command.wave in known:
        raise Refusal
    if command.how == "person":
        only_submitter(journal)
    said = {"variant": command.variant, "how": command.how, "by": command.actor, "at": journal.now.isoformat()}
    numbers = {"reason": command.reason, "found": command.found, "digest": command.digest}
    journal.record(Noted({TEXTS: {**known, command.wave: {**said, **numbers}}}))


def _let_go(journal: Journal, command: StartDelivery | ResumeDelivery) -> None:
    """A wave goes out although its list is stale, for a reason; that wave alone."""
    if command.reason:
        journal.record(Noted({LET_GO: {**journal.case.facts.get(LET_GO, {}), command.wave: command.reason}}))


def _save(journal: Journal, command: Edit | Submit) -> None:
    if command.form != journal.case.form or command.actor != journal.case.editor:
        aspects = journal.process.looked_at
        material = digests(aspects, journal.case.form) != digests(aspects, command.form)
        journal.record(FormSaved(command.form, command.actor, material))


def held_state(case: Case) -> str:
    """Where the case is, also while it is suspended."""
    return str(case.facts["suspended"]["state"]) if case.state == SUSPENDED else case.state


def is_sending(case: Case) -> bool:
    """Whether its waves have begun: they go out, or are held, perhaps while more is asked for."""
    return held_state(case) in SENDING or wider.is_widening(case)


def end_sending(journal: Journal) -> None:
    """No wave goes on once the case ends."""
    if is_sending(journal.case):
        journal.ask(HoldDelivery("cancel"))
        wider.drop(journal)

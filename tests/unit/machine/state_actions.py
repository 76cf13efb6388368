"""Every action, by the person who may do it if anybody may, and a case in every state of the usual lifecycle."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from engine.machine.case import Case, ProcessRef, Task
from engine.machine.chains import Column, Countersign
from engine.machine.commands import (
    AddChild,
    AddSigners,
    Answer,
    AnyCommand,
    Append,
    Ask,
    AudienceFailed,
    AudienceFrozen,
    Cancel,
    ChildMoved,
    Claim,
    Close,
    CopyTo,
    Decide,
    Delegate,
    DeliveryFinished,
    Edit,
    Evaluated,
    HandOver,
    Hold,
    Migrate,
    Operate,
    PauseDelivery,
    Perform,
    Recount,
    Release,
    RemoveSigner,
    Reorganise,
    ResumeDelivery,
    SelectAgain,
    StartDelivery,
    Submit,
    TextDecided,
    TimerFired,
    Transfer,
    Widen,
    Withdraw,
)
from engine.machine.lifecycle import Stages
from engine.machine.outcome import Outcome
from engine.machine.process import Process, Row
from engine.machine.tally import InSequence
from tests.unit.machine.trial import LARGE, MIDDLE, PEOPLE, REF, SMALL, Trial, approve, copy, file, process, rule

ABOVE = replace(PEOPLE, heads=("city_head", "province_head"))
ANYWHERE = ("submitter", "previous", "any")
CHAINS: dict[str, tuple[Column, ...]] = {
    "to_city": (
        approve("county_head", "head@county"),
        copy("finance_copy", "role:finance@city"),
        Countersign(
            "city_countersign",
            (
                approve("city_finance", "role:finance@city", claim=True, return_to=ANYWHERE),
                approve("city_service", "role:service@city", InSequence()),
            ),
        ),
        approve("city_vp", "role:vp_market@city"),
        file("province_register", "role:marketing@province"),
    ),
    "file_city": (
        file("city_register", "role:marketing@city", window="2wd", objection="to_city", conversion="to_city"),
    ),
}
ROUTE = (Row("file_city", rule("form.budget <= 5000")), Row("to_city"))
FROZEN = AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100)
STARTED = StartDelivery(actor="clerk", recipients=900)
DELIVERED = DeliveryFinished(actor="system", sums={"delivered": 890, "failed": 10})
WHY = "because"
HELD = PauseDelivery(actor="clerk", reason=WHY)
MORE = Widen(actor="clerk", form={"budget": 90_000}, reason=WHY)


class Told(Trial):
    """A case that keeps what was asked of it, so that a store can be told the same."""

    def __init__(self, running: Process) -> None:
        super().__init__(running)
        self.done: list[tuple[AnyCommand, Outcome]] = []

    def do(self, command: AnyCommand) -> Outcome:
        came = super().do(command)
        self.done.append((command, came))
        return came


def evaluated(label: str) -> Evaluated:
    return Evaluated(actor="system", label=label, digest="e", verdict="works", last=label == "30d")


def operated(trial: Told, operation: str, by: str = "admin") -> Told:
    trial.do(Operate(actor=by, operation=operation, reason=WHY))
    return trial


def held(trial: Told) -> Told:
    trial.do(Hold(actor="system", still=True))
    return trial


def began(form: dict[str, int] = MIDDLE, **choices: object) -> Told:
    trial = Told(process(CHAINS, route=ROUTE, people=ABOVE, **choices))  # type: ignore[arg-type]  # the choices of `process`, by name
    trial.submit(form)
    return trial


def signing(command: Callable[[str], AnyCommand]) -> Told:
    """The case at its countersign, where one of those asked did something with their task."""
    trial = began(LARGE)
    trial.approve("county_head")
    task = trial.open_tasks("city_finance")[0]
    trial.do(command(task.id))
    return trial


def approved(*more: AnyCommand) -> Told:
    """The case approved, and what happened after that."""
    trial = began()
    trial.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
    trial.decide("mkt_prov_a", "acknowledge")
    for command in more:
        trial.do(command)
    return trial


def decided(decision: str) -> Told:
    trial = began()
    trial.decide("county_head", decision)  # type: ignore[arg-type]  # a word of Decision
    return trial


def withdrawn() -> Told:
    trial = began()
    trial.withdraw()
    return trial


def waited(trial: Told, span: str) -> Told:
    trial.wait(span)
    return trial


def effective(form: dict[str, int]) -> Told:
    """A case without stages, once it has taken effect."""
    trial = began(form, stages=Stages())
    if form == SMALL:
        trial.decide("mkt_city", "acknowledge")
    else:
        trial.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
        trial.decide("mkt_prov_a", "acknowledge")
    return trial


STATES: Mapping[str, Callable[[], Told]] = {
    "draft": lambda: Told(process(CHAINS, route=ROUTE, people=ABOVE)),
    "approving: one person asked": began,
    "approving: countersign, a pool asked": lambda: signing(
        lambda task: CopyTo(actor="fin_a", task=task, people=("net_b",))
    ),
    "approving: the pool's task claimed": lambda: signing(lambda task: Claim(actor="fin_a", task=task)),
    "approving: a signer added": lambda: signing(
        lambda task: AddSigners(actor="fin_a", task=task, people=("net_b",), place="before", remark=WHY)
    ),
    "approving: a question open": lambda: signing(
        lambda task: Ask(actor="fin_a", task=task, person="net_b", text="how many?")
    ),
    "approving: filing": lambda: began(SMALL),
    "approving: filing, objections still possible": lambda: waited(began(SMALL), "5wd"),
    "returned": lambda: decided("return"),
    "targeting": approved,
    "targeting: selection failed": lambda: approved(AudienceFailed(actor="system", reason="no room")),
    "ready": lambda: approved(FROZEN),
    "delivering": lambda: approved(FROZEN, STARTED),
    "paused": lambda: approved(FROZEN, STARTED, HELD),
    "approving: more asked for while paused": lambda: approved(FROZEN, STARTED, HELD, MORE),
    "evaluating": lambda: approved(FROZEN, STARTED, DELIVERED),
    "evaluating: all reports in": lambda: approved(FROZEN, STARTED, DELIVERED, evaluated("7d"), evaluated("30d")),
    "approved, without stages": lambda: effective(MIDDLE),
    "filed, without stages": lambda: effective(SMALL),
    "suspended": lambda: operated(began(), "suspend"),
    "suspended with its parent": lambda: held(began()),
    "closed": lambda: approved(
        FROZEN, STARTED, DELIVERED, evaluated("7d"), evaluated("30d"), Close(actor="clerk", lessons=WHY)
    ),
    "rejected": lambda: decided("reject"),
    "withdrawn": withdrawn,
    "cancelled": lambda: operated(began(), "terminate"),
    "voided": lambda: operated(approved(), "void"),
    "expired": lambda: waited(began(expires="30wd"), "40wd"),
}


def _task(case: Case, verb: str = "") -> Task | None:
    """Whom a decision is about: somebody who is asked now, else whoever was asked last."""
    tasks = [task for task in case.tasks if task.signs and verb in ("", task.verb)]
    return next((task for task in tasks if task.state == "open"), tasks[-1] if tasks else None)


def _decide(decision: str, **more: str) -> Callable[[Case], AnyCommand]:
    def command(case: Case) -> AnyCommand:
        task = _task(case)
        who, known = (task.person, task.id) if task else ("county_head", "none")
        return Decide(actor=who, task=known, decision=decision, remark=WHY, **more)  # type: ignore[arg-type]  # a word of Decision

    return command


def _on_task(kind: Callable[..., AnyCommand], **more: object) -> Callable[[Case], AnyCommand]:
    def command(case: Case) -> AnyCommand:
        task = _task(case)
        who, known = (task.person, task.id) if task else ("county_head", "none")
        return kind(actor=who, task=known, remark=WHY, **more)

    return command


def _read(case: Case) -> AnyCommand:
    task = next((task for task in case.tasks if task.verb == "copy"), None)
    who, known = (task.person, task.id) if task else ("net_b", "none")
    return Decide(actor=who, task=known, decision="read")


def _remove(case: Case) -> AnyCommand:
    seat = next((task for task in case.tasks if task.of and task.signs), None)
    task = next((task for task in case.tasks if seat and task.id == seat.of), _task(case))
    who, known = (task.person, task.id) if task else ("county_head", "none")
    return RemoveSigner(actor=who, task=known, remark=WHY, seat=seat.id if seat else "none")


def _answer(case: Case) -> AnyCommand:
    question = next(iter(case.questions), None)
    return Answer(
        actor=question.person if question else "net_b", question=question.id if question else "none", text="9"
    )


def _fired(case: Case) -> AnyCommand:
    due = min(case.timers, key=lambda timer: timer.due_at, default=None)
    key, name, step = (due.key, due.name, due.step) if due else ("none", "remind", "")
    return TimerFired(actor="system", via="timer", key=key, name=name, step=step)


def _hand_over(case: Case) -> AnyCommand:
    task = _task(case)
    return HandOver(actor="admin", on_behalf_of=task.person if task else "county_head", to="mkt_prov_b", remark=WHY)


def _operate(operation: str, by: str = "admin", to: str = "") -> Callable[[Case], AnyCommand]:
    return lambda _: Operate(actor=by, operation=operation, reason=WHY, to=to)


def _take_back(case: Case) -> AnyCommand:
    done = max(
        (task for task in case.tasks if task.decided_at and task.decision),
        key=lambda task: task.decided_at,
        default=None,
    )  # type: ignore[arg-type, return-value]  # only those with a time
    return Operate(actor=done.person if done else "county_head", operation="take_back")


def _always(command: AnyCommand) -> Callable[[Case], AnyCommand]:
    return lambda _: command


ACTIONS: Mapping[str, Callable[[Case], AnyCommand]] = {
    "edit": _always(Edit(actor="clerk", form=LARGE | {"title": 7})),
    "submit": _always(Submit(actor="clerk", form=dict(MIDDLE), number="c1-2026-00001")),
    "withdraw": _always(Withdraw(actor="clerk", reason=WHY)),
    "withdraw to change": _always(Withdraw(actor="clerk", reason=WHY, again=True)),
    "approve": _decide("approve"),
    "reject": _decide("reject"),
    "return": _decide("return"),
    "return to the step before": _decide("return", to="previous"),
    "acknowledge": _decide("acknowledge"),
    "object": _decide("object"),
    "abstain": _decide("abstain"),
    "read a copy": _read,
    "transfer": _on_task(Transfer, to="mkt_prov_b"),
    "delegate": _on_task(Delegate, to="mkt_prov_b"),
    "add a signer before": _on_task(AddSigners, people=("mkt_prov_b",), place="before"),
    "add a signer after": _on_task(AddSigners, people=("mkt_prov_b",), place="after"),
    "add a signer beside": _on_task(AddSigners, people=("mkt_prov_b",), place="beside"),
    "append": _on_task(Append, people=("mkt_prov_b",)),
    "remove a signer": _remove,
    "copy": _on_task(CopyTo, people=("mkt_prov_b",)),
    "claim": _on_task(Claim),
    "release": _on_task(Release),
    "ask": _on_task(Ask, person="mkt_prov_b", text="why?"),
    "answer": _answer,
    "terminate": _operate("terminate"),
    "void": _operate("void"),
    "suspend": _operate("suspend"),
    "activate": _operate("activate"),
    "wake": _operate("wake"),
    "jump": _operate("jump", to="city_vp"),
    "convert": _operate("convert", by="city_head"),
    "take back": _take_back,
    "urge": _operate("urge", by="clerk"),
    "a timer fires": _fired,
    "the organisation changed": _always(Reorganise(actor="system")),
    "the working days changed": _always(Recount(actor="system")),
    "hand over": _hand_over,
    "move to another version": _always(Migrate(actor="admin", to=ProcessRef(REF.name, 2, "e" * 64))),
    "audience frozen": _always(FROZEN),
    "selection failed": _always(AudienceFailed(actor="system", reason="no room")),
    "select again": _always(SelectAgain(actor="clerk")),
    "start the delivery": _always(STARTED),
    "pause the delivery": _always(PauseDelivery(actor="clerk", reason=WHY)),
    "choose the text": _always(
        TextDecided(actor="clerk", wave="pilot", variant="a", how="person", found={}, digest="f", reason=WHY)
    ),
    "resume the delivery": _always(ResumeDelivery(actor="clerk")),
    "ask for more": _always(MORE),
    "delivery finished": _always(DELIVERED),
    "evaluated": _always(evaluated("7d")),
    "last evaluation": _always(evaluated("30d")),
    "close": _always(Close(actor="clerk", lessons=WHY)),
    "do a declared event": _always(Perform(actor="clerk", event="clear")),
    "a child case moved": _always(ChildMoved(actor="system", child="none", state="closed", seq=9, ended=True)),
    "open a child case": _always(AddChild(actor="clerk", place="none")),
    "its parent ends it": _always(Cancel(actor="system", reason=WHY)),
    "its parent is suspended": _always(Hold(actor="system", still=True)),
    "its parent goes on": _always(Hold(actor="system", still=False)),
}

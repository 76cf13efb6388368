"""The 38 operations of an approval, each carried out as real transitions on both databases.

Each is one short run of the machine through the case database: what is loaded back is the case that the next command
meets, and at the end its history rebuilds it and verifies.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import Struct

from engine.machine import commands as c
from engine.machine.advance import advance, create
from engine.machine.chains import Countersign
from engine.machine.commands import AnyCommand, Create
from engine.machine.deadlines import Timeout
from engine.machine.evolve import empty_case
from engine.machine.lifecycle import Stages
from engine.machine.outcome import Outcome
from engine.machine.process import Process
from engine.machine.replay import replay
from engine.machine.tally import AllOf, AnyOf, InSequence, Quorum, Vote
from engine.store import cases, history
from engine.store.rows import Decided
from engine.store.session import Database
from engine.values import Duration
from tests.unit.machine.trial import MIDDLE, MONDAY, PEOPLE, REF, Trial, approve, process

ANY = ("submitter", "previous", "any")
REPRESENTED = replace(PEOPLE, represented={"fin_a": ("deputy",)})


class Durable(Trial):
    """A trial whose every command is a transaction of the case database."""

    def __init__(self, db: Database, running: Process) -> None:
        self.db = db
        super().__init__(running)
        command = Create(actor="clerk", office="c1")
        cases.create(db, "", lambda _tx: Decided(command, create("case1", REF, command, self.now)))

    def do(self, command: AnyCommand) -> Outcome:
        outcome: list[Outcome] = []

        def decide(locked: cases.Locked) -> Decided:
            assert locked.case == self.case
            outcome.append(advance(self.process, locked.case, command, self.now))
            return Decided(command, outcome[-1])

        cases.transition(self.db, "case1", "", decide)
        self.keep(outcome[-1])
        with self.db.read() as tx:
            assert cases.load(tx, "case1") == self.case
        return outcome[-1]

    def on_task(self, person: str, command: type[c.OnTask], **fields: Any) -> None:
        task = [task for task in self.case.tasks if task.person == person][-1]
        self.do(command(actor=person, task=task.id, **{"remark": "because", **fields}))

    def sent_back(self, person: str, to: str) -> None:
        task = next(task for task in self.open_tasks() if task.person == person)
        self.do(c.Decide(actor=person, task=task.id, decision="return", remark="because", to=to))

    def on_case(self, operation: str, by: str = "admin", **fields: Any) -> None:
        self.do(c.Operate(actor=by, operation=operation, reason="because", **fields))


def board(tally: Any = None, **more: Any) -> Process:
    """One step that asks three people of finance, and the end."""
    return process(
        {"only": (approve("board", "role:finance@city", tally, **more),)}, stages=Stages(), people=REPRESENTED
    )


def ladder(resume: Any = "restart", **aspects: tuple[str, ...]) -> Process:
    """Four steps, the second a countersign of two, each of which may return the case anywhere."""
    looks = ("reach",) if aspects else ()
    chain = (
        approve("one", "head@county", return_to=ANY),
        Countersign(
            "both",
            (
                approve("network", "role:network@city", AllOf(), return_to=ANY, aspects=looks),
                approve("vp", "role:vp_market@city", return_to=ANY, aspects=looks),
            ),
        ),
        approve("three", "role:marketing@province", return_to=ANY),
    )
    return replace(process({"only": chain}, stages=Stages()), resume=resume, aspects=aspects)


class Always(Struct, frozen=True):
    """A limit within which everything lies."""

    def is_within(self, form: dict[str, Any]) -> bool:
        """Whether it is within."""
        return bool(form)


def lapse(do: Any) -> Process:
    return board(timeout=Timeout(remind=(Duration.parse("1wd"),), at=Duration.parse("2wd"), do=do, passes=Always()))


Run = Callable[[Durable], str]


def begun(*people: str) -> Run:
    """Submitted, then approved by these."""

    def run(case: Durable) -> str:
        case.submit()
        case.approve(*people)
        return case.case.state

    return run


def then(*acts: Callable[[Durable], object]) -> Run:
    """Submitted, then what the acts do."""

    def run(case: Durable) -> str:
        case.submit()
        for act in acts:
            act(case)
        return case.case.state

    return run


def yes(*people: str) -> Callable[[Durable], object]:
    return lambda case: case.approve(*people)


def says(person: str, decision: Any) -> Callable[[Durable], object]:
    return lambda case: case.decide(person, decision)


def task(person: str, command: type[c.OnTask], **fields: Any) -> Callable[[Durable], object]:
    return lambda case: case.on_task(person, command, **fields)


def whole(operation: str, by: str = "admin", **fields: Any) -> Callable[[Durable], object]:
    return lambda case: case.on_case(operation, by, **fields)


def back(person: str, to: str) -> Callable[[Durable], object]:
    return lambda case: case.sent_back(person, to)


def asks(*people: str) -> Callable[[Durable], object]:
    """Who is asked now, exactly."""

    def check(case: Durable) -> None:
        assert case.asked() == set(people)

    return check


def again(**changes: Any) -> Callable[[Durable], object]:
    return lambda case: case.submit(MIDDLE | changes)


def after(span: str) -> Callable[[Durable], object]:
    return lambda case: case.wait(span)


def told(person: str, *occasions: str) -> Callable[[Durable], object]:
    def check(case: Durable) -> None:
        assert case.told(person) == list(occasions)

    return check


def withdraw(case: Durable) -> None:
    case.withdraw()


def stood_in(case: Durable) -> None:
    (mine,) = [task for task in case.open_tasks() if task.person == "fin_a"]
    case.do(c.Decide(actor="deputy", on_behalf_of="fin_a", task=mine.id, decision="approve"))
    (done,) = [task for task in case.case.tasks if task.state == "decided"]
    assert (done.person, done.decided_by) == ("fin_a", "deputy")


def handed_over(case: Durable) -> None:
    case.do(c.HandOver(actor="admin", on_behalf_of="fin_a", to="ann", remark="left"))


def taken_back_signer(case: Durable) -> None:
    case.on_task("fin_a", c.AddSigners, people=("ann",), place="before")
    (seat,) = [task.id for task in case.case.tasks if task.person == "ann"]
    case.on_task("fin_a", c.RemoveSigner, seat=seat)


def answered(case: Durable) -> None:
    mine = next(task for task in case.open_tasks() if task.person == "fin_a")
    case.do(c.Ask(actor="fin_a", task=mine.id, person="clerk", text="Why?"))
    case.wait("9d")
    assert case.told("fin_a") == ["task"]
    case.do(c.Answer(actor="clerk", question=case.case.questions[-1].id, text="Because."))
    assert case.timers() == {("board", "remind:1")}


def signers(place: str, *people: str) -> Callable[[Durable], object]:
    return task("fin_a", c.AddSigners, people=people, place=place)


UP = yes("county_head", "net_a", "net_b", "city_vp")
ALL = yes("fin_a", "fin_b", "fin_c")

OPERATIONS: dict[str, tuple[Process, Run, str]] = {
    "any 或签": (board(AnyOf()), begun("fin_b"), "approved"),
    "all 会签": (board(AllOf()), then(yes("fin_a", "fin_b"), asks("fin_c"), yes("fin_c")), "approved"),
    "sequence 顺序签": (
        board(InSequence()),
        then(asks("fin_a"), yes("fin_a"), asks("fin_b"), yes("fin_b", "fin_c")),
        "approved",
    ),
    "quorum n": (board(Quorum(2)), then(says("fin_a", "reject"), yes("fin_b", "fin_c")), "approved"),
    "quorum %": (board(Quorum(percent=60)), begun("fin_a", "fin_c"), "approved"),
    "vote 票签": (board(Vote()), then(says("fin_a", "reject"), yes("fin_b", "fin_c")), "approved"),
    "veto 一票否决": (board(Vote(veto=True)), then(yes("fin_a", "fin_b"), says("fin_c", "reject")), "rejected"),
    "abstain 弃权": (
        board(Vote()),
        then(says("fin_a", "abstain"), yes("fin_b"), asks("fin_c"), yes("fin_c")),
        "approved",
    ),
    "transfer 转办": (
        board(AllOf()),
        then(task("fin_a", c.Transfer, to="ann"), asks("ann", "fin_b", "fin_c"), yes("ann", "fin_b", "fin_c")),
        "approved",
    ),
    "delegate 委派": (
        board(AllOf()),
        then(task("fin_a", c.Delegate, to="ann"), says("ann", "reject"), ALL),
        "approved",
    ),
    "stand-in 代理": (board(AnyOf()), then(stood_in), "approved"),
    "hand-over 离职转办": (board(AllOf()), then(handed_over, yes("ann", "fin_b", "fin_c")), "approved"),
    "signer before 前加签": (
        board(InSequence()),
        then(signers("before", "ann"), asks("ann"), yes("ann"), asks("fin_a"), ALL),
        "approved",
    ),
    "signer after 后加签": (
        board(InSequence()),
        then(signers("after", "ann"), yes("fin_a"), asks("ann"), yes("ann", "fin_b", "fin_c")),
        "approved",
    ),
    "signer beside 并加签": (board(), then(signers("beside", "ann"), yes("fin_a"), yes("ann")), "approved"),
    "remove signer 减签": (board(AllOf()), then(taken_back_signer, asks("fin_a", "fin_b", "fin_c"), ALL), "approved"),
    "append 追加": (
        board(AllOf()),
        then(task("fin_a", c.Append, people=("ann",)), ALL, asks("ann"), yes("ann")),
        "approved",
    ),
    "nested signers 多级加签": (
        board(),
        then(
            signers("before", "ann"),
            task("ann", c.AddSigners, people=("bob",), place="before"),
            yes("bob", "ann", "fin_a"),
        ),
        "approved",
    ),
    "return to the submitter 驳回": (ladder(), then(UP, back("mkt_prov_a", "submitter"), asks()), "returned"),
    "return to the previous step": (
        ladder(),
        then(UP, back("mkt_prov_a", "previous"), asks("net_a", "net_b", "city_vp")),
        "approving",
    ),
    "return to any step, out of a countersign": (
        ladder(),
        then(yes("county_head", "net_a"), back("city_vp", "one"), asks("county_head")),
        "approving",
    ),
    "resume at the returner": (
        ladder("at_returner"),
        then(UP, back("mkt_prov_a", "submitter"), again(), asks("mkt_prov_a", "mkt_prov_b")),
        "approving",
    ),
    "resume from the start": (
        ladder("restart"),
        then(UP, back("mkt_prov_a", "submitter"), again(), asks("county_head")),
        "approving",
    ),
    "resume at what changed": (
        ladder("changed_aspects", reach=("reach",), budget=("budget",)),
        then(
            UP,
            back("mkt_prov_a", "submitter"),
            again(budget=90_000),
            asks("county_head"),
            yes("county_head"),
            asks("mkt_prov_a", "mkt_prov_b"),
        ),
        "approving",
    ),
    "withdraw 撤回": (board(), then(withdraw, asks()), "withdrawn"),
    "take back 拿回": (
        ladder(),
        then(yes("county_head"), whole("take_back", "county_head"), asks("county_head")),
        "approving",
    ),
    "void 作废": (
        process({"only": (approve("board", "role:finance@city"),)}),
        then(yes("fin_a"), whole("void", "clerk")),
        "voided",
    ),
    "terminate 终止": (ladder(), then(yes("county_head"), whole("terminate"), asks()), "cancelled"),
    "suspend 挂起": (ladder(), then(whole("suspend"), after("9d"), told("county_head", "task")), "suspended"),
    "activate 激活": (
        ladder(),
        then(whole("suspend"), after("9d"), whole("activate"), asks("county_head"), yes("county_head")),
        "approving",
    ),
    "wake 唤醒": (
        board(),
        then(says("fin_a", "reject"), whole("wake"), again(), asks("fin_a", "fin_b", "fin_c")),
        "approving",
    ),
    "remind 提醒": (board(AllOf()), then(after("1d"), told("fin_a", "task", "reminder")), "approving"),
    "escalate 升级": (board(), then(after("3d"), asks("city_head"), yes("city_head")), "approved"),
    "auto-return": (lapse("return"), then(after("2d")), "returned"),
    "auto-pass": (lapse("approve"), then(after("2d")), "approved"),
    "copy with receipt 抄送已阅": (
        board(),
        then(task("fin_a", c.CopyTo, people=("ann",)), yes("fin_a"), says("ann", "read")),
        "approved",
    ),
    "question and answer 沟通": (board(), then(answered, yes("fin_a")), "approved"),
    "claim 认领": (board(claim=True), then(task("fin_b", c.Claim), asks("fin_b"), yes("fin_b")), "approved"),
}


def test_there_are_38() -> None:
    assert len(OPERATIONS) == 38


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_on_the_database(db: Database, name: str) -> None:
    running, run, ends = OPERATIONS[name]
    case = Durable(db, running)
    assert run(case) == ends
    assert empty_case("case1", MONDAY) != case.case == case.replayed()
    with db.read() as tx:
        entries = history.load(tx, "case1")
        assert replay(entries) == case.case
        assert history.verify(tx, "case1") is None

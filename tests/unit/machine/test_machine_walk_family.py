"""Random walks through a case that opens others: whatever each of them does, and in whatever order and however often
they hear of each other, the parent knows where its children are, goes on when it should, and leaves none behind."""

from datetime import timedelta
from functools import cache
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.machine.case import Case
from engine.machine.commands import AddChild, AnyCommand, Cancel, ChildMoved, Create, Operate, Perform, Submit, Withdraw
from engine.machine.outcome import AnyEffect, CancelChild, OpenChild, TellParent
from engine.machine.process import Process
from tests.fakes.organisation import EverydayCalendar, FakeDirectory
from tests.unit.machine.trial import Trial
from tests.unit.machine.walk_checks import Watch, walks

HEAD = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: NAME
version: 1
title: {zh: 案, en: Case}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}}
    count: {type: int, label: {zh: 数量, en: Count}}
lifecycle:
  initial: draft
  roles:
    me: {who: submitter, label: {zh: 申请人, en: Submitter}}
    boss: {who: "role:boss@county", label: {zh: 主管, en: Boss}}
"""
PARENT = (
    HEAD.replace("NAME", "campaign")
    + """\
  events:
    submit: {label: {zh: 提交, en: Submit}}
    withdraw: {label: {zh: 撤回, en: Withdraw}}
    stop: {label: {zh: 停止, en: Stop}}
    once_more: {label: {zh: 再来, en: Once more}}
    finish: {label: {zh: 结束, en: Finish}}
  states:
    draft: {kind: form, label: {zh: 草稿, en: Draft}, events: [{event: submit, role: me, to: reviews}]}
    reviews:
      kind: cases
      label: {zh: 审阅, en: Reviews}
      open: review
      for: form.count
      pass: {title: form.title}
      add: boss
      MORE
      timeouts: [{after: 30d, event: late}]
      events:
        - {event: done, to: weighed}
        - {event: failed, to: doubted}
        - {event: late, to: doubted}
        - {event: stop, role: boss, to: stopped}
        - {event: withdraw, to: withdrawn}
    weighed:
      kind: task
      label: {zh: 权衡, en: Weighed}
      events:
        - {event: once_more, role: boss, to: reviews}
        - {event: finish, role: boss, to: closed}
    doubted:
      kind: task
      label: {zh: 存疑, en: Doubted}
      events:
        - {event: once_more, role: boss, to: reviews}
        - {event: finish, role: boss, to: closed}
    stopped: {kind: final, label: {zh: 停止, en: Stopped}}
    withdrawn: {kind: final, label: {zh: 撤回, en: Withdrawn}}
    closed: {kind: final, label: {zh: 结束, en: Closed}}
"""
)
CHILD = (
    HEAD.replace("NAME", "review")
    + """\
  events:
    submit: {label: {zh: 提交, en: Submit}}
    withdraw: {label: {zh: 撤回, en: Withdraw}}
    pass: {label: {zh: 通过, en: Pass}}
    refuse: {label: {zh: 拒绝, en: Refuse}}
    wind_up: {label: {zh: 收尾, en: Wind up}}
  states:
    draft:
      kind: form
      label: {zh: 草稿, en: Draft}
      events: [{event: submit, role: me, to: judged}, {event: withdraw, to: withdrawn}]
    judged:
      kind: task
      label: {zh: 评定, en: Judged}
      events:
        - {event: pass, role: boss, to: passed}
        - {event: refuse, role: boss, to: rejected}
        - {event: withdraw, to: withdrawn}
    passed:
      kind: wait
      label: {zh: 已通过, en: Passed}
      timeouts: [{after: 2d, event: wind_up}]
      events: [{event: wind_up, to: closed}, {event: withdraw, to: withdrawn}]
    closed: {kind: final, label: {zh: 结束, en: Closed}}
    rejected: {kind: final, label: {zh: 未通过, en: Rejected}}
    withdrawn: {kind: final, label: {zh: 撤回, en: Withdrawn}}
"""
)
PEOPLE = FakeDirectory({"role:boss@county": ("boss",), "role:process_admin": ("admin",)}, {})
ENDS = ("closed", "rejected", "withdrawn", "cancelled", "voided", "stopped")
NO_SUCCESS = ("rejected", "withdrawn", "cancelled", "voided")
PICK = st.sampled_from(range(12))
OPERATIONS = st.sampled_from(["suspend", "suspend", "activate", "activate", "terminate"])


class Rules(NamedTuple):
    """What the parent's definition chooses. `join` is none (all), any, n or mixed; `counts`: passing is a success."""

    join: str
    stay: bool
    counts: bool

    @property
    def lines(self) -> list[str]:
        """As they stand in the definition."""
        known = {"any": "join: any", "n": "join: {n: 2}"}
        known["mixed"] = "join: {when: children.done >= 1 && children.failed >= 1}"
        chosen = [known[self.join]] if self.join in known else []
        return [*chosen, *["rest: continue"] * self.stay, *["counts: [passed, closed]"] * self.counts]

    def verdict(self, outcomes: list[str]) -> str:
        """When enough children have come to an end, and when enough never will."""
        done, running = outcomes.count("done"), outcomes.count("")
        if self.join == "mixed":
            return "done" if done and "failed" in outcomes else "" if running else "failed"
        needed = {"any": 1, "n": 2}.get(self.join, len(outcomes))
        return "done" if done >= needed else "failed" if done + running < needed else ""

    def outcome(self, state: str) -> str:
        """What a child in this state has come to."""
        if self.counts:
            return "done" if state in ("passed", "closed") else "failed" if state in ENDS else ""
        return "" if state not in ENDS else "failed" if state in NO_SUCCESS else "done"


@cache
def process(text: str) -> Process:
    return compile_process(load(text)).bound(PEOPLE, EverydayCalendar())


class AnyFamily(RuleBasedStateMachine):
    """A parent, its children, and what they have to tell each other."""

    @initialize(
        join=st.sampled_from(["all", "all", "any", "n", "mixed"]),
        stay=st.booleans(),
        counts=st.booleans(),
        count=st.sampled_from([0, 1, 2, 3, 3]),
    )
    def begin(self, join: str, stay: bool, counts: bool, count: int) -> None:
        self.rules_of_it = Rules(join, stay, counts)
        text = PARENT.replace("      MORE\n", "".join(f"      {line}\n" for line in self.rules_of_it.lines))
        self.parent = Watch(Trial(process(text)), barred=("clerk",))
        self.children: dict[str, Watch] = {}
        self.queue: list[tuple[str, AnyEffect]] = []
        self.known: dict[str, int] = {}
        self.do(self.parent, Submit(actor="clerk", form={"title": "x", "count": count}, number="c1-1"))

    # what happens to each of them

    @rule(event=st.sampled_from(["stop", "once_more", "once_more", "finish", "withdraw"]), often=PICK)
    def move_parent(self, event: str, often: int) -> None:
        if event == "withdraw" and often < 2:
            self.do(self.parent, Withdraw(actor="clerk", reason="not now"))
        elif event not in ("stop", "withdraw") or often == 2:
            event = "once_more" if event == "finish" and often % 2 else event
            self.do(self.parent, Perform(actor="boss", event=event))

    @rule(actor=st.sampled_from(["boss", "boss", "clerk"]))
    def add(self, actor: str) -> None:
        before = self.parent.trial.case
        is_done = self.do(self.parent, AddChild(actor=actor))
        assert is_done == (actor == "boss" and before.state == "reviews")

    @rule(child=PICK, event=st.sampled_from(["submit", "submit", "pass", "pass", "refuse", "withdraw"]))
    def move_child(self, child: int, event: str) -> None:
        watch = self.pick(child)
        if watch is None:
            return
        if watch.trial.case.state == "judged" and child % 3:
            event = "refuse" if child % 5 == 0 else "pass"
        command: AnyCommand = Perform(actor="boss", event=event)
        if event == "submit" or watch.trial.case.state == "draft":
            command = Submit(actor="clerk", form={"title": "y"}, number="c1-2")
        elif event == "withdraw":
            command = Withdraw(actor="clerk", reason="not now")
        self.do(watch, command)

    @rule(child=PICK, operation=OPERATIONS)
    def operate(self, child: int, operation: str) -> None:
        watch = self.pick(child) if child % 2 else self.parent
        if watch is not None:
            is_held = watch.trial.case.state == "suspended" and child % 3
            operation = "activate" if is_held else "suspend" if child > 3 else operation
            self.do(watch, Operate(actor="admin", operation=operation, reason="because"))

    @rule(days=st.sampled_from([1, 1, 2, 9]))
    def wait(self, days: int) -> None:
        """Let time pass for all of them."""
        for watch in (self.parent, *self.children.values()):
            end = watch.trial.now + timedelta(days=days)
            while due := watch.next_due(end):
                self.do(watch, due)
            watch.trial.now = max(watch.trial.now, end)

    @rule(place=PICK, again=st.booleans())
    def deliver(self, place: int, again: bool) -> None:
        """One effect is carried out, in no order; it may be carried out once more later."""
        if self.queue:
            at = place % len(self.queue)
            case, effect = self.queue[at] if again else self.queue.pop(at)
            self.carry_out(case, effect)

    @rule()
    def deliver_all(self) -> None:
        """Everything is carried out; then all of them know what they must."""
        for _ in range(200):
            if not self.queue:
                break
            self.carry_out(*self.queue.pop(0))
        else:
            raise AssertionError("they never come to rest")
        self.all_is_settled()

    # how it is carried out

    def pick(self, place: int) -> Watch | None:
        watches = list(self.children.values())
        return watches[place % len(watches)] if watches else None

    def do(self, watch: Watch, command: AnyCommand) -> bool:
        before = watch.trial.case
        outcome = watch.attempt(command)
        if outcome is None:
            return False
        if watch is self.parent:
            self.it_goes_on_when_it_should(before, command)
        self.queue += [(watch.trial.case.id, effect) for effect in outcome.effects]
        self.the_parent_knows_what_it_heard()
        return True

    def carry_out(self, case: str, effect: AnyEffect) -> None:
        match effect:
            case OpenChild():
                self.open(effect)
            case CancelChild() if effect.child in self.children:
                assert self.do(self.children[effect.child], Cancel(actor="system", via="timer"))
            case TellParent():
                self.tell(case, effect)
            case _:
                pass

    def open(self, effect: OpenChild) -> None:
        """As the service does it: under the parent's lock, and not where it is not wanted any more."""
        planned = next(one for one in self.parent.trial.case.children if one.id == effect.child)
        if planned.outcome or effect.child in self.children:
            return
        command = Create(actor="clerk", office="c1", parent=effect.parent, form=effect.form)
        watch = Watch(Trial(process(CHILD), born=(effect.child, command)), barred=("clerk",))
        watch.trial.now = max(watch.trial.now, self.parent.trial.now)
        self.children[effect.child] = watch
        self.queue += [(effect.child, told) for told in watch.trial.effects]

    def tell(self, child: str, effect: TellParent) -> None:
        """Older news change nothing."""
        before = self.parent.trial.case
        state, seq = effect.state, effect.seq
        news = ChildMoved(actor="system", via="timer", child=child, state=state, seq=seq, ended=effect.ended)
        is_new = effect.seq > self.known.get(child, 0)
        self.known[child] = max(effect.seq, self.known.get(child, 0))
        assert self.do(self.parent, news)
        assert (self.parent.trial.case != before) == is_new

    # what must hold

    def the_parent_knows_what_it_heard(self) -> None:
        """It waits exactly as long as its children leave it open."""
        case = self.parent.trial.case
        assert {one.id: one.seq for one in case.children if one.seq} == self.known
        waited = [one.outcome for one in case.children if not one.left]
        assert not waited or "reviews" in case.configuration
        if case.state == "reviews":
            assert self.rules_of_it.verdict(list(waited)) == ""

    def it_goes_on_when_it_should(self, before: Case, command: AnyCommand) -> None:
        """Its children moved it by the rules, or somebody did; only what it is done with may run on."""
        case = self.parent.trial.case
        was = {one.id: one for one in before.children}
        left = [one for one in case.children if one.left and one.id in was and not was[one.id].left]
        if not left:
            return
        came_to = ["" if one.outcome == "cancelled" and not was[one.id].outcome else one.outcome for one in left]
        verdict = self.rules_of_it.verdict(list(came_to))
        if isinstance(command, ChildMoved) or (isinstance(command, Operate) and command.operation == "activate"):
            assert case.state == {"done": "weighed", "failed": "doubted"}[verdict]
        else:
            assert case.state in ("doubted", "stopped", "withdrawn", "cancelled")
            verdict = ""
        assert ("" in [one.outcome for one in left]) == ("" in came_to and self.rules_of_it.stay and verdict == "done")

    def all_is_settled(self) -> None:
        """The parent has every child as it is; none runs but those it waits for, or was to leave running."""
        case = self.parent.trial.case
        for one in case.children:
            watch = self.children.get(one.id)
            if watch is None:
                assert one.outcome == "cancelled"
                continue
            assert one.state == watch.trial.case.state
            kept = self.rules_of_it.counts and one.outcome == "done"  # it had passed
            assert one.outcome in (self.rules_of_it.outcome(one.state), "cancelled") or kept
            assert one.outcome != "cancelled" or one.state in ENDS
        if case.state in ENDS and not self.rules_of_it.stay and not self.rules_of_it.counts:
            assert {watch.trial.case.state for watch in self.children.values()} <= set(ENDS)

    def teardown(self) -> None:
        if hasattr(self, "parent"):
            self.deliver_all()
            for watch in (self.parent, *self.children.values()):
                watch.history_rebuilds_it()


AnyFamily.TestCase.settings = walks(quick=250, steps=30, full=3_000, longest=50)
TestAnyFamily = AnyFamily.TestCase

"""Operations of approval, each a case through the durable engine on both databases; every history is verified."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import AlreadyDecided
from engine.machine.case import Decision, Place
from engine.service import approvals, cases, interventions, operations, proposals, publishing
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.store import people as store
from engine.store.session import Database
from tests.acceptance.offices import key, notices, open_task, opened, viewer

TEXT = """
apiVersion: countersign/v1
kind: CaseDefinition
name: tried
version: 1
title: {{zh: 试件, en: Tried case}}
proposal:
  fields:
    title: {{type: text, label: {{zh: 标题, en: Title}}, required: true, max: 80}}
    budget: {{type: money, label: {{zh: 预算, en: Budget}}, required: true, min: "0"}}
  material: [budget]
approval:
  route: [{{else: only}}]
  defaults: {{return_to: [submitter, previous, any]}}
  chains:
    only:
      - {{approve: board, label: {{zh: 审议, en: Board}}, who: "role:{role}", {more}}}
      - {{approve: head, label: {{zh: 经理, en: Head}}, who: "head@county"}}
"""
FORM = {"title": "试件", "budget": "100.00"}
BOARD = {"dengli", "fangjun"}


class Tried:
    """A submitted case whose first step asks a committee of two (or the two of finance)."""

    def __init__(self, app: Countersign) -> None:
        self.app = app
        self.id = ""

    def submit(self, more: str = "decide: {mode: all}", role: str = "committee@province") -> None:
        with self.app.db.begin() as tx:
            store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])
        publishing.save_draft(self.app, viewer(self.app, "sunli"), TEXT.format(more=more, role=role))
        publishing.publish(self.app, viewer(self.app, "machao"), "tried", 1)
        submitter = viewer(self.app, "wangmin")
        self.id = proposals.start(self.app, submitter, "tried", key=key())
        self.resubmit()

    def resubmit(self) -> None:
        proposals.submit(self.app, viewer(self.app, "wangmin"), self.id, FORM, key=key())

    def decide(self, person: str, decision: Decision = "approve", *, to: str = "submitter") -> None:
        remark = "" if decision == "approve" else "because"
        task, who = open_task(self.app, person), viewer(self.app, person)
        approvals.decide(self.app, who, task, decision, remark=remark, seen_seq=None, key=key(), to=to)

    def operate(self, person: str, operation: str, *, to: str = "") -> None:
        who = viewer(self.app, person)
        interventions.intervene(self.app, who, self.id, operation, reason="because", key=key(), to=to)

    def door(self, person: str) -> Door:
        return Door(viewer(self.app, person), key())

    @property
    def asked(self) -> set[str]:
        page = cases.case_page(self.app, viewer(self.app, "wangmin"), self.id)
        return {seat.person for node in page.waiting.for_nodes for seat in node.seats if seat.state == "open"}

    @property
    def state(self) -> str:
        return cases.case_page(self.app, viewer(self.app, "wangmin"), self.id).row.state

    @property
    def last(self) -> str:
        return cases.case_page(self.app, viewer(self.app, "wangmin"), self.id).history[0].what


@pytest.fixture
def case(db: Database, tmp_path: Path) -> Iterator[Tried]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        yield Tried(app)


def test_any_one_decides_for_all(case: Tried) -> None:
    case.submit("decide: {mode: any}")
    assert case.asked == BOARD
    late = open_task(case.app, "fangjun")
    case.decide("dengli")
    assert case.asked == {"liguoqiang"}
    with pytest.raises(AlreadyDecided):
        approvals.decide(case.app, viewer(case.app, "fangjun"), late, "approve", remark="", seen_seq=None, key=key())


@pytest.mark.parametrize(
    "more", ["decide: {mode: all}", "decide: {mode: quorum, n: 2}", 'decide: {mode: quorum, n: "60%"}']
)
def test_all_and_a_quorum_of_two_wait_for_the_second(case: Tried, more: str) -> None:
    case.submit(more)
    case.decide("dengli")
    assert case.asked == {"fangjun"}
    case.decide("fangjun")
    assert case.asked == {"liguoqiang"}


def test_a_sequence_asks_one_after_the_other(case: Tried) -> None:
    case.submit("decide: {mode: sequence}")
    (first,) = case.asked
    case.decide(first)
    assert case.asked == BOARD - {first}


def test_one_rejection_ends_what_all_must_approve(case: Tried) -> None:
    case.submit()
    case.decide("dengli", "reject")
    assert (case.state, case.asked) == ("rejected", set())


def test_a_delegate_gives_an_opinion_and_the_task_comes_back(case: Tried) -> None:
    case.submit()
    operations.delegate(case.app, case.door("dengli"), open_task(case.app, "dengli"), "linfang", remark="先看")
    assert case.last == "delegated"
    assert case.asked == {"linfang", "fangjun"}
    case.decide("linfang")
    assert case.asked == BOARD


@pytest.mark.parametrize(
    ("place", "asked"),
    [("before", {"linfang", "fangjun"}), ("after", BOARD), ("beside", {*BOARD, "linfang"})],
)
def test_a_signer_is_added_before_after_or_beside(case: Tried, place: Place, asked: set[str]) -> None:
    case.submit()
    task = open_task(case.app, "dengli")
    operations.add_signers(case.app, case.door("dengli"), task, ["linfang"], place, remark="会看")
    assert (case.last, case.asked) == ("signers_added", asked)
    for person in ["linfang", "dengli"] if place == "before" else ["dengli", "linfang"]:
        case.decide(person)
    assert case.asked == {"fangjun"}


def test_who_is_appended_must_sign_as_well(case: Tried) -> None:
    case.submit()
    operations.append(case.app, case.door("dengli"), open_task(case.app, "dengli"), ["linfang"], remark="会看")
    assert (case.last, case.asked) == ("appended", {*BOARD, "linfang"})


def test_who_claims_sets_the_others_aside_until_released(case: Tried) -> None:
    case.submit("claim: true")
    task = open_task(case.app, "dengli")
    operations.claim(case.app, case.door("dengli"), task)
    assert (case.last, case.asked) == ("claimed", {"dengli"})
    operations.release(case.app, case.door("dengli"), task)
    assert (case.last, case.asked) == ("released", BOARD)


def test_a_copy_is_told_and_nobody_waits_for_it(case: Tried) -> None:
    case.submit()
    operations.copy_to(case.app, case.door("dengli"), open_task(case.app, "dengli"), ["linfang"])
    assert case.last == "copied_to"
    assert ("linfang", "copied") in {(notice.person, notice.occasion) for notice in notices(case.app)}
    for person in BOARD:
        case.decide(person)
    assert case.asked == {"liguoqiang"}


@pytest.mark.parametrize("to", ["previous", "board"])
def test_a_return_within_the_chain_asks_the_earlier_step_again(case: Tried, to: str) -> None:
    case.submit("decide: {mode: any}")
    case.decide("dengli")
    case.decide("liguoqiang", "return", to=to)
    assert (case.state, case.last, case.asked) == ("approving", "return", BOARD)


def test_a_return_to_the_submitter_starts_again_when_resubmitted(case: Tried) -> None:
    case.submit("decide: {mode: any}")
    case.decide("dengli")
    case.decide("liguoqiang", "return")
    assert (case.state, case.asked) == ("returned", set())
    case.resubmit()
    assert (case.last, case.asked) == ("resubmitted", BOARD)


def test_an_approver_takes_back_what_nobody_built_on(case: Tried) -> None:
    case.submit("decide: {mode: any}")
    case.decide("dengli")
    case.operate("dengli", "take_back")
    assert (case.last, "dengli" in case.asked) == ("taken_back", True)


def terminated(case: Tried) -> None:
    case.operate("machao", "terminate")
    assert (case.last, case.asked) == ("terminated", set())


def suspended(case: Tried) -> None:
    case.operate("machao", "suspend")
    assert (case.last, case.state) == ("suspended", "suspended")
    case.operate("machao", "activate")
    assert (case.last, case.state, case.asked) == ("activated", "approving", BOARD)


def jumped(case: Tried) -> None:
    case.operate("machao", "jump", to="head")
    assert (case.last, case.asked) == ("jumped", {"liguoqiang"})


def woken(case: Tried) -> None:
    proposals.withdraw(case.app, viewer(case.app, "wangmin"), case.id, "", key=key())
    assert (case.last, case.state) == ("withdrawn", "withdrawn")
    case.operate("wangmin", "wake")
    assert (case.last, case.state) == ("woken", "returned")


@pytest.mark.parametrize("operation", [terminated, suspended, jumped, woken])
def test_a_whole_case_is_operated_on(case: Tried, operation: Callable[[Tried], None]) -> None:
    case.submit()
    operation(case)

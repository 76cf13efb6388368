"""The fifteen things that users of other engines complain of, each as one run that must not happen here.

Where a complaint is about the durable engine it is played on both databases. The sixth, a new version of a definition
that hits running cases, is tried with a thousand of them in tests/acceptance/test_migrating.py.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.definition.check import check
from engine.errors import AlreadyDecided, InvalidForm, NotPossible
from engine.machine import commands as c
from engine.machine.advance import advance
from engine.machine.lifecycle import Stages
from engine.machine.tally import AllOf, AnyOf
from engine.organisation import Workdays
from engine.store import cases, links
from engine.store.rows import Decided
from engine.store.session import Database
from engine.values import Duration
from tests.store.test_store_operations import UP, Durable, again, back, board, ladder, whole
from tests.unit.machine.trial import MIDDLE, MONDAY, PEOPLE, approve, process


def begun(db: Database, running: Any, *acts: Callable[[Durable], object]) -> Durable:
    case = Durable(db, running)
    case.submit()
    for act in acts:
        act(case)
    return case


def test_1_a_return_inside_a_countersign_leaves_no_branch_behind(db: Database) -> None:
    case = begun(db, ladder("at_returner"))
    case.approve("county_head", "net_a")
    case.sent_back("net_b", "submitter")
    assert case.case.state == "returned"
    assert {task.reason for task in case.case.tasks if task.person == "city_vp"} == {"sibling_returned"}
    again()(case)
    assert case.asked() == {"net_a", "net_b", "city_vp"}  # the step that returned it and its siblings; one stands


def test_2_a_jump_out_of_a_step_with_several_people_asks_none_of_them_any_more(db: Database) -> None:
    case = begun(db, ladder())
    case.approve("county_head", "net_a")
    whole("jump", to="three")(case)
    assert case.asked() == {"mkt_prov_a", "mkt_prov_b"}


def test_3_one_rejection_ends_the_siblings_and_tells_them_why(db: Database) -> None:
    case = begun(db, board(AllOf()))
    case.decide("fin_b", "reject")
    assert case.case.state == "rejected"
    assert {task.state for task in case.case.tasks if task.person != "fin_b"} == {"cancelled"}
    assert all(task.reason for task in case.case.tasks if task.state == "cancelled")


def test_4_after_a_return_people_are_reminded_again(db: Database) -> None:
    case = begun(db, ladder(), UP, back("mkt_prov_a", "one"))
    case.wait("1d")
    assert case.told("county_head")[-1] == "reminder"


def test_5_a_mail_scanner_does_not_use_a_link_up(db: Database) -> None:
    case = begun(db, board())
    now = MONDAY
    (task, *_) = case.open_tasks()
    with db.begin() as tx:
        token = links.create(
            tx, person=task.person, case_id="case1", task=task.id, step=task.step, round=1, seq=case.case.seq,
            now=now, expires_at=now + timedelta(days=1),
        )  # fmt: skip
    found = []
    for _ in range(100):
        with db.read() as tx:
            found.append(links.find(tx, token))
    assert found[0] is not None
    assert found == [found[0]] * 100
    with db.read() as tx:
        assert cases.load(tx, "case1") == case.case


def test_7_a_role_that_nobody_holds_does_not_lock_the_case(db: Database) -> None:
    case = begun(db, process({"only": (approve("board", "role:nobody@city"),)}, stages=Stages()))
    assert case.asked() == {"admin"}


def test_8_an_absent_approver_is_represented_or_passed_over_in_time(db: Database) -> None:
    case = begun(db, board())
    case.wait("3d")
    assert case.asked() == {"city_head"}


def test_9_nobody_approves_their_own_case_through_a_group(db: Database) -> None:
    group = replace(PEOPLE, holders=PEOPLE.holders | {"members(board@city)": ("clerk", "fin_a")})
    case = begun(
        db, process({"only": (approve("board", "members(board@city)", AnyOf()),)}, stages=Stages(), people=group)
    )
    assert case.asked() == {"fin_a"}


def test_10_a_case_on_which_nobody_would_decide_is_not_approved_in_silence(db: Database) -> None:
    chain = (approve("board", "role:finance@city", when="form.budget > 1000000"),)
    case = Durable(db, process({"only": chain}, stages=Stages()))
    with pytest.raises(InvalidForm, match="nobody decide"):
        case.submit()
    assert case.case.state == "draft"


def test_11_a_trivial_edit_voids_no_approval(db: Database) -> None:
    case = begun(db, ladder("at_returner"), UP, back("mkt_prov_a", "submitter"))
    again(title=7)(case)
    assert case.asked() == {"mkt_prov_a", "mkt_prov_b"}


def test_12_who_decides_second_is_told_who_was_first_not_about_a_lock(db: Database) -> None:
    case = begun(db, board())
    gate, told = threading.Barrier(2), []

    def decide(person: str) -> None:
        task = next(task for task in case.case.tasks if task.person == person)
        command = c.Decide(actor=person, task=task.id, decision="approve")
        gate.wait(10)
        try:
            cases.transition(
                db, "case1", "", lambda locked: Decided(command, advance(case.process, locked.case, command, case.now))
            )
        except AlreadyDecided as error:
            told.append(error.fields["by"])

    threads = [threading.Thread(target=decide, args=(person,)) for person in ("fin_a", "fin_b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(told) == 1
    assert told[0] in ("fin_a", "fin_b")


def test_13_nothing_is_resumed_without_a_record_of_who_returned_the_case(db: Database) -> None:
    case = begun(db, ladder("at_returner"), UP)
    case.do(c.Withdraw(actor="clerk", reason="a mistake", again=True))
    again()(case)
    assert case.asked() == {"county_head"}
    with pytest.raises(NotPossible):
        case.submit(MIDDLE)


def test_14_a_typo_in_a_definition_is_told_at_its_line() -> None:
    text = (resources.files("definitions") / "telecom-marketing-case.yaml").read_text(encoding="utf-8")
    wrong = text.replace("form.budget > params.city_budget", "form.budgte > params.city_budget", 1)
    (problem, *_) = check(wrong, "case.yaml").problems
    assert (problem.severity, problem.code) == ("error", "E303")
    assert "budgte" in wrong.splitlines()[problem.line - 1]
    assert "budget" in problem.hint


def test_15_a_deadline_in_working_days_knows_holidays_and_make_up_days() -> None:
    calendar = Workdays(ZoneInfo("Asia/Shanghai"))
    before = datetime(2024, 9, 27, 10, tzinfo=ZoneInfo("Asia/Shanghai"))  # Friday; the Sunday after is worked
    assert calendar.due(before, Duration.parse("1wd")).date().isoformat() == "2024-09-29"
    assert calendar.due(before, Duration.parse("3wd")).date().isoformat() == "2024-10-08"

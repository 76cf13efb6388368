"""A simulation says what the engine would do: chain, people, deadlines and guards, without anybody asked."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.simulate import Simulation, simulate
from engine.definition.trial import Trial
from engine.errors import InvalidForm
from engine.organisation import Workdays

FOLDER = Path(__file__).resolve().parents[3] / "definitions"
TELECOM = load((FOLDER / "telecom-marketing-case.yaml").read_text())
ZONE = ZoneInfo("Asia/Shanghai")
BEFORE_HOLIDAY = datetime(2026, 9, 30, 16, tzinfo=ZONE)
GIVEN = {"budget": "80000", "reach": "9000", "discount": "0.8"}


def run(cast: Cast | None = None, **changes: Any) -> Simulation:
    return simulate(
        TELECOM,
        GIVEN | changes,
        directory=cast or Cast(),
        calendar=Workdays(ZONE),
        office="county",
        submitter="submitter",
        at=BEFORE_HOLIDAY,
    )


def test_the_rows_that_were_tried_say_why():
    rows = run().rows
    assert [(row.number, row.holds, row.use) for row in rows] == [(1, False, "to_province"), (2, True, "to_city")]
    assert rows[0].reasons == (
        "form.budget 80000 > params.province_budget 300000.00: false",
        "form.reach 9000 > params.province_reach 200000: false",
    )


def test_a_step_that_is_left_out_says_which_condition_did_it():
    steps = {step.name: step for step in run().steps}
    assert not steps["city_network"].taken
    assert steps["city_network"].reasons == ("form.reach 9000 > 50000: false",)
    assert steps["city_network"].people == ()
    assert [one.person for one in steps["city_finance"].people] == ["finance@city"]
    assert steps["city_finance"].countersign == "city_countersign"
    assert run(reach="60000").steps[2].taken


def test_deadlines_are_those_of_the_engine():
    head = run().steps[0]
    trial = Trial(compile_process(TELECOM).bound(Cast(), Workdays(ZONE)), at=BEFORE_HOLIDAY)
    trial.submit(run().form)
    (task,) = trial.open_tasks("county_head")
    assert [one.due_at for one in head.people] == [task.due_at]
    assert task.due_at is not None
    assert task.due_at > datetime(2026, 10, 8, tzinfo=ZONE)  # the holiday is no working time
    assert [name for name, _ in head.timers] == [
        "remind:1",
        "remind:2",
        "escalate",
    ]  # the case itself arms one at a time
    armed = {(timer.name, timer.due_at) for timer in trial.case.timers if timer.step == "county_head"}
    assert armed == {head.timers[0]}
    assert head.timers[-1][1] == task.due_at


def test_where_nobody_can_be_asked_the_case_waits():
    found = run(Cast(nobody={"head@county", "role:process_admin"}))
    assert (found.stuck, found.state) == ("county_head", "approving")


def test_every_wrong_field_is_told_at_once():
    with pytest.raises(InvalidForm) as caught:
        run(budget="1.234", reach="many", colour="red")
    assert {problem.at for problem in caught.value.problems} == {"budget", "reach", "colour"}


def test_a_field_that_a_rule_reads_is_not_made_up():
    with pytest.raises(InvalidForm) as caught:
        run(discount="")
    assert [problem.at for problem in caught.value.problems] == ["discount"]
    assert "title" in run().filled
    assert "title" not in run(title="x").filled


def test_a_lifecycle_of_its_own_is_said_to_have_no_route():
    own = load((FOLDER / "examples" / "payment-approval.yaml").read_text())
    with pytest.raises(InvalidForm, match="no route to simulate"):
        simulate(own, {}, directory=Cast(), calendar=Workdays(ZONE), office="county", submitter="s", at=BEFORE_HOLIDAY)

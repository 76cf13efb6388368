"""The shipped telecom definition, compiled and run in a small organisation on China's working days."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.machine.advance import create
from engine.machine.commands import Create
from engine.machine.evolve import empty_case
from engine.machine.process import Process
from engine.organisation import Grant, Office, Organisation, Person, Workdays
from tests.unit.machine.trial import Trial

FILE = Path(__file__).resolve().parents[3] / "definitions" / "telecom-marketing-case.yaml"
FORM = {
    "title": "Autumn tariff",
    "offer": "T58",
    "budget": "80000.00",
    "reach": 9000,
    "discount": "0.90",
    "channels": ["sms"],
    "window": ["2026-10-08", "2026-11-08"],
    "message": "Dear customer",
}
ROLES = {
    "li": "head@440111",
    "zhang": "finance@440100",
    "he": "finance@440100",
    "chen": "network@440100",
    "lin": "service@440100",
    "zhou": "vp_market@440100",
    "zheng": "marketing@440100",
    "sun": "head@440100",
    "wu": "marketing@440000",
    "gao": "gm@440000",
    "deng": "committee@440000",
    "fang": "committee@440000",
    "ma": "process_admin@440000",
}


@pytest.fixture(scope="module")
def telecom() -> Process:
    organisation = Organisation(
        [
            Office("440000", "广东", "province"),
            Office("440100", "广州", "city", parent="440000"),
            Office("440111", "白云", "county", parent="440100"),
        ],
        [Person(name, name) for name in ("clerk", *ROLES)],
        [Grant(name, *grant.split("@")) for name, grant in ROLES.items()],
    )
    process = compile_process(load(FILE.read_text()))
    return process.bound(organisation, Workdays(ZoneInfo("Asia/Shanghai")))


def begun(process: Process) -> Trial:
    """A draft of `clerk` in Baiyun, on Wednesday 30 September 2026: the next day begins the National Day holiday."""
    trial = Trial(process)
    trial.now = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)
    trial.case, trial.entries = empty_case("case1", trial.now), []
    trial.keep(create("case1", process.ref, Create(actor="clerk", office="440111"), trial.now))
    return trial


@pytest.mark.parametrize(
    ("changes", "route", "reason"),
    [
        ({}, "to_city", "form.budget 80000.00 > params.city_budget 50000.00: true"),
        ({"budget": "400000.00"}, "to_province", "form.budget 400000.00 > params.province_budget 300000.00: true"),
        ({"budget": "4000.00", "reach": 900}, "file_city", "form.budget 4000.00 <= params.filing_budget 5000.00: true"),
        ({"budget": "40000.00", "discount": "0.60"}, "to_city", "form.discount 0.60 < params.low_discount 0.70: true"),
    ],
)
def test_the_route_follows_the_form(telecom: Process, changes: dict[str, object], route: str, reason: str) -> None:
    preview = telecom.preview(FORM | changes, "440111", "clerk", datetime(2026, 9, 30, tzinfo=UTC))
    assert preview.route == route
    assert reason in preview.reasons


def test_a_case_climbs_to_the_city_and_is_filed_with_the_province(telecom: Process) -> None:
    trial = begun(telecom)
    trial.submit(FORM)
    for expected in ({"li"}, {"zhang", "he", "lin"}, {"zhou"}, {"wu"}):
        assert trial.asked() == expected
        done: set[str] = set()
        for task in trial.open_tasks():
            if task.step not in done:
                trial.decide(task.person, "acknowledge" if task.verb == "file" else "approve")
                done.add(task.step)
    assert trial.case.state == "targeting"
    assert {task.person for task in trial.case.tasks if task.verb == "copy"} == {"zhang", "he"}
    assert trial.replayed() == trial.case


def test_a_large_case_goes_to_the_province_without_the_register(telecom: Process) -> None:
    trial = begun(telecom)
    trial.submit(FORM | {"budget": "2000000.00", "reach": 60000})
    trial.approve("li", "zhang", "chen", "lin", "zhou", "deng", "fang")
    assert trial.asked() == {"gao"}
    trial.approve("gao")
    assert trial.case.state == "targeting"


def test_deadlines_skip_the_holiday_and_count_the_make_up_day(telecom: Process) -> None:
    trial = begun(telecom)
    trial.submit(FORM)
    (task,) = trial.open_tasks()
    assert task.due_at == datetime(2026, 10, 10, 2, 0, tzinfo=UTC)  # 8, 9 and, a Saturday, 10 October


def test_a_task_that_nobody_decides_climbs_over_the_city(telecom: Process) -> None:
    trial = begun(telecom)
    trial.submit(FORM)
    trial.wait("20d")
    assert trial.told("li") == ["task", "reminder", "reminder"]
    assert trial.told("sun")[:1] == ["escalation"]


def test_every_step_of_the_shipped_definitions_has_a_label(telecom: Process) -> None:
    for columns in telecom.chains.values():
        for step in (placed for column in columns for placed in getattr(column, "branches", (column,))):
            assert telecom.label(step.step.name).zh

"""When the working days change, what counts them is counted again from when it began; what has come stays."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from engine.machine.commands import Answer, Ask, Operate, Recount
from engine.machine.outcome import NotifyTask
from engine.machine.process import Process
from engine.organisation.workdays import Workdays
from engine.values import Duration
from tests.unit.machine.trial import MIDDLE, PEOPLE, SMALL, Trial, process

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = datetime(2027, 2, 5, 10, 0, tzinfo=ZONE)  # the day before the Spring Festival of 2027
GUESS = Workdays(ZONE)
FESTIVAL = {date(2027, 2, 6) + timedelta(days=n): False for n in range(7)}
ENTERED = Workdays(ZONE, FESTIVAL)
RECOUNT = Recount(actor="system", via="timer")


def submitted(of: Process | None = None, **form: int) -> Trial:
    trial = Trial((of or process(expires="10wd")).bound(PEOPLE, GUESS))
    trial.now = FRIDAY
    trial.submit(form or MIDDLE)
    return trial


def entered(trial: Trial, calendar: Workdays = ENTERED) -> None:
    trial.process = trial.process.bound(PEOPLE, calendar)
    trial.do(RECOUNT)


def due(trial: Trial) -> dict[str, datetime]:
    return {timer.name: timer.due_at for timer in trial.case.timers}


def after(span: str, calendar: Workdays = ENTERED, start: datetime = FRIDAY) -> datetime:
    return calendar.due(start, Duration.parse(span))


def test_a_holiday_that_is_entered_moves_reminder_escalation_and_the_limit_of_the_case() -> None:
    trial = submitted()
    assert due(trial) == {"remind:1": after("1wd", GUESS), "expire": after("10wd", GUESS)}
    assert trial.open_tasks()[0].due_at == after("3wd", GUESS)
    entered(trial)
    assert due(trial) == {"remind:1": after("1wd"), "expire": after("10wd")}
    (task,) = trial.open_tasks()
    assert task.due_at == after("3wd") > datetime(2027, 2, 15, tzinfo=ZONE)
    assert trial.effects[-1] == NotifyTask(task.person, task.id, "moved")
    for name, span in (("remind:1", "1wd"), ("remind:2", "2wd"), ("escalate", "3wd")):
        (timer,) = (timer for timer in trial.case.timers if timer.name == name)
        assert timer.due_at == after(span), name
        trial.now = timer.due_at
        trial.fire(timer.key)
    assert trial.replayed() == trial.case


def test_counting_again_by_the_same_days_changes_nothing() -> None:
    trial = submitted()
    entered(trial)
    assert trial.do(RECOUNT).events == ()


def test_a_make_up_day_brings_a_deadline_forward_but_never_into_the_past() -> None:
    trial = submitted()
    saturday = Workdays(ZONE, {date(2027, 2, 6): True})
    entered(trial, saturday)
    assert trial.open_tasks()[0].due_at == after("3wd", saturday) == FRIDAY + timedelta(days=4)
    late = submitted()
    late.now = FRIDAY + timedelta(days=4, hours=1)  # it would have been over an hour ago
    before = late.open_tasks()[0].due_at
    entered(late, saturday)
    assert late.open_tasks()[0].due_at == before == after("3wd", GUESS)


def test_what_is_over_stays_over() -> None:
    trial = submitted()
    trial.now = after("3wd", GUESS) + timedelta(minutes=1)
    before = trial.case.tasks
    entered(trial)
    assert trial.case.tasks == before


def test_a_span_on_the_clock_is_never_counted_again() -> None:
    trial = Trial(process(expires="240h").bound(PEOPLE, GUESS))
    trial.now = FRIDAY
    trial.submit()
    entered(trial)
    assert due(trial)["expire"] == FRIDAY + timedelta(hours=240)


def test_the_silence_of_a_filing_and_its_objections_follow_too() -> None:
    trial = submitted(process(), **SMALL)
    entered(trial)
    assert due(trial) == {"silence": after("5wd")}
    (silence,) = trial.case.timers
    trial.now = silence.due_at
    trial.fire(silence.key)
    assert due(trial) == {"objection": after("2wd", start=after("5wd"))}
    longer = Workdays(ZONE, FESTIVAL | {after("5wd").date() + timedelta(days=n): False for n in range(1, 5)})
    entered(trial, longer)
    assert due(trial) == {"objection": longer.due(after("5wd"), Duration.parse("2wd"))}


def test_a_clock_that_stands_still_goes_on_by_the_new_days() -> None:
    trial = submitted(process())
    (task,) = trial.open_tasks()
    trial.do(Ask(actor=task.person, task=task.id, person="city_vp", text="why?"))
    entered(trial)
    assert trial.case.timers == ()
    trial.now = FRIDAY + timedelta(days=11)  # the Tuesday after the festival
    trial.do(Answer(actor="city_vp", question=trial.case.questions[0].id, text="so"))
    (task,) = [one for one in trial.open_tasks() if one.person == task.person]
    assert task.counted_from == FRIDAY + timedelta(days=11)
    assert task.due_at == after("3wd", start=task.counted_from)
    assert due(trial) == {"remind:1": after("1wd", start=task.counted_from)}
    assert trial.do(RECOUNT).events == ()


def test_a_case_on_hold_goes_on_with_the_working_days_that_were_left() -> None:
    trial = submitted()
    trial.now = FRIDAY + timedelta(hours=1)
    trial.do(Operate(actor="admin", operation="suspend", reason="because"))
    entered(trial)
    trial.now = datetime(2027, 2, 19, 11, 0, tzinfo=ZONE)  # five working days later by the days entered
    trial.do(Operate(actor="admin", operation="activate"))
    (task,) = trial.open_tasks()
    since = after("5wd")
    assert (task.counted_from, task.due_at) == (since, after("3wd", start=since))
    assert due(trial) == {"remind:1": after("1wd", start=since), "expire": after("10wd", start=since)}
    assert trial.do(RECOUNT).events == ()
    assert trial.replayed() == trial.case

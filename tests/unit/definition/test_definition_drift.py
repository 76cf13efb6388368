"""`audience.drift` under check: the number it compares with, and what it can re-open."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.errors import Problem
from engine.machine.drifting import Tolerance

Broken = Callable[..., list[Problem]]

GOAL = "    goal: {type: longtext, label: {zh: 目标, en: Goal}}\n"
REACH = "    reach: {type: int, label: {zh: 客户数, en: Customers}, required: true}\n"
MATERIAL = "  material: [budget]\n"
DRIFT = 'audience:\n  source: {rule: "c.arpu >= 38"}\n  drift: {from: reach, over: 10%, then: reapprove}\n'
ASPECTS = "  material: [budget, reach]\n  aspects: {target: [reach], money: [budget]}\n"


def test_a_field_that_approvals_look_at_may_be_compared(broken: Broken, small: str) -> None:
    changes = (GOAL, GOAL + REACH, MATERIAL, "  material: [budget, reach]\n")
    assert broken(*changes, add=DRIFT) == []
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        small = small.replace(old, new)
    process = compile_process(load(small + DRIFT))
    assert process.stages.tolerance == Tolerance("reach", Decimal("0.1"))


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ((GOAL, GOAL + REACH), "E510", "reach is not material"),
        ((GOAL, GOAL + REACH, MATERIAL, "  aspects: {money: [budget]}\n"), "E510", "no aspect holds reach"),
        ((GOAL, GOAL + REACH.replace(", required: true", "")), "E312", "may be left empty"),
    ],
)
def test_a_drift_that_could_do_nothing_is_told_at_the_field(
    broken: Broken, changes: tuple[str, ...], code: str, says: str
) -> None:
    problems = [problem for problem in broken(*changes, add=DRIFT) if problem.severity == "error"]
    assert (problems[0].code, says in problems[0].message) == (code, True), problems
    assert problems[0].at == "audience.drift.from"


def test_a_warning_needs_no_approval_to_reopen(broken: Broken) -> None:
    assert broken(GOAL, GOAL + REACH, add=DRIFT.replace("reapprove", "warn")) == []


def test_some_step_must_look_at_the_number(broken: Broken) -> None:
    """A filing looks at everything, so the small definition's register would have to go as well."""
    only_money = {
        f"{{approve: {step},": f"{{approve: {step}, aspects: [money]," for step in ("head", "finance", "service")
    }
    changes = [text for pair in only_money.items() for text in pair]
    register = """      - file: register
        label: {zh: 备案, en: Register}
        who: "role:marketing@city"
        ack: 5wd
        objection: {window: 2wd, then: long}
"""
    money = '      - {approve: chief, label: {zh: 处长, en: Chief}, who: "head@city", aspects: [money]}\n'
    problems = broken(GOAL, GOAL + REACH, MATERIAL, ASPECTS, register, money, *changes, add=DRIFT)
    assert [(one.code, one.message) for one in problems if one.severity == "error"] == [
        ("E510", "a drift would re-open nothing: no step looks at target")
    ]


LATE = """delivery:
  message: {text: "Hello"}
  waves:
    - {name: pilot, share: 5%, channel: sms, gate: {metric: failure_rate, max: 5%, wait: 40d}}
    - {name: main, share: rest, channel: sms}
"""
AUDIENCE = 'audience:\n  source: {rule: "c.arpu >= 38"}\n'


@pytest.mark.parametrize(
    ("stale_after", "found"),
    [
        (
            "",
            [("E361", "the wave main goes out 40d after the first or later, and nothing says how old its list may be")],
        ),
        ("45d", []),
        ("30d", [("E360", "the wave main goes out 40d after the first or later, when a list of 30d is stale")]),
    ],
)
def test_a_wave_long_after_the_first_asks_how_old_its_list_may_be(
    broken: Broken, stale_after: str, found: list[tuple[str, str]]
) -> None:
    written = AUDIENCE + (f"  stale_after: {stale_after}\n" if stale_after else "")
    problems = [one for one in broken(add=written + LATE) if one.code in ("E360", "E361")]
    assert [(one.code, one.message) for one in problems] == found
    assert all(one.severity == "warning" for one in problems)


@pytest.mark.parametrize("wrong", ["5wd", "0d", "soon"])
def test_a_list_ages_on_the_clock(broken: Broken, wrong: str) -> None:
    (problem,) = broken(add=AUDIENCE + f"  stale_after: {wrong}\n")
    assert problem.at.startswith("audience.stale_after") and problem.severity == "error"

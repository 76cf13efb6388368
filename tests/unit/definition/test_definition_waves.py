"""Waves under check: hours that may not come before a wave expires, hours and a rate that let out fewer than it has."""

from collections.abc import Callable

import pytest

from engine.errors import Problem

Broken = Callable[..., list[Problem]]
EVENING = "the wave main that starts after 20:00 expires before it may send at 09:00"


def plan(*more: str) -> str:
    wave = ", ".join(("name: main", "size: 10000", "channel: sms", *more))
    audience = 'audience:\n  source: {rule: "c.arpu >= 38"}\n'
    return f'{audience}delivery:\n  message: {{text: "Hello"}}\n  waves: [{{{wave}}}]\n'


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (['hours: "09:00-20:00"', "rate: 10/h"], []),
        (['hours: "09:00-20:00"', "outside: expire", "expires: 12h"], [("E370", EVENING)]),
        (['hours: "09:00-20:00"', "outside: expire", "expires: 14h"], []),
        (
            ['hours: "09:00-20:00"', "outside: drop", "rate: 15/min"],
            [("E371", "the wave main of 10000 customers can send 9900 at most before it gives up the rest")],
        ),
        (['hours: "09:00-20:00"', "outside: drop", "rate: 16/min"], []),
        (
            ['hours: "09:00-20:00"', "outside: expire", "expires: 30h", "rate: 500/h"],
            [("E371", "the wave main of 10000 customers can send 8500 at most before it gives up the rest")],
        ),
        (["outside: expire", "expires: 30h", "rate: 500/h"], []),
    ],
)
def test_a_wave_that_gives_up_has_time_for_all_of_its_customers(
    broken: Broken, more: list[str], found: list[tuple[str, str]]
) -> None:
    problems = [one for one in broken(add=plan(*more)) if one.code in ("E370", "E371")]
    assert [(one.code, one.message) for one in problems] == found
    assert all(one.severity == "warning" and one.at.startswith("delivery.waves.0") for one in problems)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["outside: drop"], "outside: drop needs the hours whose end it speaks of"),
        (["outside: expire"], "outside: expire and expires: 3d stand together"),
        (["expires: 3d"], "outside: expire and expires: 3d stand together"),
        (["outside: expire", "expires: 3wd"], "a wave expires after hours or days, not working days; write 3d"),
        (["outside: expire", "expires: 0d"], "a wave expires after hours or days, not working days; write 3d"),
    ],
)
def test_what_a_wave_leaves_behind_is_said_whole(broken: Broken, more: list[str], told: str) -> None:
    (problem,) = broken(add=plan(*more))
    assert told in f"{problem.message} {problem.hint}" and problem.severity == "error"


@pytest.mark.parametrize("who", ["field(owner)", "everybody"])
def test_proofs_go_to_a_role(broken: Broken, who: str) -> None:
    problems = broken(add=f"{plan()}  proofs: {{to: {who!r}}}\n")
    assert [(one.code, one.message) for one in problems if one.code == "E410"] == [
        ("E410", f"nobody is found by {who} for proofs")
    ]

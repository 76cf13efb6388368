"""A definition that would grow without end is refused at once, at the line of its chain."""

from time import perf_counter

import pytest

from engine.definition.check import check

QUICK = 5.0  # seconds; without the rule these run for hours or end in a trace


def chains(small: str, levels: int, includes: int, last: str) -> str:
    """`levels` chains, each including the next that often."""
    rows = [f"    c{n}:\n" + f"      - {{include: c{n + 1}}}\n" * includes for n in range(levels)]
    rows.append(f"    c{levels}:\n      - {last}\n")
    return small.replace("    short:\n", f"{''.join(rows)}    short:\n")


@pytest.mark.parametrize(
    ("levels", "includes", "last", "code"),
    [
        (40, 2, "{approve: z, who: head@city}", "E509"),  # 2^40 steps
        (2000, 1, "{approve: z, who: head@city}", "E509"),
        (40, 2, "{include: c0}", "E509"),
        (3, 2, "{include: c0}", "E505"),
    ],
)
def test_includes_that_double_or_never_end_are_refused_at_once(
    small: str, levels: int, includes: int, last: str, code: str
):
    began = perf_counter()
    found = check(chains(small, levels, includes, last)).problems
    assert perf_counter() - began < QUICK
    first = next(problem for problem in found if problem.code == code)
    assert small.splitlines()[first.line - 1 : first.line] != []


def test_what_people_write_is_not_too_large(small: str):
    text = chains(small, 5, 1, "{approve: z, who: head@city}")
    assert not [problem for problem in check(text).problems if problem.code == "E509"]

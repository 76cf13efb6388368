"""Aspects of a proposal under check: every name is told at its place, with the nearest that exists."""

from collections.abc import Callable

import pytest

from engine.errors import Problem

Broken = Callable[..., list[Problem]]

MATERIAL = "  material: [budget]\n"
GOAL = "  material: [budget, goal]\n"
FINANCE = "{approve: finance, label"
LOOKING = "{approve: finance, aspects: [%s], label"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ((MATERIAL, MATERIAL + "  aspects: {money: [budget]}\n"), []),
        (
            (MATERIAL, MATERIAL + "  aspects: {money: [bugdet, budget]}\n"),
            [("E203", "proposal.aspects.money.0", "did you mean budget?")],
        ),
        (
            (MATERIAL, MATERIAL + "  aspects: {money: [budget]}\n", FINANCE, LOOKING % "mony"),
            [("E212", "approval.blocks.both.parallel.0.aspects.0", "did you mean money?")],
        ),
        (
            (FINANCE, LOOKING % "money"),
            [
                (
                    "E212",
                    "approval.blocks.both.parallel.0.aspects.0",
                    "say under proposal: aspects: which fields it has",
                )
            ],
        ),
        (
            (MATERIAL, GOAL + "  aspects: {money: [budget]}\n"),
            [("W809", "proposal.material.1", "put it into one of money")],
        ),
    ],
)
def test_every_name_of_an_aspect_is_known(
    broken: Broken, small: str, changes: tuple[str, ...], told: list[tuple[str, str, str]]
) -> None:
    problems = broken(*changes)
    assert [(one.code, one.at, one.hint) for one in problems] == told
    text = small
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        text = text.replace(old, new)
    names = {"E203": "bugdet", "E212": ("mony", "money"), "W809": "goal"}
    for one in problems:
        assert text.splitlines()[one.line - 1][one.column - 1 :].startswith(names[one.code])

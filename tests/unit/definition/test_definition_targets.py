"""Targets of an evaluation are told at their line where no field of the proposal can hold them."""

import pytest

from engine.definition.check import check
from tests.support import ROOT

SHIPPED = (ROOT / "definitions/telecom-marketing-case.yaml").read_text(encoding="utf-8")
DECLARED = "targets: {reach: form.reach, conversion: form.expected}"


@pytest.mark.parametrize(
    ("targets", "code", "at", "said"),
    [
        ("{reach: form.reech}", "E455", "targets.reach", "the field reech, which the proposal does not have"),
        (
            "{reach: form.reach, conversion: form.budget}",
            "E456",
            "targets.conversion",
            "budget, which is of type money",
        ),
    ],
)
def test_a_target_that_no_field_can_hold_is_told_at_its_line(targets: str, code: str, at: str, said: str) -> None:
    text = SHIPPED.replace(DECLARED, f"targets: {targets}")
    (problem,) = [one for one in check(text, prove=False).problems if one.code == code]
    assert problem.at == f"evaluation.{at}" and said in problem.message
    assert problem.line == next(n for n, line in enumerate(text.splitlines(), 1) if "targets: {" in line)
    assert problem.hint == "name a field of type int: reach, expected"


@pytest.mark.parametrize("targets", ["{profit: form.reach}", "{reach: reach}", "{reach: 5000}"])
def test_what_is_no_target_or_no_field_is_refused(targets: str) -> None:
    found = check(SHIPPED.replace(DECLARED, f"targets: {targets}"), prove=False)
    assert found.definition is None
    assert all(problem.at.startswith("evaluation.targets") for problem in found.problems)

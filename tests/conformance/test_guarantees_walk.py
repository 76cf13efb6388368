"""What is proved of the telecom case holds on the machine, whatever its people do: approvers who change the budget,
returns to anywhere, audiences that drift, resubmissions with other values."""

import random
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.filling import filled
from engine.definition.load import load
from engine.definition.model import Definition
from engine.definition.prove_guarantees import Proved, Prover
from engine.definition.trial import MONDAY, Trial
from engine.errors import CountersignError, InvalidForm
from engine.machine.commands import AudienceFrozen, Decide, StartDelivery, Withdraw
from engine.machine.outcome import Submitted, TaskClosed
from engine.machine.process import Process
from engine.organisation import Workdays
from tests.support import ROOT

TEXT = (ROOT / "definitions/telecom-marketing-case.yaml").read_text(encoding="utf-8")
TELECOM = load(TEXT)
SHORTER = load(TEXT.replace("    resume: at_returner\n", "    resume: changed_aspects\n    shorten: follow\n"))
"""An approver's change may lead to another chain here, also a shorter one."""
CASES = 400
BUDGETS = ("4000", "20000", "60000", "400000", "2000000")
REACHES = (900, 9_000, 60_000, 190_000, 300_000)


def values(chance: random.Random) -> dict[str, Any]:
    return {
        "budget": chance.choice(BUDGETS),
        "reach": chance.choice(REACHES),
        "discount": chance.choice(("0.6", "0.9")),
    }


def move(trial: Trial, chance: random.Random) -> None:
    """What somebody might do next."""
    case, me = trial.case, trial.submitter
    if case.state == "returned":
        trial.submit(trial.read_form(values(chance) if chance.random() < 0.6 else {}, whole=True))
    elif case.state == "targeting":
        target = round(trial.expected(0) * chance.choice((1, 1, 0.3, 1.5, 8)))
        trial.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=target, control=0))
    elif case.state == "ready":
        trial.do(StartDelivery(actor=me, recipients=case.facts["target"]))
    elif chance.random() < 0.03:
        trial.do(Withdraw(actor=me, again=True))
    else:
        task = chance.choice(trial.open_tasks())
        possible = trial.process.decisions(case, task)
        form = None
        decision = "return" if "return" in possible and chance.random() < 0.08 else possible[0]
        to = chance.choice(trial.process.return_targets(case, task.step)) if decision == "return" else "submitter"
        if task.step == "city_vp" and decision == "approve" and chance.random() < 0.5:
            form = {"budget": trial.read_form({"budget": chance.choice(BUDGETS)}, whole=True)["budget"]}
        trial.do(Decide(actor=task.person, task=task.id, decision=decision, remark="so", to=to, form=form))


def approved_in_last_round(trial: Trial) -> set[str]:
    found: set[str] = set()
    for outcome in trial.outcomes:
        for event in outcome.events:
            if isinstance(event, Submitted):
                found = set()
            elif isinstance(event, TaskClosed) and event.task.decision == "approve":
                found.add(event.task.step)
    return found


def delivered(process: Process, seed: int) -> Trial | None:
    """A case that came to its delivery, or None."""
    chance = random.Random(seed)
    trial = Trial(process, proposal=TELECOM.proposal)
    given = values(chance)
    trial.submit(trial.read_form({**filled(TELECOM.proposal, given, MONDAY.date()), **given}, whole=True))
    for _ in range(120):
        if trial.case.state == "delivering":
            return trial
        if trial.case.state not in ("approving", "returned", "targeting", "ready"):
            return None
        try:
            move(trial, chance)
        except InvalidForm:
            continue  # a change that would leave steps out
        except CountersignError as error:
            raise AssertionError(f"seed {seed}: {error.message}") from error
    return None


@pytest.mark.parametrize("definition", [TELECOM, SHORTER], ids=["as shipped", "shorter"])
def test_what_is_proved_holds_whatever_people_do(definition: Definition) -> None:
    assert [type(answer) for answer in Prover(definition).answers] == [Proved] * len(definition.guarantees)
    process = compile_process(definition).bound(Cast(), Workdays(ZoneInfo("Asia/Shanghai")))
    amended = drifted = done = 0
    for seed in range(CASES):
        trial = delivered(process, seed)
        if trial is None:
            continue
        done += 1
        form, approved = trial.case.judged, approved_in_last_round(trial)
        amended += trial.case.editor != trial.submitter
        drifted += trial.case.drift is not None
        budget, reach = Decimal(form["budget"]), form["reach"]
        assert abs(trial.case.facts["target"] - reach) <= reach / 10, seed
        for needed, step in (
            (budget > 1_000_000, "province_gm"),
            (budget > 50_000, "city_finance"),
            (reach > 200_000, "committee"),
        ):
            assert not needed or step in approved, f"seed {seed}: {step}, {budget}, {reach}"
    assert min(done, amended * 4, drifted * 4) > CASES / 4, (done, amended, drifted)

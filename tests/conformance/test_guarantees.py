"""Guarantees over the shipped definitions: what is false is refuted by a case that the machine goes through, what is
true is not refuted.
"""

from importlib import resources

import pytest
from pydantic import TypeAdapter

from engine.definition.check import check
from engine.definition.guarantees import Always, Guarantee
from engine.definition.load import load
from engine.definition.prove_guarantees import NotDecided, Proved, Prover, Refuted
from engine.definition.prove_replay import play
from engine.definition.scenario_run import run_scenarios

TELECOM, EMAIL = "telecom-marketing-case", "hillstrom-email-case"

TRUE = [
    (TELECOM, {"never": "delivering", "before": "province_gm approved", "when": "form.budget > 1000000"}),
    (TELECOM, {"never": "delivering", "before": "city_finance approved", "when": "form.budget > params.city_budget"}),
    (TELECOM, {"never": "filed", "when": "form.budget > params.filing_budget"}),
    (TELECOM, {"never": "filed", "when": "form.discount < 0.7"}),
    (TELECOM, {"never": "delivering", "when": "'call' in form.channels && form.reach > 20000"}),
    (TELECOM, {"never": "approved", "before": "county_head approved"}),
    (TELECOM, {"never": "city_vp asked", "before": "county_head approved"}),
    (TELECOM, {"never": "committee asked", "before": "city_vp approved"}),
    (
        TELECOM,
        {"never": "ready", "before": "city_network approved", "when": "form.reach > 50000"},
    ),
    (TELECOM, {"never": "filed", "before": "city_register acknowledged"}),
    (TELECOM, {"never": "city_network asked", "when": "form.reach <= 50000"}),
    (TELECOM, {"never": "province_gm asked", "when": "form.budget <= 1000000"}),
    (TELECOM, {"if": "form.budget > params.province_budget", "then": "route to_province"}),
    (TELECOM, {"if": "form.reach > 2000 && form.reach <= 200000 && form.budget <= 300000", "then": "route to_city"}),
    (TELECOM, {"if": "form.reach > 200000", "then": "committee approved"}),
    (TELECOM, {"always": "every case ends"}),
    (TELECOM, {"always": "somebody decides"}),
    (EMAIL, {"never": "evaluating", "before": "city_vp approved", "when": "form.budget > params.head_budget"}),
    (EMAIL, {"never": "filed"}),
    (EMAIL, {"always": "every case ends"}),
]
FALSE = [
    (TELECOM, {"never": "delivering", "before": "province_gm approved", "when": "form.budget >= 1000000"}),
    (TELECOM, {"never": "delivering", "before": "city_finance approved", "when": "form.budget > 4999.99"}),
    (TELECOM, {"never": "filed"}),
    (TELECOM, {"never": "filed", "when": "form.discount <= 0.7"}),
    (TELECOM, {"never": "delivering", "when": "'call' in form.channels && form.reach > 19999"}),
    (TELECOM, {"never": "approved", "before": "province_register acknowledged"}),
    (TELECOM, {"never": "city_vp asked", "before": "city_network approved"}),
    (TELECOM, {"never": "committee asked", "before": "province_gm approved"}),
    (
        TELECOM,
        {"never": "ready", "before": "city_network approved", "when": "form.reach >= 50000"},
    ),
    (TELECOM, {"never": "closed", "before": "county_head approved"}),
    (TELECOM, {"never": "county_head asked", "when": "form.budget <= 5000 && form.reach <= 2000"}),
    (TELECOM, {"never": "paused", "when": "form.channels.all(c, c in ['sms', 'call'])"}),
    (TELECOM, {"never": "returned", "before": "county_head approved"}),
    (TELECOM, {"if": "form.budget > 50000", "then": "route to_city"}),
    (TELECOM, {"if": "form.discount < 0.7", "then": "route to_city"}),
    (TELECOM, {"if": "form.window.to - form.window.from > duration('90d')", "then": "city_vp asked"}),
    (TELECOM, {"always": "nobody decides twice"}),
    (EMAIL, {"never": "evaluating", "before": "city_vp approved", "when": "form.budget >= params.head_budget"}),
    (EMAIL, {"never": "rejected", "before": "county_head approved"}),
    (EMAIL, {"always": "nobody decides twice"}),
]
REVIEWED, PAYMENT = "examples/reviewed-marketing-case", "examples/payment-approval"
OWN_TRUE = [
    (REVIEWED, {"never": "targeting", "before": "legal_review"}),
    (REVIEWED, {"never": "evaluating", "before": "quiet"}),
    (REVIEWED, {"never": "delivering", "before": "province_gm approved", "when": "form.budget > 1000000"}),
    (REVIEWED, {"never": "legal_review", "before": "county_head approved", "when": "form.budget > 5000"}),
    (REVIEWED, {"if": "form.reach > 200000", "then": "committee approved"}),
    (REVIEWED, {"always": "every case ends"}),
    (REVIEWED, {"always": "somebody decides"}),
    (PAYMENT, {"never": "paid", "before": "final_approved"}),
    (PAYMENT, {"never": "payment_requested", "before": "submitted"}),
    (PAYMENT, {"never": "returned", "before": "rejected"}),
    (PAYMENT, {"never": "cancelled"}),
]
OWN_FALSE = [
    (REVIEWED, {"never": "targeting", "before": "city_vp approved"}),
    (REVIEWED, {"never": "returned", "before": "county_head approved"}),
    (REVIEWED, {"never": "evaluating", "before": "committee approved"}),
    (REVIEWED, {"never": "quiet"}),
    (REVIEWED, {"never": "withdrawn", "before": "legal_review"}),
    (PAYMENT, {"never": "paid", "before": "supervisor_approved"}),
    (PAYMENT, {"never": "sent_back"}),
    (PAYMENT, {"never": "rejected"}),
    (PAYMENT, {"never": "payment_requested", "before": "budget_approved"}),
    (PAYMENT, {"never": "draft"}),
]
_provers: dict[str, Prover] = {}


def _prover(name: str) -> Prover:
    if name not in _provers:
        text = (resources.files("definitions") / f"{name}.yaml").read_text(encoding="utf-8")
        _provers[name] = Prover(load(text, prove=False))
    return _provers[name]


def _guarantee(written: dict[str, str]) -> Guarantee:
    return TypeAdapter(Guarantee).validate_python(written)  # type: ignore[no-any-return]  # an annotated union


def test_there_are_twenty_of_each() -> None:
    assert len(TRUE) == len(FALSE) == 20


@pytest.mark.parametrize(("name", "written"), [*FALSE, *OWN_FALSE], ids=str)
def test_a_false_guarantee_is_refuted_by_a_case_the_machine_goes_through(name: str, written: dict[str, str]) -> None:
    prover = _prover(name)
    guarantee = _guarantee(written)
    answer = prover.answer(guarantee)
    assert isinstance(answer, Refuted), answer
    parsed = prover.definition.proposal.parse(answer.form, whole=True)
    assert (parsed.values, parsed.problems) == (answer.form, ())
    if not isinstance(guarantee, Always):
        run = play(prover.process, answer.form, answer.events)
        assert answer.came_to.removeprefix("route ") in (
            run.route,
            *(f"{one.name} {one.happening}".strip() for one in run.happened),
        )


def test_no_true_guarantee_is_refuted_and_almost_all_are_proved(capsys: pytest.CaptureFixture[str]) -> None:
    answers = [(written, _prover(name).answer(_guarantee(written))) for name, written in TRUE]
    proved = sum(isinstance(answer, Proved) for _, answer in answers)
    with capsys.disabled():
        print(f" [{proved} of {len(TRUE)} true guarantees proved]", end="")
    assert [answer for answer in answers if isinstance(answer[1], Refuted)] == []
    assert proved >= 19


@pytest.mark.parametrize(("name", "written"), OWN_TRUE, ids=str)
def test_a_true_guarantee_over_a_declared_lifecycle_is_proved(name: str, written: dict[str, str]) -> None:
    assert isinstance(_prover(name).answer(_guarantee(written)), Proved)


def test_a_form_that_cannot_be_submitted_breaks_that_every_case_ends() -> None:
    text = (resources.files("definitions") / f"{EMAIL}.yaml").read_text(encoding="utf-8")
    text = text.replace(
        '"form.budget > params.head_budget"', '"size(form.goal) > 3 || form.budget > params.head_budget"'
    )
    answer = Prover(load(text, prove=False)).answer(Always(always="every case ends"))
    assert isinstance(answer, Refuted)
    assert "goal" not in answer.form
    assert "it cannot be submitted" in str(answer)


def test_what_cannot_be_carried_over_is_not_decided_and_never_proved() -> None:
    text = (resources.files("definitions") / f"{EMAIL}.yaml").read_text(encoding="utf-8")
    text = text.replace(
        '"form.budget > params.head_budget"', "\"form.budget > params.head_budget || form.title.matches('^x')\""
    )
    answer = Prover(load(text, prove=False)).answer(_guarantee({"never": "filed"}))
    assert isinstance(answer, NotDecided)
    assert "matches" in answer.reason


def test_the_check_tells_a_broken_guarantee_at_its_line_and_a_proved_one_not_at_all() -> None:
    text = (resources.files("definitions") / f"{EMAIL}.yaml").read_text(encoding="utf-8")
    added = 'guarantees:\n  - {never: filed}\n  - {never: approved, before: "city_vp approved"}\n  - {never: aproved}\n'
    first, *rest = [problem for problem in check(text + added).problems if problem.at.startswith("guarantees")]
    assert (first.code, first.line, rest) == ("E241", text.count("\n") + 4, [])
    assert first.hint == "did you mean approved?"
    added = added.replace("  - {never: aproved}\n", "")
    (broken,) = check(text + added).problems
    assert (broken.code, broken.line) == ("E508", text.count("\n") + 3)
    assert "submit, county_head approve -> approved" in broken.message


def test_the_scenarios_of_the_shipped_definition_still_pass_beside_its_guarantees() -> None:
    text = (resources.files("definitions") / f"{TELECOM}.yaml").read_text(encoding="utf-8")
    checked = check(text)
    assert checked.problems == ()
    assert checked.definition is not None
    assert len(checked.definition.guarantees) == 5
    assert run_scenarios(checked.definition, checked.document, TELECOM).passed

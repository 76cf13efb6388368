"""A case whose customers come from what became of an earlier one, through the service, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from engine import clock
from engine.definition.load import load
from engine.service import approvals, cases, estimating, proposals, selecting
from engine.service.app import Countersign
from engine.service.responses import import_responses
from engine.store.session import Database
from engine.warehouse.freeze import Frozen
from tests.acceptance.email_case import FORM, handed_off, load_customers
from tests.acceptance.offices import in_force, key, notices, open_task, opened, state_of, viewer

SHIPPED = (resources.files("definitions") / "hillstrom-email-case.yaml").read_text("utf-8").partition("\ntests:")[0]
NAME = "second-look"


def asking(feedback: str, name: str = NAME) -> str:
    """The definition of a case that takes its customers from an earlier one."""
    text = SHIPPED.replace("name: hillstrom-email-case", f"name: {name}")
    text = text.replace('source: {rule: "true"}', f"source: {{feedback: {feedback}}}")
    text = text.replace("mens: \"c.segment == 'Mens E-Mail'\"\n    wo", "wo")
    text = text.replace("womens: \"c.segment == 'Womens E-Mail'\"\n    none", "all")
    text = text.replace("  control: {assigned: \"c.segment == 'No E-Mail'\"}\n", "")
    prior = "    prior: {type: ref, to: case, label: {zh: 前一方案, en: Earlier case}}\n"
    return text.replace("    reach:\n", f"{prior}    reach:\n", 1).partition("\nevaluation:")[0]


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        load_customers(app, tmp_path)
        yield app


@pytest.fixture
def prior(app: Countersign, tmp_path: Path) -> str:
    """The number of a case of 600 customers, of whom 1 answered, 2 and 4 bought (which it measures by files), 5 opted
    out and 7 came, an hour ago."""
    case_id = handed_off(app)
    clock.move(tmp_path / "clock", timedelta(days=1))
    at = (app.now() - timedelta(hours=1)).isoformat()
    did = [(1, "response", ""), (2, "conversion", "1"), (4, "conversion", "1"), (5, "opt_out", ""), (7, "visit", "1")]
    rows = "".join(f"{customer},{kind},{at},{value},r{customer}\n" for customer, kind, value in did)
    report = import_responses(
        app, viewer(app, "wangmin"), case_id, f"customer,kind,at,value,reference\n{rows}".encode()
    )
    assert (report.recorded, report.outcomes, report.bad) == (2, 3, ())
    with app.db.read() as tx:
        from engine.store import cases as store

        number = store.load(tx, case_id).number
    assert number is not None
    return number


def frozen(app: Countersign, feedback: str, **form: Any) -> Frozen | str:
    """The audience of a case with these sources, frozen; or why there is none."""
    in_force(app, load(asking(feedback)))
    made = proposals.start(app, viewer(app, "wangmin"), NAME, key=key())
    proposals.submit(app, viewer(app, "wangmin"), made, FORM | form, key=key())
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    notices(app)
    if state_of(app, made) == "targeting":
        return cases.case_page(app, viewer(app, "wangmin"), made).waiting.reason
    return selecting.frozen_audience(app, made)


def customers(found: Frozen | str) -> list[str]:
    assert isinstance(found, Frozen), found
    return [str(row) for batch in found.batches() for row in batch["customer"].to_pylist()]


COUNTS = {
    "contacted": 600,
    "delivered": 600,
    "failed": 0,
    "unknown": 0,
    "suppressed": 0,
    "responded": 1,
    "no_response": 599,
    "converted": 2,
    "visit": 1,
    "opted_out": 1,
    "complained": 0,
}


def test_customers_are_counted_by_their_outcome(app: Countersign, prior: str):
    for outcome, count in COUNTS.items():
        name = f"look-{outcome.replace('_', '-')}"
        in_force(app, load(asking(f"{{of: form.prior, outcome: {outcome}}}", name)))
        assert drafted(app, name, prior).target == count, outcome


def drafted(app: Countersign, name: str, prior: str) -> estimating.Estimate:
    submitter = viewer(app, "wangmin")
    made = proposals.start(app, submitter, name, key=key())
    proposals.save(app, submitter, made, FORM | {"prior": prior}, key=key())
    return estimating.estimate(app, submitter, made)


def test_the_customers_of_an_outcome_are_the_list(app: Countersign, prior: str):
    assert customers(frozen(app, "{of: form.prior, outcome: converted, wave: hand_off}", prior=prior)) == ["2", "4"]


def test_what_a_case_measures_by_files_has_no_time(app: Countersign, prior: str):
    told = frozen(app, "{of: form.prior, outcome: converted, within: 7d}", prior=prior)
    assert f"case {prior} measures conversion without saying when" in told and "leave within out" in told


def test_where_the_list_came_from_stands_in_its_manifest(app: Countersign, prior: str):
    found = frozen(app, "{of: form.prior, outcome: responded, wave: hand_off, within: 7d}", prior=prior)
    assert isinstance(found, Frozen)
    (told,) = [one for one in found.manifest.inputs if one.lineage]
    since = (found.manifest.as_of[:10], told.lineage.pop("since")[:10])
    assert told.lineage == {"case": prior, "outcome": "responded", "wave": "hand_off"}
    assert since[1] < since[0]
    assert (told.rows, told.table, len(told.sha256)) == (1, "feedback_1", 64)
    assert (found.folder / told.path).exists()
    assert next(one for one in found.manifest.inputs if one.table == "customers").lineage == {}


def test_what_is_too_long_ago_does_not_count(app: Countersign, prior: str, tmp_path: Path):
    clock.move(tmp_path / "clock", timedelta(days=9))
    found = frozen(app, "{of: form.prior, outcome: responded, within: 7d}", prior=prior)
    assert found == "The selection ended without a result: the source has none of the 900 customers."


def test_a_wave_that_there_is_not_is_told_with_those_there_are(app: Countersign, prior: str):
    told = frozen(app, "{of: form.prior, outcome: responded, wave: first}", prior=prior)
    assert f"case {prior} has no wave first" in told and "it has hand_off" in told


def test_a_hidden_case_looks_like_one_that_is_not_there(app: Countersign, prior: str):
    hidden = proposals.start(app, viewer(app, "emily"), "hillstrom-email-case", key=key())
    told = [
        frozen(app, "{of: form.prior, outcome: responded}", prior=name).replace(name, "NAME")
        for name in (hidden, "350121-2020-99999")
    ]
    assert told[0] == told[1]
    assert "there is no case NAME" in told[0]


def test_an_empty_field_is_told(app: Countersign):
    assert "prior is empty" in frozen(app, "{of: form.prior, outcome: responded}")


def test_a_count_of_a_case_that_is_not_there_says_so(app: Countersign):
    in_force(app, load(asking("{of: form.prior, outcome: no_response}")))
    assert "there is no case nothing" in drafted(app, NAME, "nothing").failed

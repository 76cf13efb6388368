"""A new version is tried on the history of the cases there are, and nothing of them changes."""

from pathlib import Path

import pytest

from engine.definition.load import load
from engine.definition.model import Definition
from engine.errors import Invalid, NotFound
from engine.service import approvals
from engine.service.app import Countersign
from engine.service.what_if import Comparison, what_if
from engine.store.history import verify
from tests.acceptance.offices import key, open_task, opened, submitted, viewer
from tests.acceptance.test_migrating import SHIPPED, case_of


def version(*replacements: str) -> Definition:
    text = SHIPPED.replace("\nversion: 3\n", "\nversion: 4\n")
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert old in text, old
        text = text.replace(old, new)
    return load(f"{text}\n")


def decide(app: Countersign, login: str, decision: str = "approve") -> None:
    remark = "预算过高" if decision == "reject" else ""
    task = open_task(app, login)
    approvals.decide(app, viewer(app, login), task, decision, remark=remark, seen_seq=None, key=key())  # type: ignore[arg-type]  # a word of Decision


def tried(app: Countersign, definition: Definition) -> Comparison:
    (found,) = what_if(app, viewer(app, "machao"), definition)
    return found


def test_a_version_that_decides_alike_makes_no_difference(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app)
        decide(app, "liguoqiang")
        one = tried(app, version("zh: 电信营销案", "zh: 营销案"))
        assert not one.differs
        assert one.after.refused is None
        assert one.before.asked == tuple((task.step, task.person) for task in case_of(app, case_id).tasks if task.signs)


def test_who_would_be_asked_instead_and_what_it_would_wait_for_is_told(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        case_id = submitted(app)
        decide(app, "liguoqiang")
        before = case_of(app, case_id)
        one = tried(app, version('who: "head@county"', 'who: "role:marketing@city"'))
        assert one.no_longer_asked[0] == ("county_head", "liguoqiang")
        assert one.asked_as_well == (("county_head", "zhengkai"),)
        assert one.after.unused == (("county_head", "liguoqiang"),)
        assert one.after.waiting == (("county_head", "zhengkai"),)
        assert case_of(app, case_id) == before
        with app.db.read() as tx:
            assert verify(tx, case_id) is None


def test_another_chain_is_named_also_for_a_case_that_has_ended(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        submitted(app)
        decide(app, "liguoqiang", "reject")
        one = tried(app, version('province_budget: "300000.00"', 'province_budget: "60000.00"'))
        assert (one.before.route, one.after.route) == ("to_city", "to_province")
        assert (one.before.state, one.after.state) == ("rejected", "rejected")
        assert one.differs


def test_a_form_that_would_not_be_valid_is_told_with_its_reason(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        submitted(app)
        longer = version(
            "  material: [", "    reason: {type: text, label: {zh: 理由, en: Reason}, required: true}\n  material: ["
        )
        one = tried(app, longer)
        assert one.after.state == "draft"
        assert one.after.refused is not None
        assert (one.after.refused.seq, one.after.refused.command) == (2, "Submit")


def test_only_authors_may_ask_and_a_name_without_cases_is_told(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path) as app:
        with pytest.raises(Invalid) as told:
            what_if(app, viewer(app, "machao"), version())
        assert "telecom-marketing-case has no submitted case" in str(told.value.problems[0])
        submitted(app)
        with pytest.raises(NotFound):
            what_if(app, viewer(app, "wangmin"), version())

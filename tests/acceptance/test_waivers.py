"""Waivers of the grey list: asked for by one, granted by another, for one case, its selection and its messages."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.definition.load import load
from engine.errors import InvalidForm, NotFound, OwnWaiver, WaiverWaits
from engine.service import approvals, people, proposals, selecting, suppressing, waiving
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.store import cases, suppression
from engine.store import people as store
from engine.store.session import Database
from tests.acceptance.offices import in_force, key, notices, open_task, opened, viewer
from tests.acceptance.sealed_case import DEFINITION, FORM, take_in

CALLED = "called too often"


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        in_force(app, load(DEFINITION))
        take_in(app)
        for customer in ("C0001", "C0002", "C0003"):
            suppressing.add(app, OPERATOR, kind="grey", customer=customer, reason=CALLED)
        suppressing.add(app, OPERATOR, kind="grey", customer="C0004", reason="moving house")
        suppressing.add(app, OPERATOR, kind="black", customer="C0005", reason="complaint")
        yield app


def by(app: Countersign, login: str) -> By:
    return By(people.viewer_named(app, login), key=key())


def submitted(app: Countersign) -> str:
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    proposals.submit(app, me, made, FORM, key=key())
    return made


def approved(app: Countersign, case_id: str) -> set[str]:
    """Who is in the frozen list, of both arms."""
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    notices(app)
    return {one for batch in selecting.frozen_list(app, case_id) for one in batch["customer"].to_pylist()}


def only(app: Countersign) -> int:
    (one,) = (view for view in waiving.listed(app, by(app, "machao")) if view.state == "open")
    return one.id


def test_a_waived_customer_is_selected_and_messaged_in_that_case_and_in_no_other(app: Countersign) -> None:
    made, other = submitted(app), submitted(app)
    waiving.ask(app, by(app, "wangmin"), case=made, customer="C0001", reason="asked in the hall")
    waiving.decide(app, by(app, "machao"), only(app), grant=True)
    assert {"C0001", "C0002", "C0004", "C0005"} & approved(app, made) == {"C0001"}
    assert "C0001" not in approved(app, other)
    grey = ("C0001", "C0002")
    with app.db.read() as tx:
        assert suppression.suppressed(tx, grey, app.now(), channel="sms", case_id=made) == {"C0002"}
        assert suppression.suppressed(tx, grey, app.now(), channel="sms", case_id=other) == set(grey)
        assert suppression.suppressed(tx, grey, app.now(), channel="sms") == set(grey)


def test_the_snapshot_of_the_run_shows_what_was_waived(app: Countersign) -> None:
    made = submitted(app)
    waiving.ask(app, by(app, "wangmin"), case=made, grey_reason=CALLED, reason="a service notice")
    waiving.decide(app, by(app, "machao"), only(app), grant=True)
    assert {"C0001", "C0002", "C0003", "C0004"} & approved(app, made) == {"C0001", "C0002", "C0003"}
    rows = pq.read_table(selecting.frozen_audience(app, made).folder / "greylist.parquet").to_pylist()
    assert {row["customer"]: row["channel"] for row in rows} == {
        "C0001": suppression.WAIVED, "C0002": suppression.WAIVED, "C0003": suppression.WAIVED, "C0004": "",
    }  # fmt: skip


def test_what_waits_or_was_refused_waives_nobody(app: Countersign) -> None:
    made = submitted(app)
    waiving.ask(app, by(app, "wangmin"), case=made, customer="C0001", reason="x")
    waiving.ask(app, by(app, "wangmin"), case=made, customer="C0002", reason="x")
    newest = waiving.listed(app, by(app, "machao"))[0]
    waiving.decide(app, by(app, "machao"), newest.id, grant=False)
    with pytest.raises(NotFound):
        waiving.decide(app, by(app, "machao"), newest.id, grant=True)
    assert not {"C0001", "C0002"} & approved(app, made)


def test_nobody_grants_what_they_asked_for_or_their_own_case(app: Countersign) -> None:
    made = submitted(app)
    waiving.ask(app, by(app, "machao"), case=made, customer="C0001", reason="x")
    with pytest.raises(OwnWaiver):
        waiving.decide(app, by(app, "machao"), only(app), grant=True)
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "wangmin", "role": "administrator", "office": "440111"}])
    with pytest.raises(OwnWaiver):  # who made the case
        waiving.decide(app, by(app, "wangmin"), only(app), grant=True)
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "xuwen", "role": "administrator", "office": "440000"}])
    waiving.decide(app, by(app, "xuwen"), only(app), grant=True)
    assert waiving.listed(app, by(app, "xuwen"))[0].state == "granted"


def test_what_cannot_be_waived_is_told_before_anybody_is_asked(app: Countersign) -> None:
    made = submitted(app)
    for wrong, code in (
        ({"customer": "C0005"}, "waiver_black"),
        ({"customer": "C0009"}, "waiver_not_grey"),
        ({"grey_reason": "complaint"}, "waiver_no_reason"),
        ({}, "waiver_scope"),
        ({"customer": "C0001", "grey_reason": CALLED}, "waiver_scope"),
        ({"customer": "C 1"}, "customer_id"),
    ):
        with pytest.raises(InvalidForm) as refused:
            waiving.ask(app, by(app, "wangmin"), case=made, **wrong, reason="x")
        assert code in [one.code for one in refused.value.problems]
    with pytest.raises(InvalidForm):
        waiving.ask(app, by(app, "wangmin"), case=made, customer="C0001", reason=" ")
    for login, case in (("emily", made), ("wangmin", "nothing")):
        with pytest.raises(NotFound):
            waiving.ask(app, by(app, login), case=case, customer="C0001", reason="x")
    assert waiving.listed(app, by(app, "machao")) == ()


def test_asked_twice_it_waits_once_and_the_same_form_twice_is_one(app: Countersign) -> None:
    made = submitted(app)
    form = by(app, "wangmin")
    for _ in range(2):
        waiving.ask(app, form, case=made, customer="C0001", reason="x")
    with pytest.raises(WaiverWaits):
        waiving.ask(app, by(app, "wangmin"), case=made, customer="C0001", reason="again")
    assert len(waiving.listed(app, by(app, "machao"), made)) == 1


def test_a_waiver_is_over_with_its_case(app: Countersign) -> None:
    made = submitted(app)
    waiving.ask(app, by(app, "wangmin"), case=made, customer="C0001", reason="x")
    waiving.decide(app, by(app, "machao"), only(app), grant=True)
    proposals.withdraw(app, viewer(app, "wangmin"), made, reason="not now", key=key())
    with app.db.read() as tx:
        assert cases.load(tx, made).state == "withdrawn"
    assert waiving.listed(app, by(app, "machao"), made)[0].state == "over"

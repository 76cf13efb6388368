"""Confidential cases: readers are named, an embargo keeps the office out, and whoever looks is recorded."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.app import create_app
from engine.errors import InvalidForm, NotFound
from engine.service import access, approvals, cases, explaining
from engine.service.app import Countersign
from engine.store import readers, tables
from tests.acceptance.offices import opened, viewer
from tests.api.desk import Desk
from tests.security import small_cases
from tests.security.signed_in import later, session

OFFICE = ("liguoqiang", "sunli", "gaoyuan", "zhouning")  # at the offices on the way up
OTHERS = ("emily", "hejing")


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path, shipped=False) as application:
        small_cases.published(application, "secret-case", visibility="confidential")
        small_cases.published(application, "open-case")
        yield application


def sees(app: Countersign, login: str, case_id: str) -> bool:
    """Whether a person finds the case in their list; its page must say the same."""
    who = viewer(app, login)
    listed = case_id in {row.id for row in cases.listed(app, who)}
    try:
        cases.case_page(app, who, case_id)
        opened = True
    except NotFound:
        opened = False
    assert listed == opened
    return listed


def day(app: Countersign, days: int) -> str:
    return (app.now().astimezone(app.settings.zone).date() + timedelta(days=days)).isoformat()


def test_a_named_reader_sees_the_case_until_removed(app: Countersign):
    case_id = small_cases.submitted(app, "secret-case")
    assert not sees(app, "emily", case_id)
    access.name_reader(app, viewer(app, "wangmin"), case_id, "emily")
    access.name_reader(app, viewer(app, "wangmin"), case_id, "emily")
    assert sees(app, "emily", case_id)
    assert [one.person for one in access.access_of(app, viewer(app, "emily"), case_id).readers] == ["emily"]
    access.remove_reader(app, viewer(app, "liguoqiang"), case_id, "emily")
    assert not sees(app, "emily", case_id)
    with pytest.raises(NotFound):
        access.remove_reader(app, viewer(app, "liguoqiang"), case_id, "emily")
    with app.db.read() as tx:
        row = tx.execute(sa.select(tables.case_readers)).one()
    assert (row.named_by, row.removed_by) == ("wangmin", "liguoqiang")


def test_only_the_submitter_and_the_heads_of_the_office_name_readers(app: Countersign):
    case_id = small_cases.submitted(app, "secret-case")
    for login in ("sunli", "emily", "xuwen", "machao", "zhanglan"):
        with pytest.raises(NotFound):
            access.name_reader(app, viewer(app, login), case_id, "emily")
        with pytest.raises(NotFound):
            access.set_embargo(app, viewer(app, login), case_id, "")
    access.name_reader(app, viewer(app, "liguoqiang"), case_id, "emily")
    with pytest.raises(InvalidForm):
        access.name_reader(app, viewer(app, "wangmin"), case_id, "nobody")
    with pytest.raises(NotFound):
        access.name_reader(app, viewer(app, "wangmin"), small_cases.submitted(app, "open-case"), "emily")


def test_before_its_embargo_ends_the_office_does_not_see_a_case_and_after_it_does(app: Countersign, tmp_path: Path):
    case_id = small_cases.submitted(app, "secret-case")
    assert all(sees(app, login, case_id) for login in OFFICE)
    access.set_embargo(app, viewer(app, "wangmin"), case_id, day(app, 3))
    seen = {login for login in ("wangmin", *OFFICE, *OTHERS, "xuwen", "machao") if sees(app, login, case_id)}
    assert seen == {"wangmin", "liguoqiang", "xuwen", "machao"}  # the county's head is asked, so on the route
    access.name_reader(app, viewer(app, "wangmin"), case_id, "emily")
    assert sees(app, "emily", case_id)
    later(tmp_path, timedelta(days=4))
    assert all(sees(app, login, case_id) for login in OFFICE)


def test_an_embargo_is_moved_and_lifted_and_every_setting_is_kept(app: Countersign):
    case_id = small_cases.submitted(app, "secret-case")
    for until in (day(app, 3), day(app, 9), ""):
        access.set_embargo(app, viewer(app, "wangmin"), case_id, until)
    assert sees(app, "sunli", case_id)
    with app.db.read() as tx:
        assert readers.embargo(tx, case_id) is None
        assert len(tx.execute(sa.select(tables.case_embargoes)).all()) == 3
    for wrong in ("yesterday", "2020-01-01", "2026-13-01", "9999-01-01", day(app, 0), "2026-12-01T00:00"):
        with pytest.raises(InvalidForm):
            access.set_embargo(app, viewer(app, "wangmin"), case_id, wrong)


def test_an_open_case_is_seen_by_everybody_once_it_was_submitted(app: Countersign):
    draft, sent = small_cases.drafted(app, "open-case"), small_cases.submitted(app, "open-case")
    assert not sees(app, "emily", draft)
    assert sees(app, "emily", sent)


def test_looks_are_recorded_once_per_person_and_hour_with_their_address(app: Countersign, tmp_path: Path):
    case_id = small_cases.submitted(app, "secret-case")
    task = approvals.inbox(app, viewer(app, "liguoqiang")).to_do[0].id
    with Desk(create_app(app)) as browser:
        session(app, browser, "liguoqiang")
        for path in (
            f"/cases/{case_id}",
            f"/cases/{case_id}?tab=history",
            f"/tasks/{task}",
            f"/api/v1/cases/{case_id}",
        ):
            assert browser.get(path).status_code == 200
    looks = access.access_of(app, viewer(app, "wangmin"), case_id).looks
    assert looks is not None
    assert [(one.name, one.address) for one in looks] == [("李国强", "testclient")]
    later(tmp_path, timedelta(hours=1))
    cases.case_page(app, viewer(app, "liguoqiang"), case_id)
    looks = access.access_of(app, viewer(app, "xuwen"), case_id).looks
    assert looks is not None
    assert len(looks) == 2


def test_every_way_to_read_a_confidential_case_is_recorded(app: Countersign):
    case_id = small_cases.submitted(app, "secret-case")
    task = approvals.inbox(app, viewer(app, "liguoqiang")).to_do[0].id
    cases.case_page(app, viewer(app, "sunli"), case_id)
    approvals.sheet(app, viewer(app, "gaoyuan"), task)
    explaining.explain(app, viewer(app, "zhouning"), case_id)
    cases.case_page(app, viewer(app, "wangmin"), case_id)  # their own
    assert {one.name for one in access.record(app).looks} == {"孙莉", "高远", "周宁"}


def test_looking_at_an_open_case_leaves_no_record_and_has_no_readers(app: Countersign):
    case_id = small_cases.submitted(app, "open-case")
    cases.case_page(app, viewer(app, "emily"), case_id)
    assert access.record(app).looks == ()
    with pytest.raises(NotFound):
        access.access_of(app, viewer(app, "wangmin"), case_id)


def test_only_submitter_auditors_and_administrators_see_who_looked(app: Countersign):
    case_id = small_cases.submitted(app, "secret-case")
    shown = {
        login: access.access_of(app, viewer(app, login), case_id).looks is not None
        for login in ("wangmin", "liguoqiang", "sunli", "xuwen", "machao")
    }
    assert shown == {"wangmin": True, "liguoqiang": False, "sunli": False, "xuwen": True, "machao": True}


def test_the_card_of_the_case_page_names_removes_and_sets_an_embargo(app: Countersign):
    case_id = small_cases.submitted(app, "secret-case")
    with Desk(create_app(app)) as browser:
        session(app, browser, "wangmin")
        page = f"/cases/{case_id}"
        assert "Emily Chen" in browser.fill_in(page, f"{page}/readers", person="emily").text
        wrong = browser.fill_in(page, f"{page}/readers", person="<script>alert(1)</script>")
        assert wrong.status_code == 422
        assert "<script>alert" not in wrong.text
        removed = browser.get(page)
        fields = browser.form(removed, f"{page}/readers/remove")
        assert fields["person"] == "emily"
        assert "Emily Chen" not in browser.post(f"{page}/readers/remove", data=fields).text
        assert "限期保密至" in browser.fill_in(page, f"{page}/embargo", until=day(app, 2)).text
        assert browser.fill_in(page, f"{page}/embargo", until="soon").status_code == 422


def test_scripts_name_and_remove_readers_and_void_links(app: Countersign):
    case_id = small_cases.submitted(app, "secret-case")
    with Desk(create_app(app)) as browser:
        token = session(app, browser, "wangmin")
        browser.cookies.clear()
        browser.headers["Authorization"] = f"Bearer {token}"
        path = f"/api/v1/cases/{case_id}"
        assert browser.post(f"{path}/readers", json={"person": "emily"}).json()["readers"][0]["person"] == "emily"
        assert browser.put(f"{path}/embargo", json={"until": day(app, 5)}).json()["embargo"]
        assert browser.get(f"{path}/access").json()["may_change"] is True
        assert browser.delete(f"{path}/readers/emily").json()["readers"] == []
        assert browser.delete(f"{path}/readers/emily").status_code == 404
        assert browser.post("/api/v1/links/void", json={}).json() == {"void": 0}
        assert browser.post("/api/v1/links/void", json={"person": "liguoqiang"}).status_code == 404
        assert browser.get("/api/v1/access").status_code == 404

"""What submitters do in a browser without JavaScript, and as scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from engine.service import proposals
from engine.service.app import Countersign
from tests.acceptance.all_fields import NAME, PDF, published
from tests.api.cases import FORM, key, submitted, viewer
from tests.api.desk import Desk
from tests.api.test_api_rest import script
from tests.support import THIS_YEAR

Desks = Callable[..., Desk]


@pytest.fixture
def draft(app: Countersign) -> str:
    published(app)
    return proposals.start(app, viewer(app, "wangmin"), NAME, key=key())


def typed(**more: Any) -> dict[str, Any]:
    return {"title": "元旦", "budget": "12000", "window[from]": "2026-12-20", "window[to]": "2027-01-03", **more}


def test_a_table_a_file_and_a_name_are_filled_in_without_scripts(desk: Desks, app: Countersign, draft: str):
    me, form = desk("wangmin"), f"/cases/{draft}/edit"
    cells = {"shops[0][shop]": "一店", "shops[0][gifts]": "x", "shops[1][shop]": "", "shops[2][shop]": "二店"}
    data = me.form(me.get(form), form) | typed(owner="郑", place="公司", action="save", **cells)
    answer = me.post(form, data=data, files=[("papers[file]", ("合同.pdf", PDF, "text/html"))])
    assert answer.status_code == 200
    assert "“x” is not a whole number" in answer.text and "“公司” may mean several" in answer.text
    assert 'name="place[pick]" value="440111"' in answer.text
    assert 'value="x"' in answer.text and 'value="二店"' in answer.text
    fields = {field.name: field.raw for field in proposals.form(app, viewer(app, "wangmin"), draft).fields}
    assert (fields["owner"], fields["papers"][0]["type"]) == ("zhengkai", "application/pdf")
    paper, other = f"/cases/{draft}/files/{fields['papers'][0]['id']}", desk("emily")
    assert other.get(paper).status_code == 404  # of an open kind, but nobody else sees a draft
    data = me.form(answer, form) | typed(
        **{"owner": "zhengkai", "place": "公司", "place[pick]": "440111", "action": "submit"},
        **{"papers[]": ["", fields["papers"][0]["id"]], "shops[0][shop]": "一店", "shops[0][cost]": "9.5"},
    )
    case = me.post(form, data=data)
    assert case.url.path == f"/cases/{draft}"
    assert "合同.pdf" in case.text and "¥9.50" in case.text
    file = me.get(paper)
    assert file.content == other.get(paper).content == PDF
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_is_too_large_is_told_and_nothing_typed_is_lost(desk: Desks, draft: str):
    me, form = desk("wangmin"), f"/cases/{draft}/edit"
    data = me.form(me.get(form), form) | typed(title="Kept", action="submit")
    answer = me.post(form, data=data, files=[("papers[file]", ("big.pdf", PDF + b"0" * 21 * 2**20, "application/pdf"))])
    assert "“big.pdf” is larger than 20 MB" in answer.text
    assert 'value="Kept"' in answer.text
    assert 'value="Kept"' in me.get(form).text


def test_a_second_window_is_told_and_keeps_what_was_typed(desk: Desks, draft: str):
    me, form = desk("wangmin"), f"/cases/{draft}/edit"
    first, second = me.form(me.get(form), form), me.form(me.get(form), form)
    assert me.post(form, data=first | typed(title="First", action="save")).status_code == 200
    told = me.post(form, data=second | typed(title="Second", action="save"))
    assert told.status_code == 409
    assert "saved meanwhile: First" in told.text and 'value="Second"' in told.text
    assert me.post(form, data=me.form(told, form) | typed(title="Second", action="save")).status_code == 200
    assert 'value="Second"' in me.get(form).text


def test_the_journey_from_a_copy_to_urging(desk: Desks, app: Countersign):
    source, me = submitted(app), desk("wangmin")
    form = me.fill_in("/cases/new?q=Autumn", "/cases/copy", case=source)
    assert f"Taken over from 440111-{THIS_YEAR}-00001." in form.text
    assert 'value="Autumn data package"' in form.text
    urged = me.fill_in(f"/cases/{source}", f"/cases/{source}/urge")
    assert "urged those whom the case waits for" in urged.text
    again = me.post(
        f"/cases/{source}/urge", data={"csrf": me.form(urged, f"/cases/{source}/withdraw")["csrf"], "key": key()}
    )
    assert again.status_code == 409
    assert "They were urged already" in again.text
    recalled = me.fill_in(f"/cases/{source}", f"/cases/{source}/recall", reason="typo")
    assert "Edit the proposal" in recalled.text


def test_a_comment_stands_beside_its_field_until_it_is_settled(desk: Desks, app: Countersign):
    case_id, head, me = submitted(app), desk("liguoqiang"), desk("wangmin")
    said = "<script>alert(1)</script> too much"
    head.fill_in(f"/cases/{case_id}", f"/cases/{case_id}/comments", field="budget", text=said)
    page = me.get(f"/cases/{case_id}")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; too much" in page.text and said not in page.text
    settled = me.fill_in(f"/cases/{case_id}", f"/cases/{case_id}/comments")
    assert "settled by 王敏" in settled.text


def test_lists_are_filtered_by_their_address_and_a_view_of_them_is_saved(desk: Desks, app: Countersign):
    submitted(app)
    me = desk("wangmin")
    found = me.get("/cases?state=approving&kind=telecom-marketing-case&mine=1&office=440111&sort=title")
    assert "Autumn data package" in found.text
    me.fill_in("/cases?state=approving", "/views", name="In <approval>")
    assert "In &lt;approval&gt;" in me.get("/cases?state=approving").text
    assert me.get("/cases?office=nowhere").status_code == 422
    assert me.get("/cases?after=rubbish").status_code == 422


def test_the_feed_needs_its_address_alone_and_says_no_title_of_a_confidential_case(desk: Desks, app: Countersign):
    submitted(app)
    me = desk("wangmin")
    page = me.fill_in("/calendar?month=2026-12", "/calendar/address")
    address = page.text.split("<code>")[1].split("</code>")[0].removeprefix("http://127.0.0.1:8000")
    feed = desk().get(address)
    assert feed.headers["content-type"].startswith("text/calendar")
    assert f"440111-{THIS_YEAR}-00001" in feed.text and "Autumn" not in feed.text
    assert "Autumn data package" in me.get("/calendar?month=2026-12").text
    assert me.get("/calendar?month=2026-99").status_code == 422
    me.fill_in("/calendar", "/calendar/address/revoke")
    assert desk().get(address).status_code == 404


def test_counting_without_customers_says_so_and_loses_nothing(desk: Desks, app: Countersign):
    case_id = proposals.start(app, viewer(app, "wangmin"), "telecom-marketing-case", key=key())
    me = desk("wangmin")
    answer = me.fill_in(f"/cases/{case_id}/edit", f"/cases/{case_id}/edit", **FORM, action="count")
    assert answer.status_code == 200
    assert "Estimate of the customers" in answer.text and "There are no customers yet" in answer.text


def test_scripts_bring_files_comment_copy_and_read_page_by_page(api: FastAPI, app: Countersign, draft: str):
    office = script(api, "wangmin")
    at = f"/api/v1/cases/{draft}"
    added = office.post(f"{at}/files", params={"field": "papers", "name": "plan.pdf"}, content=PDF)
    assert added.status_code == 201, added.text
    wrong = office.post(f"{at}/files", params={"field": "papers", "name": "plan.png"}, content=PDF)
    assert (wrong.status_code, wrong.json()["problems"][0]["code"]) == (422, "form.file_lies")
    form = {"title": "A", "budget": "1", "window": ["2026-12-01", "2026-12-02"], "papers": [added.json()["id"]]}
    seen = office.get(f"{at}/form").json()["seen"]
    assert office.put(f"{at}/form", json={"form": form, "seen": seen}).json()["problems"] == []
    stale = office.put(f"{at}/form", json={"form": form | {"title": "B"}, "seen": seen})
    assert (stale.status_code, stale.json()["type"]) == (409, "SavedElsewhere")
    assert office.post(f"{at}/submit", json={"form": form}).status_code == 200
    assert office.get(f"{at}/files/{added.json()['id']}").content == PDF
    assert office.post(f"{at}/comments", json={"field": "budget", "text": "?"}).status_code == 201
    (comment,) = office.get(f"{at}/comments").json()["comments"]
    settled = office.post(f"{at}/comments/{comment['id']}/settle").json()["comments"]
    assert settled[0]["settled_by"] == "王敏"
    copy = office.post(f"{at}/copies")
    assert copy.status_code == 201
    assert office.post(f"{at}/operations", json={"operation": "urge"}).status_code == 200
    first = office.get("/api/v1/cases", params={"limit": 1}).json()
    second = office.get("/api/v1/cases", params={"limit": 1, "cursor": first["next"]}).json()
    assert {first["cases"][0]["id"], second["cases"][0]["id"]} == {draft, copy.json()["id"]}
    assert second["next"] == ""
    assert office.get("/api/v1/cases", params={"cursor": "x"}).json()["problems"][0]["at"] == "cursor"
    assert office.get("/api/v1/calendar", params={"month": "2026-12"}).json()["cases"][0]["row"]["id"] == draft
    assert office.get("/api/v1/lookup/people", params={"q": "郑凯"}).json()["found"][0]["value"] == "zhengkai"
    assert office.get(f"{at}/estimate").status_code == 404

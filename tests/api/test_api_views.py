"""Views, exports and reports at their doors: pages without scripts, REST, and what others do not see."""

import csv
import io
from collections.abc import Callable

import pyarrow.parquet as pq
from fastapi import FastAPI
from python_calamine import CalamineWorkbook

from api.i18n import Words
from api.words import STATES as SAID
from api.words_views import REPORT_STOPPED
from engine.service import saved_views
from engine.service.app import Countersign
from engine.service.case_table import STATES
from engine.service.mailing import STOPPED
from engine.service.saved_views import Sharing
from tests.api.cases import submitted, viewer
from tests.api.desk import Desk
from tests.api.test_api_rest import script

USUAL = {"every": "weekly", "weekday": "0", "at": "08:30", "zone": "Asia/Shanghai", "form": "link"}
STILL = {"follow_redirects": False}


def test_words_of_tables_and_mails_are_those_of_the_pages() -> None:
    chinese = Words("zh")
    assert {code: (name.en, name.zh) for code, name in STATES.items()} == {
        code: (word, chinese(word)) for code, word in SAID.items()
    }
    assert {code: (name.en, name.zh) for code, name in STOPPED.items()} == {
        code: (word, chinese(word)) for code, word in REPORT_STOPPED.items()
    }


def test_the_list_of_cases_leaves_as_three_kinds_of_file_with_the_same_rows(
    app: Countersign, desk: Callable[..., Desk]
) -> None:
    submitted(app)
    office = desk("wangmin")
    page = office.get("/cases?state=approving")
    assert "/cases?state=approving&amp;format=xlsx" in page.text
    answers = {form: office.get(f"/cases?state=approving&format={form}") for form in ("csv", "xlsx", "parquet")}
    rows = list(csv.DictReader(io.StringIO(answers["csv"].content.decode("utf-8-sig"))))
    book = CalamineWorkbook.from_filelike(io.BytesIO(answers["xlsx"].content)).get_sheet_by_index(0).to_python()
    table = pq.read_table(io.BytesIO(answers["parquet"].content)).to_pylist()
    assert [row["number"] for row in rows] == [row[0] for row in book[1:]] == [row["number"] for row in table]
    assert len(rows) == 1
    for form, answer in answers.items():
        assert f".{form}" in answer.headers["content-disposition"]
        assert answer.headers["x-rows"] == "1"
        assert answer.headers["cache-control"] == "no-store"
    assert office.get("/cases?state=closed&format=csv").headers["x-rows"] == "0"
    assert office.get("/cases?since=never&format=csv").status_code == 422
    assert office.get("/cases?format=exe").status_code == 422
    assert desk("zhaoying").get("/cases?format=csv").status_code == 404
    assert desk("wangmin").get("/budgets?format=csv").status_code == 404
    assert desk("machao").get("/budgets?format=parquet").status_code == 200


def test_a_view_is_saved_followed_shared_and_taken_away_without_scripts(
    app: Countersign, desk: Callable[..., Desk]
) -> None:
    submitted(app)
    admin, office = desk("machao"), desk("wangmin")
    assert "No views yet" in admin.get("/views").text
    form = admin.form(admin.get("/cases?state=approving"), "/views")
    made = admin.post("/views", data={**form, "name": "Waiting"}, **STILL)
    number = int(made.headers["location"].rsplit("/", 1)[1])
    led = admin.get(f"/views/{number}", **STILL)
    assert led.headers["location"] == f"/cases?state=approving&view={number}"
    assert office.get(f"/views/{number}").status_code == 404
    form = admin.form(admin.get(f"/views/{number}/edit"), f"/views/{number}")
    assert (
        admin.post(f"/views/{number}", data={**form, "name": "Waiting", "role": "submitter"}, **STILL).status_code
        == 303
    )
    assert "Waiting" in office.get("/views").text
    assert "somebody who sees more offices" in office.get(f"/views/{number}").text
    assert "somebody who sees more offices" not in admin.get(led.headers["location"]).text
    assert office.get(f"/views/{number}/edit").status_code == 404
    refused = admin.post("/views", data={**form, "page": "cases", "query": "", "name": " "})
    assert refused.status_code == 422
    assert "at most 60" in refused.text
    form = admin.form(admin.get(f"/views/{number}/edit"), f"/views/{number}")
    assert admin.post(f"/views/{number}", data={**form, "action": "remove"}, **STILL).headers["location"] == "/views"
    assert office.get(f"/views/{number}").status_code == 404


def test_a_report_is_asked_for_switched_and_declined_on_pages(app: Countersign, desk: Callable[..., Desk]) -> None:
    number = saved_views.save(app, viewer(app, "machao"), "Waiting", "cases", "state=approving")
    admin, office = desk("machao"), desk("wangmin")
    form = admin.form(admin.get(f"/views/{number}/edit"), f"/views/{number}/reports")
    wrong = admin.post(f"/views/{number}/reports", data={**form, **USUAL, "recipients": "nobody", "at": "99:99"})
    assert wrong.status_code == 422
    assert "“nobody” is nobody of this house" in wrong.text
    for _ in range(2):  # sent twice it counts once
        data = {
            **form,
            **USUAL,
            "every": "monthly",
            "monthday": "31",
            "recipients": "wangmin, liguoqiang",
            "workdays": "1",
        }
        assert admin.post(f"/views/{number}/reports", data=data, **STILL).status_code == 303
    page = admin.get("/views")
    assert page.text.count("Monthly, on day 31") == 1
    assert "on working days" in page.text
    assert "Waiting" in office.get("/views").text
    form = office.form(office.get("/views"), "/views/reports/1")
    assert office.post("/views/reports/1", data={**form, "action": "off"}).status_code == 404
    assert office.post("/views/reports/1", data={**form, "action": "decline"}, **STILL).status_code == 303
    assert "Waiting" not in office.get("/views").text
    form = admin.form(admin.get("/views"), "/views/reports/1")
    for action, said in (("off", "switched off"), ("on", "next "), ("remove", "None yet")):
        assert admin.post("/views/reports/1", data={**form, "action": action}, **STILL).status_code == 303
        assert said in admin.get("/views").text


def test_scripts_keep_share_take_and_mail_views(api: FastAPI, app: Countersign) -> None:
    submitted(app)
    admin, office = script(api, "machao"), script(api, "wangmin")
    made = admin.post("/api/v1/views", json={"name": "Waiting", "page": "cases", "query": "state=approving"})
    number = made.json()["id"]
    assert made.status_code == 201
    assert office.get(f"/api/v1/views/{number}/table").status_code == 404
    shared = admin.put(f"/api/v1/views/{number}", json={"name": "Waiting", "shares": [{"role": "submitter"}]})
    assert shared.json()["shares"][0]["role"] == "submitter"
    assert [one["sees_more"] for one in office.get("/api/v1/views").json()] == [True]
    table = office.get(f"/api/v1/views/{number}/table?format=parquet")
    assert pq.read_table(io.BytesIO(table.content)).num_rows == 1
    asked = {"view": number, "every": "daily", "recipients": ["wangmin"]}
    mailing = admin.post("/api/v1/mailings", json=asked).json()
    assert (mailing["state"], mailing["form"]) == ("active", "link")
    assert admin.post("/api/v1/mailings", json=asked | {"form": "csv"}).status_code == 422
    assert office.post("/api/v1/mailings", json=asked).status_code == 404
    assert [one["recipients"] for one in office.get("/api/v1/mailings").json()] == [[]]
    assert admin.post(f"/api/v1/mailings/{mailing['id']}/off").status_code == 204
    assert admin.post(f"/api/v1/mailings/{mailing['id']}/on").status_code == 204
    assert office.delete(f"/api/v1/mailings/{mailing['id']}/recipient").status_code == 204
    assert office.delete(f"/api/v1/mailings/{mailing['id']}").status_code == 404
    assert admin.delete(f"/api/v1/mailings/{mailing['id']}").status_code == 204
    assert office.delete(f"/api/v1/views/{number}").status_code == 404
    assert admin.delete(f"/api/v1/views/{number}").status_code == 204


def test_a_view_shared_with_an_office_is_for_those_below_it(app: Countersign, desk: Callable[..., Desk]) -> None:
    number = saved_views.save(app, viewer(app, "machao"), "Waiting", "cases", "")
    saved_views.change(app, viewer(app, "machao"), number, "Waiting", [Sharing("440100", "head")])
    assert desk("liguoqiang").get(f"/views/{number}", **STILL).status_code == 303
    assert desk("wangmin").get(f"/views/{number}").status_code == 404

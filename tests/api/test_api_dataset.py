"""Administrators bring customer data in by a page without scripts, and scripts by the API; bad rows are named."""

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from engine.service import datasets
from engine.service.app import Countersign
from engine.warehouse.dataset import Dataset
from tests.api.desk import Desk
from tests.api.test_api_administration import entries
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]
XSS = "<script>alert(1)</script>"
CUSTOMERS = (
    "用户编号,手机号码,月均消费,备注\n13800138000,13900139000,38.5,重要客户\nb,13900139001,x,\n,13900139002,3,\n"
    + "".join(f"C{n},13700137{n:03},{n},\n" for n in range(60))
).encode()


def send(at: Desk, content: bytes, name: str = "客户.csv"):
    return at.post("/admin/data", data=at.form(at.get("/admin/data"), "/admin/data"), files={"file": (name, content)})


def confirmed(at: Desk, page):
    return at.post(page.url.path, data=at.form(page, page.url.path))


def test_a_file_is_looked_at_masked_and_confirmed(app: Countersign, desk: Desks):
    at = desk("machao")
    seen = send(at, CUSTOMERS)
    assert seen.status_code == 200 and Dataset(app.settings.data).current().number == 0
    assert "138****8000" in seen.text and "139****9000" in seen.text
    assert "13800138000" not in seen.text and "重要客户" not in seen.text
    assert "“x” is not a number" in seen.text and "The key is empty." in seen.text
    assert "Take 61 rows in" in seen.text
    done = confirmed(at, seen)
    assert "It is in the dataset: version 1." in done.text
    table = Dataset(app.settings.data).current().tables["customers"]
    assert [column.name for column in table.columns] == ["customer", "phone", "arpu", "f"]
    assert table.rows == 61
    assert entries(app)[-1] == ("dataset_imported", "客户.csv", "machao")
    assert Dataset(app.settings.data).current().by == "machao"


def test_confirming_twice_takes_the_file_in_once_and_again_it_changes_nothing(app: Countersign, desk: Desks):
    at = desk("machao")
    seen = send(at, CUSTOMERS)
    first, second = confirmed(at, seen), confirmed(at, seen)
    assert first.url == second.url
    assert Dataset(app.settings.data).current().number == 1
    again = confirmed(at, send(at, CUSTOMERS))
    assert "it stays version 1" in again.text
    assert at.get(seen.url.path).status_code == 404


def test_the_kind_and_the_key_are_chosen_after_the_file_was_looked_at(app: Countersign, desk: Desks):
    at = desk("machao")
    seen = send(at, b"id,month,arpu,extra\na,2026-10,1,z\na,2026-10,2,z\n", "u.csv")
    assert "There is no column month" not in seen.text
    again = at.get(seen.url.path, params={"kind": "usage", "key": "id"})
    assert "Left out, because they are no fields of this kind: extra" in again.text
    assert re.search(r"“a[^”]*\*{4}0-01” stands in row 2 already\.", again.text)
    wrong = at.get(seen.url.path, params={"kind": "contacts", "key": "id"})
    assert wrong.status_code == 422 and "There is no column at (Time)." in wrong.text
    unnamed = at.get(seen.url.path, params={"kind": "list", "key": "id"})
    assert unnamed.status_code == 422 and "A list needs a name" in unnamed.text
    at.post(
        seen.url.path,
        data=at.form(at.get(seen.url.path, params={"kind": "list", "key": "id", "name": "vip"}), seen.url.path),
    )
    assert list(Dataset(app.settings.data).current().tables) == ["list_vip"]


def test_columns_are_said_to_be_fields_and_what_is_lost_is_told_before_it_is(app: Countersign, desk: Desks):
    at = desk("machao")
    confirmed(at, send(at, CUSTOMERS))
    seen = send(at, "编号,消费,接收短信,备注\na,NULL,是,x\nb,-1,否,y\n".encode("gb18030"))
    assert "Average monthly spending</strong> would be gone" in seen.text
    chosen = {"kind": "customers", "key": "编号", "blank": "NULL, 消费=-1"}
    columns = ["消费=arpu", "接收短信=sms_consent", "备注=~"]
    again = at.get(seen.url.path, params=chosen | {"column": ["", *columns]})
    assert "Average monthly spending</strong>" not in again.text and "Take 2 rows in, in place of " in again.text
    sent = at.form(again, seen.url.path) | {"column": columns}
    assert all(f'name="column" value="{one}"' in again.text for one in columns)
    at.post(seen.url.path, data=sent)
    table = Dataset(app.settings.data).current().tables["customers"]
    assert [(column.name, column.type) for column in table.columns] == [
        ("customer", "text"),
        ("arpu", "decimal(2)"),
        ("sms_consent", "bool"),
    ]
    wrong = at.get(send(at, CUSTOMERS).url.path, params={"kind": "customers", "key": "用户编号", "blank": "a="})
    assert wrong.status_code == 422 and "is no value that stands for none" in wrong.text


@pytest.mark.parametrize(
    ("headings", "kind", "key"),
    [
        (("客户", "x"), "customers", "客户"),
        (("x", "用户编号"), "customers", "用户编号"),
        (("用户编号", "月份", "消费"), "usage", "用户编号"),
        (("customer", "kind", "at"), "responses", "customer"),
        (("customer", "at", "channel"), "contacts", "customer"),
        (("产品编号", "产品分类"), "offers", "产品编号"),
        (("customer", "offer", "since", "until"), "owned", "customer"),
        (("offer", "other"), "conflicts", "offer"),
    ],
)
def test_what_a_file_is_is_guessed_from_its_headings(headings: tuple[str, ...], kind: str, key: str):
    guessed = datasets.guess(headings)
    assert (guessed.kind, guessed.key) == (kind, key)


def test_the_report_has_every_bad_row_and_begins_no_formula(desk: Desks):
    at = desk("machao", "zh")
    rows = "".join(f"=cmd{n},x\n" for n in range(120)) + "".join(f"C{n},{n}\n" for n in range(4000))
    seen = send(at, f"customer,age\n{rows}".encode())
    assert "还有 70" in seen.text or "70" in seen.text
    link = re.search(r'href="([^"]*errors\.csv[^"]*)"', seen.text)
    assert link is not None
    report = at.get(link[1].replace("&amp;", "&"))
    lines = report.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "行,列,原因" and len(lines) == 121
    assert lines[1] == "2,age,“x”不是数字，或小数位数超过可保存的位数。"
    assert "attachment" in report.headers["content-disposition"]


def test_text_of_a_file_is_never_markup(desk: Desks):
    at = desk("machao")
    seen = send(at, f"customer,{XSS}\n{XSS},{XSS}\n".encode(), f"{XSS}.csv")
    assert XSS not in seen.text and "&lt;script&gt;" in seen.text
    confirmed(at, seen)
    assert XSS not in at.get("/admin/data").text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty"),
        (b"PK\x03\x04 no workbook", "This is no XLSX workbook"),
        (b"PAR1 no parquet", "This is no Parquet file"),
        (b"\x1f\x8b\x08 no gzip", "The file is damaged."),
        ("customer\n王\n".encode("utf-16"), "This is not text in UTF-8 or GB18030."),
        (b"customer\n" + b"a" * (20 * 1024 * 1024), "The file is larger than 20 MB. Import it with the command"),
    ],
)
def test_a_file_that_lies_or_is_too_large_is_refused_in_words(app: Countersign, desk: Desks, content: bytes, said: str):
    answer = send(desk("machao"), content)
    assert answer.status_code == 422 and said in answer.text
    assert Dataset(app.settings.data).current().number == 0


def test_nobody_sees_the_file_of_another_and_only_administrators_see_the_page(desk: Desks):
    seen = send(desk("machao"), CUSTOMERS)
    at = desk("wangmin")
    for path in ("/admin/data", seen.url.path, f"{seen.url.path}/errors.csv?kind=customers&key=x"):
        assert at.get(path).status_code == 404
    assert 'href="/admin/data"' not in at.get("/inbox").text


def test_a_script_imports_tries_and_verifies(app: Countersign, api: FastAPI):
    at = script(api, "machao")
    asked = {"kind": "customers", "key": "用户编号", "name": "crm.csv"}
    tried = at.post("/api/v1/dataset/import", params=asked | {"dry_run": "true"}, content=CUSTOMERS).json()
    assert (tried["version"], tried["rows"], tried["refused"]) == (0, 61, 2)
    first = tried["bad"][0]
    assert (first["line"], first["column"], first["reason"]) == (3, "月均消费", "'x' is not a number")
    done = at.post("/api/v1/dataset/import", params=asked, content=CUSTOMERS).json()
    assert (done["version"], done["is_new"]) == (1, True)
    (version,) = at.get("/api/v1/dataset/versions").json()["versions"]
    assert version["taken"][0]["source"] == "crm.csv" and version["by"] == "马超"
    phone = version["tables"][0]["fields"][1]
    assert (phone["name"], phone["personal"], phone["label"]) == (
        "phone",
        True,
        {"zh": "手机号码", "en": "Mobile number"},
    )
    assert at.get("/api/v1/dataset/versions/1/verification").json()["files"] == 1
    dataset = Dataset(app.settings.data)
    path = dataset.path(dataset.current().tables["customers"].files[0])
    pq.write_table(pa.table({"customer": ["x"]}), path)
    refused = at.get("/api/v1/dataset/versions/1/verification")
    assert refused.status_code == 422 and refused.json()["problems"][0]["code"] == "D117"
    assert at.get("/api/v1/dataset/versions/7/verification").status_code == 404
    assert at.post("/api/v1/dataset/import", params=asked | {"kind": "people"}, content=CUSTOMERS).status_code == 422

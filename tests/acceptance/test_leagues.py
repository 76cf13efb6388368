"""League tables over cases of two counties, for those who may see one, both or none, on both databases."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import Invalid, NotFound
from engine.service import leagues
from engine.service.app import Countersign
from engine.service.leagues import LeagueView
from engine.store.session import Database
from tests.acceptance.league_rows import BAIYUN, TIANHE, called, case, clerks, recommended, sent
from tests.acceptance.offices import opened, viewer

CITY, COUNTY, ANALYST = "sunli", "liguoqiang", "wangmin"


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        clerks(app, second=BAIYUN, tian=TIANHE, call1=BAIYUN, call2=TIANHE)
        for name, office in (("b", BAIYUN), ("t", TIANHE)):
            case(app, name, office)
        recommended(app, "b", "zhaoying", BAIYUN, seen=200, took=100)
        recommended(app, "b", "second", BAIYUN, seen=20, took=19)
        recommended(app, "t", "tian", TIANHE, seen=100, took=10)
        called(app, "b", "call1", customers=60, took=30)
        called(app, "t", "call2", customers=40, took=10)
        sent(app, "b", "sms", delivered=90, failed=10, converted=30)
        sent(app, "t", "email", delivered=50, failed=50, converted=5)
        yield app


def table(app: Countersign, login: str, **asked: str) -> LeagueView:
    return leagues.table(app, viewer(app, login), asked)


def said(found: LeagueView) -> list[tuple[int, str, int, int]]:
    return [(row.rank, row.name.in_language("zh"), row.n, row.events) for row in found.rows]


def test_halls_are_ranked_and_each_says_what_it_is_out_of(app: Countersign) -> None:
    found = table(app, CITY, kind="halls")
    assert said(found) == [(1, "白云区分公司", 220, 119), (2, "天河区分公司", 100, 10)]
    first, second = found.rows
    assert first.low < 119 / 220 < first.high and not second.is_tied
    assert (found.n, found.events, found.metric) == (320, 129, "accepted")
    assert said(table(app, CITY, kind="halls", metric="confirmed"))[0] == (1, "白云区分公司", 220, 50 + 9)


def test_an_analyst_sees_of_other_offices_neither_rows_nor_sums(app: Countersign) -> None:
    for kind in ("halls", "offices", "channels", "agents", "clerks"):
        own, all_of_them = table(app, ANALYST, kind=kind), table(app, CITY, kind=kind)
        assert 0 < own.n < all_of_them.n
        assert "天河区分公司" not in str(own) and "名tian" not in str(own) and "email" not in str(own.rows)
    asked = table(app, ANALYST, kind="halls", office=TIANHE)
    assert (asked.rows, asked.too_few, asked.n, asked.events) == ((), (), 0, 0)


def test_clerks_are_named_to_those_above_them_alone(app: Countersign) -> None:
    by_head = table(app, COUNTY, kind="clerks")
    assert said(by_head) == [(1, "赵颖", 200, 100)]
    assert [(one.name.in_language("zh"), one.n) for one in by_head.too_few] == [("名second", 20)]
    by_analyst = table(app, ANALYST, kind="clerks")
    assert said(by_analyst) == [(1, "", 200, 100)]
    assert "赵颖" not in str(by_analyst) and "zhaoying" not in str(by_analyst) and "second" not in str(by_analyst)
    assert by_analyst.rows[0].office.in_language("zh") == "白云区分公司"
    assert [row.name.in_language("zh") for row in table(app, "zhengkai", kind="agents").rows] == ["", ""]
    assert [row.name.in_language("zh") for row in table(app, "xuwen", kind="agents").rows] == ["名call1", "名call2"]


def test_a_customer_counts_once_for_a_caller_however_often_they_tried(app: Countersign) -> None:
    assert said(table(app, CITY, kind="agents")) == [(1, "名call1", 60, 30), (2, "名call2", 40, 10)]
    assert said(table(app, CITY, kind="agents", metric="reached")) == said(table(app, CITY, kind="agents"))


def test_messages_that_failed_are_out_of_conversions_and_in_deliveries(app: Countersign) -> None:
    assert said(table(app, CITY, kind="channels")) == [(1, "sms", 90, 30), (2, "email", 50, 5)]
    delivered = said(table(app, CITY, kind="offices", metric="delivered"))
    assert delivered == [(1, "白云区分公司", 100, 90), (2, "天河区分公司", 100, 50)]


def test_a_confidential_case_that_is_not_theirs_is_in_no_sum(app: Countersign) -> None:
    before = table(app, "zhengkai", kind="halls")
    recommended(app, case(app, "secret", BAIYUN, confidential=True), "zhaoying", BAIYUN, seen=500, took=500)
    assert table(app, "zhengkai", kind="halls").rows == before.rows
    assert table(app, "xuwen", kind="halls").n == before.n + 500


def test_days_and_kinds_of_cases_narrow_it(app: Countersign) -> None:
    recommended(app, "b", "zhaoying", "440100", seen=50, took=50, at=app.now() - timedelta(days=200))
    assert table(app, CITY, kind="halls").n == 320
    assert table(app, CITY, kind="halls", since="2020-01-01").n == 370
    assert table(app, CITY, kind="halls", definition="sales-plan").n == 0
    assert table(app, CITY, kind="halls", office="440111").n == 220


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"since": "2026-12-02", "until": "2026-12-01"}, "E457"),
        ({"kind": "customers"}, "E458"),
        ({"kind": "halls", "metric": "delivered"}, "E459"),
        ({"since": "yesterday"}, "form.not_date"),
        ({"office": "nowhere"}, "form.none"),
    ],
)
def test_what_cannot_be_read_is_named(app: Countersign, asked: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        leagues.table(app, viewer(app, CITY), asked)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_who_has_no_part_in_analysis_sees_no_table(app: Countersign) -> None:
    for login in ("zhaoying", "zhanglan", "emily"):
        with pytest.raises(NotFound):
            table(app, login)


def test_the_file_has_the_rows_of_the_page_and_those_too_few_without_a_rate(app: Countersign) -> None:
    data = leagues.export(app, viewer(app, COUNTY), {"kind": "clerks"}, "zh").decode("utf-8-sig")
    first, second = csv.DictReader(io.StringIO(data))
    assert (first["rank"], first["name"], first["n"], first["events"], first["rate"]) == (
        "1", "赵颖", "200", "100", "0.500000",
    )  # fmt: skip
    assert (second["rank"], second["name"], second["n"], second["events"], second["rate"]) == (
        "",
        "名second",
        "20",
        "",
        "",
    )

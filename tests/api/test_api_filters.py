"""Whatever stands in the filters of an address is answered: a page or a sentence, never an error of ours."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine.service import auditing, case_library, courses, dashboards, facts, leagues, listing, process_columns
from engine.service.app import Countersign
from engine.store.session import Database
from tests.acceptance.offices import opened, submitted
from tests.security.signed_in import session

DAYS = ("0001-01-01", "9999-12-31", "2026-W01-1", "20261201", "yesterday", quote("２０２６-12-01"))
GARBAGE = (quote("'\"><script>{{7*7}}"), "9" * 30, "-1", quote("²"), "%ED%A0%80", "%25_", "a" * 300)
TIMES = ("since", "until", "first", "last")
SPAN = ("since", "until")
BOARDS = {
    f"{start}/dashboards/{one.key}{end}": (*one.filters, *SPAN)
    for one in dashboards.DASHBOARDS
    for start, end in (("", ""), ("", "?format=csv&"), ("/api/v1", ""))
}
PAGES = {
    "/cases": (*listing.NAMES, "after", "view"),
    "/library": (*case_library.NAMES, "page"),
    "/league": leagues.NAMES,
    "/league.csv": leagues.NAMES,
    "/process": process_columns.NAMES,
    "/process/cases": (*process_columns.NAMES, "part", "name", "what"),
    "/process/heat.svg": process_columns.NAMES,
    "/admin/audit": (*auditing.FILTERS, "cursor"),
    "/admin/import": ("done",),
    "/admin/receipts": ("before", "kind"),
    "/admin/suppressions": ("done", "customer"),
    "/calendar": ("month", "office"),
    "/api/v1/cases": (*listing.NAMES, "cursor", "limit"),
    "/api/v1/library": (*case_library.NAMES, "cursor", "limit"),
    "/api/v1/league": leagues.NAMES,
    "/api/v1/process": process_columns.NAMES,
    "/api/v1/process/cases": (*process_columns.NAMES, "part", "name", "what"),
    "/api/v1/exports/xes": ("kind", "state", "office", "mine", *SPAN),
    "/api/v1/metrics/query?metric=sent&": ("metric", "by", "where", "largest", *SPAN),
    **BOARDS,
}
FILES = ("/cases?format=csv&", "/admin/audit?format=csv&")


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    """A house with one case, counted."""
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        submitted(app)
        courses.refresh(app)
        facts.refresh(app)
        yield app


def test_a_filter_that_cannot_be_read_gets_a_sentence_and_never_a_server_error(app: Countersign) -> None:
    with TestClient(create_app(app), raise_server_exceptions=False) as browser:
        session(app, browser, "machao")
        broken, days, garbage = {}, cycle(DAYS), cycle(GARBAGE)  # each filter has one of them; pages share filters
        for path, names in {**PAGES, **dict.fromkeys(FILES, SPAN)}.items():
            for name in names:
                value = next(days if name in TIMES else garbage)
                start = f"{path}{'' if path.endswith('&') else '?'}{name}="
                address = start + ("office=" if name == "where" else "") + value
                answer = browser.get(address)
                is_page = answer.headers["content-type"].startswith("text/html")
                if answer.status_code not in (200, 400, 404, 422) or (is_page and "<script>{{" in answer.text):
                    broken[address] = answer.status_code
        assert broken == {}


def test_a_day_that_is_none_is_named_on_every_page_and_by_every_script(app: Countersign) -> None:
    days = {path: name for path, names in PAGES.items() for name in names if name in ("since", "first")}
    with TestClient(create_app(app), raise_server_exceptions=False) as browser:
        session(app, browser, "machao")
        for path, name in days.items():
            answer = browser.get(f"{path}{'' if path.endswith('&') else '?'}{name}=0001-01-01")
            assert answer.status_code == 422, path
            assert "2026-1" in answer.text, path


def test_a_first_day_after_the_last_is_told_on_every_page_and_by_every_script(app: Countersign) -> None:
    pairs = [(path, pair) for path, names in PAGES.items() for pair in (SPAN, TIMES[2:]) if set(pair) <= set(names)]
    assert len(pairs) >= 16
    with TestClient(create_app(app), raise_server_exceptions=False) as browser:
        session(app, browser, "machao")
        silent = {}
        for path, (first, last) in pairs:
            begin = f"{path}{'' if path.endswith('&') else '?'}{first}="
            answer = browser.get(f"{begin}2026-12-01&{last}=2026-11-01")
            told = "起始日晚于截止日" in answer.text or "E457" in answer.text
            same_day = browser.get(f"{begin}2026-11-01&{last}=2026-11-01")
            if answer.status_code != 422 or not told or same_day.status_code == 422:
                silent[path] = answer.status_code
        assert silent == {}


@pytest.mark.parametrize(("form", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_a_drawing_of_nothing_is_a_drawing_that_says_so(app: Countersign, form: str, begins: bytes) -> None:
    kept = "/dashboards/sends?channel=pigeon&chart=month-sent&format="
    with TestClient(create_app(app)) as browser:
        session(app, browser, "machao")
        drawing = browser.get(f"{kept}{form}")
        table = browser.get("/dashboards/sends?channel=pigeon&format=csv")
    assert drawing.status_code == 200
    assert drawing.content.startswith(begins)
    assert form == "png" or "没有符合筛选条件的数据" in drawing.text
    assert table.headers["x-rows"] == "0"
    assert table.content.decode("utf-8-sig").startswith("case_id,case,office,sent,")


def test_a_ranking_of_nobody_is_drawn_too_and_a_metric_is_guessed_by_its_name(app: Countersign) -> None:
    with TestClient(create_app(app)) as browser:
        session(app, browser, "machao")
        ranking = browser.get("/league?definition=nothing&format=svg&chart=places")
        metric = browser.get("/api/v1/metrics/query?metric=snet")
    assert ranking.status_code == 200
    assert "没有符合筛选条件的数据" in ranking.text
    assert metric.json()["problems"][0]["hint"] == "did you mean sent?"


def test_a_filter_that_can_be_read_stays_beside_one_that_cannot(app: Countersign) -> None:
    with TestClient(create_app(app)) as browser:
        session(app, browser, "machao")
        page = browser.get("/dashboards/sends?channel=pigeon&since=2026-13-40")
    assert page.status_code == 422
    assert "日期请写成 2026-12-01" in page.text
    assert '<option value="pigeon" selected>' in page.text
    assert '<a href="/dashboards/sends">' in page.text.partition("<main")[2]


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/dashboards/sends?format=exe", 422, "网址中的 format 不能是“exe”；请在页面上选择。"),
        ("/cases?format=exe", 422, "网址中的 format 不能是“exe”"),
        ("/views/abc", 404, "没有此页面，或您无权查看"),
        ("/views/-1", 404, "没有此页面，或您无权查看"),
        ("/views/99999999999999999999", 404, "没有此页面，或您无权查看"),
        ("/dashboards/nothing", 404, "没有此页面，或您无权查看"),
    ],
)
def test_an_address_by_hand_is_answered_in_the_readers_language(
    app: Countersign, address: str, status: int, said: str
) -> None:
    with TestClient(create_app(app)) as browser:
        session(app, browser, "machao")
        page = browser.get(address)
    assert page.status_code == status
    assert said in page.text
    assert "Input should" not in page.text


@pytest.mark.parametrize(
    ("address", "clear"),
    [
        ("/cases?q=nothing-is-called-so", "/cases"),
        ("/library?q=nothing", "/library"),
        ("/library?verdict=nothing", "/library"),
        ("/process?since=2099-01-01", "/process"),
        ("/process?definition=nothing", "/process"),
        ("/league?definition=nothing", "/league?kind=offices"),
        ("/league?kind=halls&since=2099-01-01&until=2099-01-02", "/league?kind=halls"),
        ("/dashboards/sends?office=999999", "/dashboards/sends"),
        ("/dashboards/sends?channel=pigeon", "/dashboards/sends"),
    ],
)
def test_filters_that_match_nothing_say_so_and_offer_to_clear_them(app: Countersign, address: str, clear: str) -> None:
    with TestClient(create_app(app), raise_server_exceptions=False) as browser:
        session(app, browser, "machao")
        page = browser.get(address)
    assert page.status_code == 200
    main = page.text.partition("<main")[2]
    assert "empty" in main
    assert f'<a href="{clear}">' in main


def test_what_was_chosen_stays_chosen_though_nothing_has_it(app: Countersign) -> None:
    with TestClient(create_app(app)) as browser:
        session(app, browser, "machao")
        page = browser.get("/dashboards/sends?office=999999").text
    assert '<option value="999999" selected>999999</option>' in page

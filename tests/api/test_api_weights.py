"""What a phone has to load: the stylesheet, the script, and every page that a case goes through."""

import gzip
from collections.abc import Callable

from api.statics import STATIC
from engine.service.app import Countersign
from tests.api.cases import drafted, submitted, task_of
from tests.api.desk import Desk

STYLE, SCRIPT, PAGE = 20_000, 15_000, 60_000


def test_the_stylesheet_and_the_script_stay_small(desk: Callable[..., Desk]):
    page = desk().get("/sign-in").text
    style = desk().get(page.partition('rel="stylesheet" href="')[2].partition('"')[0])
    script = desk().get(page.partition('<script src="')[2].partition('"')[0])
    assert style.headers["content-type"].startswith("text/css")
    assert 5_000 < len(style.content) <= STYLE
    assert len(style.content) < len((STATIC / "countersign.css").read_bytes())
    assert 500 < len(script.content) <= SCRIPT


def test_pages_stay_small(app: Countersign, desk: Callable[..., Desk]):
    draft, case_id = drafted(app), submitted(app)
    pages = {
        "wangmin": [
            "/inbox?list=mine",
            "/cases",
            "/cases/new",
            f"/cases/{draft}/edit",
            f"/cases/{case_id}?tab=history",
        ],
        "liguoqiang": ["/inbox", f"/tasks/{task_of(app, 'liguoqiang').id}", f"/cases/{case_id}"],
    }
    for login, paths in pages.items():
        window = desk(login)
        for path in paths:
            found = window.get(path)
            assert found.status_code == 200
            assert len(gzip.compress(found.content)) <= PAGE, path

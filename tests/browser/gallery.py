"""`python -m tests.browser.gallery FOLDER [KIND …]`: a picture of every page, for people to look at.

Each page of each role, at 390 and 1280 px, in Chinese and English, from a database with cases at many moments; with
kinds of pages (`'/cases/*?tab=history'`) only those. Beside the pictures stand faults.txt (what axe finds, what scrolls
sideways) and words.txt (what looks like English on Chinese pages).
"""

import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

from playwright.sync_api import sync_playwright

from api.app import create_app
from engine.cli.demo.people import OFFICES, PEOPLE
from engine.service import definitions, people
from engine.service.app import Countersign
from engine.values import Language
from tests.acceptance.text_test_case import DAYS, proposed
from tests.api.crawl import crawl, kind_of
from tests.api.desk import Desk
from tests.api.house import furnish, open_house
from tests.browser.conftest import CHROMIUM, QUIET
from tests.browser.looking import faults, overflow, serving, sign_in

WIDTHS = (390, 1280)
LATIN = re.compile(r"[A-Za-z][a-z]{3,}(?: [A-Za-z]+)*")
LOGINS = ("wangmin", "liguoqiang", "zhanglan", "luyan", "machao", "xuwen", "zhaoying")


def main() -> int:
    """Take the pictures."""
    folder, wanted = Path(sys.argv[1]), set(sys.argv[2:])
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="gallery-"))
    os.environ["COUNTERSIGN_CLOCK_FILE"] = str(home / "clock")
    app = open_house(home)
    app.db.migrate()
    people.load(app, OFFICES, PEOPLE)
    definitions.publish_shipped(app)
    furnish(app, home, home / "clock")
    proposed(app, DAYS)
    pages = {login: addresses(app, login, wanted) for login in LOGINS}
    with serving(app) as address, ThreadPoolExecutor(1) as beside:
        beside.submit(look, app, address, pages, folder).result()
    app.close()
    return 0


def addresses(app: Countersign, login: str, wanted: set[str]) -> dict[str, str]:
    """The pages of a person, by a name for the picture; those of the kinds wanted, where any are named."""
    with Desk(create_app(app)) as desk:
        desk.sign_in(login)
        found = crawl(desk, each=3)
    kept = [address for address in found if not wanted or kind_of(address) in wanted]
    return {f"{login}-{n:02}-{re.sub(r'[^a-z]+', '-', kind_of(one)).strip('-')}": one for n, one in enumerate(kept)}


def look(app: Countersign, address: str, pages: dict[str, dict[str, str]], folder: Path) -> None:
    """Take all pictures, and write down what is wrong with the pages."""
    wrong: dict[str, None] = {}
    foreign: dict[str, set[str]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for language in ("zh", "en"):
            for login, named in pages.items():
                people.set_language(app, people.viewer_named(app, login), cast(Language, language))
                page = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=address).new_page()
                page.context.add_cookies([{"name": "language", "value": language, "url": address}])
                sign_in(page, login)
                for name, one in named.items():
                    page.goto(one)
                    if language == "zh":
                        foreign[one] = set(LATIN.findall(page.inner_text("body")))
                    for problem in picture(page, folder / f"{name}-{language}"):
                        wrong[problem] = None
                page.context.close()
        browser.close()
    (folder / "faults.txt").write_text("\n".join(wrong) + "\n")
    (folder / "words.txt").write_text("\n".join(f"{one}: {sorted(words)}" for one, words in foreign.items()) + "\n")


def picture(page: Any, name: Path) -> list[str]:
    """Take a page at each width; returns what is wrong with it."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=f"{name}-{width}.png", full_page=True)
        found += faults(page)
    page.set_viewport_size({"width": 320, "height": 800})
    if overflow(page):
        found.append(f"{page.url} scrolls sideways at 320 px by {overflow(page)}")
    return found


if __name__ == "__main__":
    sys.exit(main())

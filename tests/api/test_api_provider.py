"""Signing in with an OpenID Connect provider: the whole way over HTTP, and every lie that must not sign anybody in."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service import passwords, personnel, second_factor
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import credentials
from engine.store.tables import people
from tests.api.desk import Desk
from tests.servers.provider import CLIENT, SECRET, StrictProvider, strict_provider


@pytest.fixture(scope="module")
def serving() -> Iterator[StrictProvider]:
    with strict_provider() as known:
        yield known


@pytest.fixture
def provider(serving: StrictProvider) -> StrictProvider:
    """The provider as if it were new."""
    serving.lies.clear()
    serving.asked.clear()
    serving.is_public = False
    serving.claims = {"sub": "1", "preferred_username": "wangmin"}
    return serving


@pytest.fixture
def opened(staffed: Path, tmp_path: Path, provider: StrictProvider) -> Iterator[Callable[..., Countersign]]:
    made: list[Countersign] = []

    def make(**more: Any) -> Countersign:
        shutil.copy(staffed, tmp_path / "case.db")
        settings = {
            "home": tmp_path,
            "database_url": f"sqlite:///{tmp_path / 'case.db'}",
            "public_url": "http://testserver",
            "language": "en",
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT,
            "oidc_client_secret": SECRET,
            "oidc_name": "Office ID",
        }
        made.append(Countersign.open(Settings(**settings | more)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def app(opened: Callable[..., Countersign]) -> Countersign:
    return opened()


def went(desk: Desk, back: str = "/cases") -> Any:
    """What the browser shows after it went to the provider and came back."""
    begun = desk.get(f"/sign-in/provider?next={back}", follow_redirects=False)
    assert begun.status_code == 303, begun.text
    there = httpx.get(begun.headers["location"])
    assert there.status_code == 302, there.text
    return desk.get(there.headers["location"])


@pytest.fixture
def browser(app: Countersign) -> Iterator[Desk]:
    with Desk(create_app(app)) as desk:
        yield desk


def test_the_provider_signs_its_person_in_and_they_go_on_where_they_were_going(browser: Desk, provider: StrictProvider):
    assert "Sign in with Office ID" in browser.get("/sign-in").text
    shown = went(browser)
    assert shown.url.path == "/cases"
    assert "王敏" in shown.text
    asked = provider.asked[0]
    assert asked["code_challenge_method"] == "S256"
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == "http://testserver/sign-in/provider/back"
    assert len(asked["state"]) >= 32 <= len(asked["nonce"])
    assert "prompt" not in asked
    went(browser)
    assert provider.asked[1]["prompt"] == "login"


@pytest.mark.parametrize(
    "lie",
    ["issuer", "audience", "party", "nonce", "no_nonce", "expired", "unsigned", "shared_key", "key"],
)
def test_what_the_provider_signed_wrongly_signs_nobody_in(browser: Desk, provider: StrictProvider, lie: str):
    provider.lies.add(lie)
    shown = went(browser)
    assert shown.status_code == 401
    assert "cannot be trusted" in shown.text
    assert browser.get("/inbox").url.path == "/sign-in"


def test_a_provider_that_names_another_issuer_is_not_trusted(browser: Desk, provider: StrictProvider):
    provider.lies.add("metadata")
    shown = browser.get("/sign-in/provider")
    assert shown.status_code == 401
    assert "cannot be trusted" in shown.text


def test_who_declines_at_the_provider_is_told_so(browser: Desk, provider: StrictProvider):
    provider.lies.add("denied")
    shown = went(browser)
    assert shown.status_code == 401
    assert "Office ID did not sign you in" in shown.text


def test_coming_back_without_having_gone_or_twice_signs_nobody_in(browser: Desk, provider: StrictProvider):
    provider.lies.add("state")
    assert "begun in another window" in went(browser).text
    provider.lies.clear()
    begun = browser.get("/sign-in/provider", follow_redirects=False)
    back = httpx.get(begun.headers["location"]).headers["location"]
    with Desk(browser.app) as victim:
        assert victim.get(back).status_code == 401
        assert victim.get("/inbox").url.path == "/sign-in"
    assert browser.get(back).url.path == "/inbox"
    with Desk(browser.app) as again:
        assert again.get(back).status_code == 401
    assert browser.get(back).status_code == 401


def test_nobody_gets_an_account_by_signing_in_elsewhere(browser: Desk, provider: StrictProvider, app: Countersign):
    provider.claims = {"sub": "9", "preferred_username": "<b>stranger</b>"}
    shown = went(browser)
    assert shown.status_code == 401
    assert "knows you as &lt;b&gt;stranger&lt;/b&gt;" in shown.text
    with app.db.read() as tx:
        assert tx.execute(sa.select(people.c.id).where(people.c.id.contains("stranger"))).one_or_none() is None
    provider.claims = {"sub": "wangmin"}
    assert went(browser).status_code == 401
    personnel.close_account(app, "wangmin")
    provider.claims = {"sub": "1", "preferred_username": "wangmin"}
    assert went(browser).status_code == 401


def test_an_address_names_an_account_where_the_provider_checked_it(
    opened: Callable[..., Countersign], provider: StrictProvider
):
    app = opened(oidc_claim="email")
    with app.db.begin() as tx:
        tx.execute(sa.update(people).where(people.c.id == "wangmin").values(email="Wang@Example.org"))
        tx.execute(sa.update(people).where(people.c.id == "liguoqiang").values(email="li@example.org"))
    with Desk(create_app(app)) as browser:
        provider.claims = {"sub": "1", "email": "wang@example.org"}
        assert went(browser).status_code == 401
        provider.claims |= {"email_verified": "true"}
        assert went(browser).status_code == 401
        provider.claims |= {"email_verified": True}
        assert went(browser).url.path == "/cases"
        with app.db.begin() as tx:
            tx.execute(sa.update(people).where(people.c.id == "liguoqiang").values(email="wang@example.org"))
        assert went(browser).status_code == 401


def test_a_second_factor_is_asked_after_the_provider_too_but_no_password_of_ones_own(
    browser: Desk, app: Countersign, provider: StrictProvider
):
    with app.db.begin() as tx:
        credentials.set_password(tx, "wangmin", passwords.hashed("given-by-office"), must_change=True)
    assert went(browser).url.path == "/cases"
    import pyotp

    from engine.service.people import viewer_named

    setup = second_factor.prepare(app, "wangmin")
    totp = pyotp.TOTP(setup.secret)
    codes = second_factor.switch_on(app, viewer_named(app, "wangmin"), setup.sealed, totp.at(app.now()))
    with Desk(browser.app) as other:
        asked = went(other)
        assert asked.url.path == "/sign-in/step"
        done = other.post("/sign-in/code", data=other.form(asked, "/sign-in/code") | {"code": codes[0]})
        assert done.url.path == "/cases"


def test_a_client_without_a_password_names_itself(opened: Callable[..., Countersign], provider: StrictProvider):
    provider.is_public = True
    with Desk(create_app(opened(oidc_client_secret=""))) as browser:
        assert went(browser).url.path == "/cases"


def test_a_provider_that_does_not_answer_leaves_the_password(opened: Callable[..., Countersign]):
    app = opened(oidc_issuer="http://127.0.0.1:9")
    with Desk(create_app(app)) as browser:
        shown = browser.get("/sign-in/provider?next=/cases")
        assert shown.status_code == 503
        assert "does not answer just now" in shown.text
        form = browser.form(shown, "/sign-in")
        assert browser.post("/sign-in", data=form | {"login": "wangmin", "password": PASSWORD}).url.path == "/cases"


def test_without_a_provider_there_is_no_button_and_no_page(opened: Callable[..., Countersign]):
    app = opened(oidc_issuer="")
    with Desk(create_app(app)) as browser:
        assert "provider" not in browser.get("/sign-in").text
        assert browser.get("/sign-in/provider").status_code == 404


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil", "https:evil", "/a%0d%0ab"])
def test_the_way_back_stays_on_this_host(browser: Desk, path: str):
    assert went(browser, path).url.path == "/inbox"

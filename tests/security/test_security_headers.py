"""Every answer carries the security headers, whatever the route and however it ends."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from api.headers import HEADERS
from engine.cli.demo.people import PASSWORD
from engine.service.app import Countersign
from engine.settings import Settings
from tests.api.cases import submitted, task_of
from tests.api.desk import Desk
from tests.api.test_api_declared import routes

POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def policy(text: str) -> dict[str, str]:
    """The directives of a content security policy."""
    return {name: value for name, _, value in (part.strip().partition(" ") for part in text.split(";"))}


def test_the_policy_lets_nothing_in_but_our_own_files() -> None:
    assert policy(HEADERS["content-security-policy"]) == POLICY


@pytest.mark.parametrize("login", ["", "machao"])
def test_every_route_answers_with_every_header(api: FastAPI, desk: Callable[..., Desk], login: str) -> None:
    browser = desk(login)
    asked = 0
    for name, _ in routes(api):
        methods, path = name.split()
        for method in methods.split("/"):
            address = path.replace("{token}", "x" * 43).replace("{case_id}", "none").replace("{task_id}", "none")
            answer = browser.request(method, address, follow_redirects=False)
            asked += 1
            assert answer.status_code < 500 or path == "/readyz", (method, address)  # no flows run here
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, (method, address)
            assert answer.headers["cache-control"] == "no-store", (method, address)
            assert "server" not in answer.headers
    assert asked > 60


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/no-such-page", 404),
        ("PATCH", "/inbox", 404),
        ("GET", "/api/v1/no-such", 404),
        ("POST", "/sign-in", 403),
        ("GET", "/tasks/x?since=one", 422),
        ("GET", "/static/no-such.css", 404),
        ("GET", "/static/../app.py", 404),
        ("GET", "/static/countersign.css", 200),
        ("GET", "/api/v1/openapi.json", 200),
    ],
)
def test_errors_and_files_carry_them_too(desk: Callable[..., Desk], method: str, path: str, status: int) -> None:
    answer = desk("wangmin").request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_a_failure_that_nobody_foresaw_carries_them_too(api: FastAPI, desk: Callable[..., Desk]) -> None:
    def planted() -> None:
        raise RuntimeError("secret of the house")

    api.add_api_route("/planted", planted)
    answer = desk().get("/planted")
    assert answer.status_code == 500
    assert "secret of the house" not in answer.text
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_pages_of_a_case_carry_them(app: Countersign, desk: Callable[..., Desk]) -> None:
    case_id = submitted(app)
    browser = desk("liguoqiang")
    for path in (f"/cases/{case_id}", f"/tasks/{task_of(app, 'liguoqiang').id}", "/inbox", "/cases", "/cases/new"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("public_url", ["http://testserver", "https://countersign.example.org"])
def test_no_script_reads_our_cookies_and_no_other_site_sends_them(app: Countersign, public_url: str) -> None:
    from api.app import create_app

    settings = Settings(**app.settings.model_dump() | {"public_url": public_url})
    with Desk(create_app(Countersign(settings, app.db))) as browser:
        browser.base_url = public_url  # type: ignore[assignment]  # a Secure cookie comes back over https alone
        page = browser.get("/sign-in")
        fields = browser.form(page, "/sign-in") | {"login": "wangmin", "password": PASSWORD}
        answer = browser.post("/sign-in", data=fields, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        chosen = browser.post("/language", data={"csrf": "x", "language": "en"})
        assert chosen.status_code == 403
    cookies = [*page.headers.get_list("set-cookie"), *answer.headers.get_list("set-cookie")]
    assert len(cookies) >= 3
    for cookie in cookies:
        name, *flags = [part.strip() for part in cookie.split(";")]
        said = {flag.lower() for flag in flags}
        assert {"httponly", "path=/", "samesite=lax"} <= said, cookie
        if public_url.startswith("https"):
            assert name.startswith("__Host-")
            assert "secure" in said
            assert not any(flag.startswith("domain") for flag in said)


def test_the_host_header_names_nothing(desk: Callable[..., Desk]) -> None:
    browser = desk("wangmin")
    for path in ("/", "/inbox", "/cases", "/nothing", "/sign-in", "/static", "/cases/"):
        forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        answer = browser.get(path, headers=forged, follow_redirects=False)
        assert "evil.example" not in answer.text + str(answer.headers), path

"""Pages and API of notifications, channels and webhooks: kept, refused beside the field, nobody else's."""

from collections.abc import Callable
from datetime import datetime

import pytest
from fastapi.testclient import TestClient

from engine.service import channels, preferences, webhooks
from engine.service.app import Countersign
from engine.service.channels import ChannelChoice
from engine.service.holding import CHANNELS
from tests.api.cases import key, viewer
from tests.api.desk import Desk

SCRIPT = "<script>alert(1)</script>"
PUBLIC = "https://93.184.216.34/hook"
Make = Callable[..., Desk]


def open_channels(app: Countersign, *names: str) -> None:
    for name in names:
        channels.set_channel(app, viewer(app, "machao"), name, ChannelChoice(is_open=True))  # type: ignore[arg-type]


def test_a_person_chooses_and_sees_what_they_chose(app: Countersign, desk: Make) -> None:
    open_channels(app, "sms")
    wang = desk("wangmin")
    answer = wang.fill_in(
        "/notifications",
        "/notifications",
        **{"groups-email": ["outcome"], "groups-sms": ["task", "reminder"], "sms-to": "13800001111"},
        quiet_from="22:00",
        quiet_to="07:30",
        pace="weekly",
        at="09:15",
        weekday="4",
    )
    assert answer.url.path == "/notifications"
    assert "Saved. It holds from the next notice on." in answer.text
    kept = preferences.shown(app, viewer(app, "wangmin")).wanted
    assert kept.channels == {
        "task": ("sms",), "reminder": ("sms",), "outcome": ("email",), "news": (), "copy": (),
    }  # fmt: skip
    assert (kept.pace, kept.at, kept.weekday, kept.quiet_from) == ("weekly", "09:15", 4, "22:00")
    assert 'value="13800001111"' in answer.text
    assert '<option value="4" selected>Friday</option>' in answer.text


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(app: Countersign, desk: Make) -> None:
    open_channels(app, "sms", "wecom", "webhook")
    wang = desk("wangmin")
    answer = wang.fill_in(
        "/notifications",
        "/notifications",
        **{"sms-to": SCRIPT, "wecom-to": PUBLIC, "webhook-to": "http://2130706433/", "groups-email": ["task"]},
        quiet_from="22:00",
        quiet_to="",
        pace="at_once",
        at="08:30",
        weekday="0",
    )
    assert answer.status_code == 422
    assert SCRIPT not in answer.text
    assert "&lt;script&gt;" in answer.text
    for said in (
        "This is no mobile number.",
        "The address of this bot begins with https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=.",
        "a number as host is written with four parts",
        "Quiet hours need a beginning and an end.",
        "4 things to correct; nothing was lost",
        PUBLIC,
    ):
        assert said in answer.text
    assert preferences.shown(app, viewer(app, "wangmin")).wanted.addresses == {}


@pytest.mark.parametrize(
    ("field", "value"), [("pace", "never"), ("at", "25:99"), ("weekday", "9"), ("weekday", "x"), ("quiet_from", "late")]
)
def test_values_that_no_form_offers_are_refused_and_keep_what_there_is(desk: Make, field: str, value: str) -> None:
    given = {"quiet_from": "", "quiet_to": "", "pace": "at_once", "at": "08:30", "weekday": "0"} | {field: value}
    answer = desk("wangmin").fill_in("/notifications", "/notifications", **given)
    assert answer.status_code == 422
    assert "This is none of the choices." in answer.text


def test_an_expired_session_says_that_nothing_is_lost(desk: Make) -> None:
    wang = desk("wangmin")
    form = wang.form(wang.get("/notifications"), "/notifications")
    wang.cookies.clear()
    assert wang.post("/notifications", data=form).status_code in (401, 403)


def test_channels_are_for_administrators_and_webhooks_for_those_who_keep_them(app: Countersign, desk: Make) -> None:
    wang, admin = desk("wangmin"), desk("machao")
    for path in ("/channels", "/webhooks", "/webhooks/1"):
        assert wang.get(path).status_code == 404
    menu = wang.get("/inbox").text
    assert "/notifications" in menu
    assert "/channels" not in menu
    assert admin.get("/channels").status_code == 200
    form = admin.form(admin.get("/channels"), "/channels")
    saved = admin.post("/channels", data=form | {"channel": "feishu", "open": "yes", "server": "", "groups": ["task"]})
    assert "Saved." in saved.text
    wrong = admin.post("/channels", data=form | {"channel": "feishu", "open": "yes", "server": "http://10.0.0.1/x"})
    assert wrong.status_code == 422
    assert "it leads to this machine or a private network" in wrong.text
    assert "http://10.0.0.1/x" in wrong.text
    assert channels.overview(app, viewer(app, "machao"))[4].choice == ChannelChoice(is_open=True, groups=("task",))


def test_a_webhook_shows_its_secret_once_and_sent_twice_is_made_once(app: Countersign, desk: Make) -> None:
    admin = desk("machao")
    form = admin.form(admin.get("/webhooks"), "/webhooks") | {"name": SCRIPT, "url": PUBLIC, "events": ["case.decided"]}
    first, second = admin.post("/webhooks", data=form), admin.post("/webhooks", data=form)
    [secret] = [word for word in first.text.replace("<", " ").replace(">", " ").split() if word.startswith("whsec_")]
    assert secret in second.text
    [made] = webhooks.listed(app, viewer(app, "machao"))
    assert made.name == SCRIPT
    assert SCRIPT not in first.text
    page = f"/webhooks/{made.id}"
    assert "whsec_" not in admin.get(page).text
    assert "The test is under way" in admin.fill_in(page, page, action="test").text
    assert "waiting" in admin.get(page).text
    assert "switched off" in admin.fill_in(page, page, action="off").text
    assert "It is switched off; switch it on first." in admin.fill_in(page, page, action="test").text
    assert "switched on" in admin.fill_in(page, page, action="on").text
    renewed = admin.fill_in(page, page, action="renew")
    assert "whsec_" in renewed.text
    assert secret not in renewed.text
    assert "the old secret signs too" in renewed.text
    wrong = admin.fill_in(page, page, action="save", name="x", url="http://[::ffff:169.254.169.254]/")
    assert wrong.status_code == 422
    assert "Choose at least one event." in wrong.text
    assert "::ffff:169.254.169.254" in wrong.text
    assert admin.fill_in(page, page, action="remove").url.path == "/webhooks"
    assert admin.get(page).status_code == 404


def test_the_same_by_api(app: Countersign, api: object, desk: Make) -> None:
    script = TestClient(api, base_url="http://testserver")  # type: ignore[arg-type]
    signed = script.post("/api/v1/session", json={"login": "machao", "password": "huiqian-demo"}).json()
    script.headers["Authorization"] = f"Bearer {signed['token']}"
    given = {"channels": {"task": ["email"]}, "pace": "daily", "at": "18:00"}
    kept = script.put("/api/v1/notifications", json=given).json()
    assert kept["wanted"]["pace"] == "daily"
    assert [one["name"] for one in kept["channels"]] == ["email"]
    assert script.put("/api/v1/notifications", json={"pace": "never"}).status_code == 422
    assert script.post("/api/v1/notifications/test/email").status_code == 204
    assert script.post("/api/v1/notifications/test/pigeon").status_code == 422
    set_up = script.put("/api/v1/channels/sms", json={"is_open": True, "groups": ["reminder"]}).json()
    assert [one["name"] for one in set_up] == list(CHANNELS)
    made = script.post("/api/v1/webhooks", json={"name": "x", "url": PUBLIC}, headers={"Idempotency-Key": key()}).json()
    assert made["secret"].startswith("whsec_")
    [listed] = script.get("/api/v1/webhooks").json()
    assert "secret" not in listed
    assert datetime.fromisoformat(listed["created_at"])
    assert script.post(f"/api/v1/webhooks/{made['id']}/test").status_code == 204
    assert [one["occasion"] for one in script.get(f"/api/v1/webhooks/{made['id']}/deliveries").json()] == ["ping"]
    refused = script.post("/api/v1/webhooks", json={"name": "x", "url": "http://0x7f.1/"})
    assert (refused.status_code, refused.json()["problems"][0]["at"]) == (422, "url")
    assert script.post(f"/api/v1/webhooks/{made['id']}/off").json()["state"] == "off"
    assert script.delete(f"/api/v1/webhooks/{made['id']}").status_code == 204
    assert script.get("/api/v1/webhooks").json() == []
    other = TestClient(api, base_url="http://testserver")  # type: ignore[arg-type]
    signed = other.post("/api/v1/session", json={"login": "wangmin", "password": "huiqian-demo"}).json()
    other.headers["Authorization"] = f"Bearer {signed['token']}"
    for path in ("/api/v1/webhooks", "/api/v1/channels", "/api/v1/messages/given-up"):
        assert other.get(path).status_code == 404

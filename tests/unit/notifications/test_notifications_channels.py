"""What the services of the vendors would get, as their public documentation asks for it, told by a server that records;
and what their answers mean. The bots are those of a private installation, which lies here on the loopback."""

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import get_args

import pytest

from engine import clock
from engine.service.holding import CHANNELS, Address
from engine.service.messaging import ChannelDown, NothingToSend, NotTaken, TryLater
from engine.settings import Settings
from notifications.channels import KINDS, AnyChannel, sender
from notifications.message import compose
from tests.servers.gateway import SECRET, RunningGateway, running_gateway
from tests.servers.recorder import Recorder, recording
from tests.support import free_port
from tests.unit.notifications.test_notifications_message import SHANGHAI, TASK, bundled

SETTINGS = Settings(private_addresses=True)
PATHS = {
    "wecom": "/cgi-bin/webhook/send?key=693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa",
    "dingtalk": "/robot/send?access_token=66383613",
    "feishu": "/open-apis/bot/v2/hook/0f9d",
    "webhook": "/hook",
}
FINE = {
    "wecom": {"errcode": 0, "errmsg": "ok"},
    "dingtalk": {"errcode": 0, "errmsg": "ok"},
    "feishu": {"code": 0},
    "webhook": {},
}


def send(channel: str, recorder: Recorder | str, secret: str = "", **more: object) -> None:
    url = recorder if isinstance(recorder, str) else recorder.url
    address = Address(to=url + PATHS[channel], secret=secret)
    sender(SETTINGS)(replace(TASK, channel=channel, address=address, key="c1:3:0:wang", **more))  # type: ignore[arg-type]


def test_every_channel_that_people_choose_has_a_class() -> None:
    assert tuple(KINDS) == CHANNELS
    assert {type(kind) for kind in KINDS.values()} == set(get_args(AnyChannel))


def test_wecom_gets_a_text() -> None:
    with recording() as here:
        here.answer = FINE["wecom"]
        send("wecom", here)
        [taken] = here.taken
        assert taken.path == PATHS["wecom"]
        assert taken.said == {"msgtype": "text", "text": {"content": compose(TASK, SHANGHAI).short}}
        assert taken.headers["content-type"].startswith("application/json")


def test_dingtalk_gets_a_text_signed_in_the_query_and_encoded_once() -> None:
    with recording() as here:
        here.answer = FINE["dingtalk"]
        send("dingtalk", here, secret="SEC0123")
        [taken] = here.taken
        stamp, sign = taken.query["timestamp"], taken.query["sign"]
        assert taken.query["access_token"] == "66383613"
        assert abs(int(stamp) / 1000 - clock.now().timestamp()) < 60
        wanted = hmac.new(b"SEC0123", f"{stamp}\nSEC0123".encode(), hashlib.sha256).digest()
        assert base64.b64decode(sign, validate=True) == wanted
        assert taken.said == {"msgtype": "text", "text": {"content": compose(TASK, SHANGHAI).short}}


def test_feishu_gets_a_text_signed_in_the_body() -> None:
    with recording() as here:
        here.answer = FINE["feishu"]
        send("feishu", here, secret="key")
        [taken] = here.taken
        stamp = taken.said["timestamp"]
        assert abs(int(stamp) - clock.now().timestamp()) < 60
        wanted = hmac.new(f"{stamp}\nkey".encode(), b"", hashlib.sha256).digest()
        assert base64.b64decode(taken.said["sign"]) == wanted
        assert (taken.said["msg_type"], taken.said["content"]) == ("text", {"text": compose(TASK, SHANGHAI).short})
        send("feishu", here)
        assert "sign" not in here.taken[1].said


def test_an_own_address_gets_json_with_an_id_and_a_signature() -> None:
    with recording() as here:
        send("webhook", here, secret="key")
        [taken] = here.taken
        assert taken.said["id"] == taken.headers["idempotency-key"] == "c1:3:0:wang"
        assert taken.said["occasion"] == "task"
        assert taken.said["link"] == TASK.link
        assert taken.headers["x-signature"] == "sha256=" + hmac.new(b"key", taken.body, hashlib.sha256).hexdigest()


def test_the_sms_gateway_gets_subject_and_link_and_the_same_message_once(tmp_path: object) -> None:
    with running_gateway(tmp_path / "sms.log") as gateway:  # type: ignore[operator]
        settings = Settings(sms_url=gateway.url, sms_secret=SECRET)
        sms = replace(TASK, channel="sms", address=Address(to="13800001111"), key="c1:3:0:wang:sms")
        sender(settings)(sms)
        sender(settings)(sms)
        [message] = gateway.messages()
        assert message["to"] == "13800001111"
        assert message["text"] == compose(TASK, SHANGHAI).short
        assert gateway.stats()["repeated"] == 1
        with pytest.raises(NotTaken, match="not a number"):
            sender(settings)(replace(sms, address=Address(to="nobody"), key="other"))
        gateway.behave(refuse=1)
        with pytest.raises(ChannelDown):
            sender(settings)(sms)
        gateway.behave(too_many=1, retry_after=7)
        with pytest.raises(TryLater) as later:
            sender(settings)(sms)
        assert later.value.seconds == 7
    assert isinstance(gateway, RunningGateway)
    with pytest.raises(ChannelDown):
        sender(settings)(sms)
    with pytest.raises(NothingToSend, match="COUNTERSIGN_SMS_URL"):
        sender(Settings())(sms)


@pytest.mark.parametrize("channel", ["wecom", "dingtalk", "feishu"])
def test_a_bot_that_answers_200_with_an_error_has_not_taken_the_message(channel: str) -> None:
    name = "code" if channel == "feishu" else "errcode"
    busy = {"wecom": 45009, "dingtalk": 130101, "feishu": 11232}[channel]
    with recording() as here:
        here.answer = {name: 93000, "errmsg": "invalid webhook url", "msg": "invalid webhook url"}
        with pytest.raises(NotTaken, match="93000: invalid webhook url"):
            send(channel, here)
        here.answer = {name: busy}
        with pytest.raises(TryLater):
            send(channel, here)
        here.status = 502
        with pytest.raises(ChannelDown, match="HTTP 502"):
            send(channel, here)
        here.status, here.answer = 200, "no object"
        with pytest.raises(NotTaken):
            send(channel, here)
    with pytest.raises(ChannelDown):
        send(channel, f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("channel", PATHS)
def test_without_the_operators_leave_nothing_is_posted_to_the_loopback(channel: str) -> None:
    with recording() as here:
        address = Address(to=here.url + PATHS[channel])
        with pytest.raises(NotTaken, match="private network"):
            sender(Settings())(replace(TASK, channel=channel, address=address))
        assert here.taken == []


@pytest.mark.parametrize("channel", PATHS)
def test_a_confidential_title_reaches_no_bot_not_even_in_a_digest(channel: str) -> None:
    with recording() as here:
        here.answer = FINE[channel]
        for language in ("zh", "en"):
            send(channel, here, confidential=True, language=language, remark="春季流量包")
            one = replace(TASK, confidential=True, language=language)  # type: ignore[arg-type]
            digest = replace(bundled(one), channel=channel, address=Address(to=here.url + PATHS[channel]))
            sender(SETTINGS)(digest)
        assert len(here.taken) == 4
        for taken in here.taken:
            said = taken.body.decode()
            assert "春季流量包" not in said
            assert "80,000" not in said
            assert "会" not in said or TASK.number in said

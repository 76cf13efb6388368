"""钉钉自定义机器人: https://open.dingtalk.com/document/robots/custom-robot-access

A bot with 加签 wants `timestamp` (milliseconds) and `sign` in the query: base64 of HMAC-SHA256 over
"timestamp\\nsecret" with the secret as key, percent-encoded once.
"""

import base64
import hashlib
import hmac
import json
from typing import ClassVar, Literal
from urllib.parse import urlencode

from engine import clock
from engine.service.messaging import NothingToSend
from engine.service.noticing import Bundle, Notice
from engine.settings import Settings
from notifications.kinds.wecom import check
from notifications.message import Message, cut
from notifications.post import post

LONGEST = 20_000
BUSY = (-1, 130101, 130103, 660026)  # the system is busy; more than 20 messages a minute


class DingTalk:
    """A text by the person's bot."""

    name: ClassVar[Literal["dingtalk"]] = "dingtalk"

    def send(self, settings: Settings, letter: Notice | Bundle, message: Message) -> None:
        """Post one text, signed where the bot has a key."""
        if not letter.address.to:
            raise NothingToSend(reason="there is no address of a bot")
        url = letter.address.to
        if letter.address.secret:
            stamp = str(round((clock.now() - clock.offset()).timestamp() * 1000))  # the vendor knows no moved clock
            url += "&" + urlencode({"timestamp": stamp, "sign": signature(stamp, letter.address.secret)})
        body = json.dumps({"msgtype": "text", "text": {"content": cut(message.short, LONGEST)}}, ensure_ascii=False)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = post(url, body.encode(), headers, channel="DingTalk", private=settings.private_addresses)
        check(answer, "errcode", "errmsg", BUSY)


def signature(stamp: str, secret: str) -> str:
    """The `sign` of a request."""
    signed = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(signed).decode()

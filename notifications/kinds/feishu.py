"""飞书自定义机器人: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot

A bot with 签名校验 wants `timestamp` (seconds) and `sign` in the body: base64 of HMAC-SHA256 over nothing, with
"timestamp\\nsecret" as key.
"""

import base64
import hashlib
import hmac
import json
from typing import Any, ClassVar, Literal

from engine import clock
from engine.service.messaging import NothingToSend
from engine.service.noticing import Bundle, Notice
from engine.settings import Settings
from notifications.kinds.wecom import check
from notifications.message import Message, cut
from notifications.post import post

LONGEST = 18_000  # a request of 20 KB at most
BUSY = (9499, 11232)  # too many requests


class Feishu:
    """A text by the person's bot."""

    name: ClassVar[Literal["feishu"]] = "feishu"

    def send(self, settings: Settings, letter: Notice | Bundle, message: Message) -> None:
        """Post one text, signed where the bot has a key."""
        if not letter.address.to:
            raise NothingToSend(reason="there is no address of a bot")
        said: dict[str, Any] = {"msg_type": "text", "content": {"text": cut(message.short, LONGEST)}}
        if letter.address.secret:
            stamp = str(int((clock.now() - clock.offset()).timestamp()))
            said = {"timestamp": stamp, "sign": signature(stamp, letter.address.secret), **said}
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        answer = post(letter.address.to, body, headers, channel="Feishu", private=settings.private_addresses)
        check(answer, "code", "msg", BUSY)


def signature(stamp: str, secret: str) -> str:
    """The `sign` of a request."""
    return base64.b64encode(hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()

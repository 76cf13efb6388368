"""企业微信群机器人: https://developer.work.weixin.qq.com/document/path/91770

Answers 200 whatever happened; what did stands in `errcode`.
"""

import json
from typing import ClassVar, Literal

from engine.service.messaging import NothingToSend, NotTaken, TryLater
from engine.service.noticing import Bundle, Notice
from engine.settings import Settings
from notifications.message import Message, cut
from notifications.post import Answer, post

LONGEST = 2048  # bytes of a text, by the vendor
BUSY = (-1, 45009, 45033)  # the system is busy; more than 20 messages a minute


class WeCom:
    """A text by the person's bot."""

    name: ClassVar[Literal["wecom"]] = "wecom"

    def send(self, settings: Settings, letter: Notice | Bundle, message: Message) -> None:
        """Post one text."""
        if not letter.address.to:
            raise NothingToSend(reason="there is no address of a bot")
        body = json.dumps({"msgtype": "text", "text": {"content": cut(message.short, LONGEST)}}, ensure_ascii=False)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        private = settings.private_addresses
        answer = post(letter.address.to, body.encode(), headers, channel="WeCom", private=private)
        check(answer, "errcode", "errmsg", BUSY)


def check(answer: Answer, code: str, words: str, busy: tuple[int, ...]) -> None:
    """What the vendor says of a message that it answered 200 or 4xx."""
    said = answer.said
    number = said.get(code)
    if answer.status < 400 and number == 0:
        return
    reason = f"HTTP {answer.status}, {code} {number}: {str(said.get(words, ''))[:200]}"
    raise TryLater(reason=reason, seconds=60) if number in busy else NotTaken(reason=reason)

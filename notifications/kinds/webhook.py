"""A person's own address: the message as JSON, signed where a key is given, for what no other channel reaches."""

import json
from typing import ClassVar, Literal

from engine.delivery.signature import sign
from engine.service.messaging import NothingToSend, NotTaken
from engine.service.noticing import Bundle, Notice
from engine.settings import Settings
from notifications.message import Message
from notifications.post import post


class OwnAddress:
    """A POST of {"id", "occasion", "title", "text", "link"}."""

    name: ClassVar[Literal["webhook"]] = "webhook"

    def send(self, settings: Settings, letter: Notice | Bundle, message: Message) -> None:
        """Post one message."""
        if not letter.address.to:
            raise NothingToSend(reason="there is no address")
        occasion = letter.occasion if isinstance(letter, Notice) else "digest"
        said = {
            "id": letter.key,
            "occasion": occasion,
            "title": message.title,
            "text": message.short,
            "link": letter.link,
        }
        body = json.dumps(said, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": letter.key}
        if letter.address.secret:
            headers["X-Signature"] = sign(body, letter.address.secret)
        answer = post(letter.address.to, body, headers, channel="webhook", private=settings.private_addresses)
        if answer.status >= 400:
            raise NotTaken(reason=f"HTTP {answer.status}")

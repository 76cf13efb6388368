"""SMS over the operator's gateway: a message with an id that stays the same, so that a repetition is no second SMS."""

import hashlib
import json
from typing import ClassVar, Literal

from engine.delivery.signature import sign
from engine.service.messaging import ChannelDown, NothingToSend, NotTaken
from engine.service.noticing import Bundle, Notice
from engine.settings import Settings
from notifications.message import Message
from notifications.post import post


class Sms:
    """A subject and a link to the mobile number of the person."""

    name: ClassVar[Literal["sms"]] = "sms"

    def send(self, settings: Settings, letter: Notice | Bundle, message: Message) -> None:
        """Hand one SMS to the gateway."""
        if not settings.sms_url:
            raise NothingToSend(reason="no SMS gateway is set (COUNTERSIGN_SMS_URL)")
        if not letter.address.to:
            raise NothingToSend(reason="there is no mobile number")
        name = "notice." + hashlib.sha256(letter.key.encode()).hexdigest()[:24]
        body = json.dumps({"messages": [{"id": name, "to": letter.address.to, "text": message.short}]}).encode()
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": hashlib.sha256(body).hexdigest(),
            "X-Signature": sign(body, settings.sms_secret),
        }
        # The operator's own gateway, from the settings: it may lie anywhere.
        answer = post(f"{settings.sms_url.rstrip('/')}/messages", body, headers, channel="SMS", private=True)
        if answer.status >= 400:
            raise ChannelDown(channel="SMS", reason=f"HTTP {answer.status}")
        results = answer.said.get("results")
        if not isinstance(results, list) or not results or not isinstance(results[0], dict):
            raise ChannelDown(channel="SMS", reason="its answer cannot be read")
        if results[0].get("status") != "accepted":
            raise NotTaken(reason=str(results[0].get("reason") or results[0].get("status"))[:200])

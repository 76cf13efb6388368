"""Every way in which a message leaves: one class per channel, named once here; and the posting of events to webhooks.

A sender says what became of one message, by returning or by the errors of `engine.service.messaging`; when to try
again is decided there. It never sends to customers: their messages go over a delivery channel with a ledger.
"""

from collections.abc import Callable

from engine import clock
from engine.service.announcing import Call
from engine.service.mailing import ReportLetter
from engine.service.messaging import ChannelDown, Letter, NotTaken, TryLater
from engine.settings import Settings
from notifications.kinds.dingtalk import DingTalk
from notifications.kinds.email import Email
from notifications.kinds.feishu import Feishu
from notifications.kinds.sms import Sms
from notifications.kinds.webhook import OwnAddress
from notifications.kinds.wecom import WeCom
from notifications.message import message_of
from notifications.post import post

AnyChannel = Email | Sms | WeCom | DingTalk | Feishu | OwnAddress
KINDS: dict[str, AnyChannel] = {
    kind.name: kind for kind in (Email(), Sms(), WeCom(), DingTalk(), Feishu(), OwnAddress())
}


def sender(settings: Settings) -> Callable[[Letter], None]:
    """A function that sends one letter."""

    def send(letter: Letter) -> None:
        if isinstance(letter, Call):
            call(settings, letter)
        elif isinstance(letter, ReportLetter):
            Email().send(settings, letter, message_of(letter, settings.zone))
        else:
            KINDS[letter.channel].send(settings, letter, message_of(letter, settings.zone))

    return send


def call(settings: Settings, letter: Call) -> None:
    """Post one event to a webhook. Whatever is no 2xx is a failure of the webhook: what it missed goes to it again."""
    now = clock.now() - clock.offset()  # the other side compares with its own clock
    try:
        answer = post(
            letter.url, letter.body, letter.headers(now), channel="webhook", private=settings.private_addresses
        )
    except (TryLater, NotTaken) as error:
        raise ChannelDown(channel="webhook", reason=str(error.fields["reason"])) from None
    if answer.status >= 400:
        raise ChannelDown(channel="webhook", reason=f"HTTP {answer.status}")

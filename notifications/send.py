"""Sends notices to staff by Apprise, whose address patterns also reach WeCom, DingTalk and a hundred others.

It sends one notice and says whether that worked; when to try again is the outbox's decision. It never sends to
customers: their messages go over a delivery channel with a ledger.
"""

from collections.abc import Callable
from html import escape
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, NotifyFormat

from engine.errors import Unavailable
from engine.service.effects import Notice
from engine.settings import Settings
from notifications.message import compose

ASSET = AppriseAsset(app_id="Countersign", app_desc="Countersign", app_url="", async_mode=False)


class MailAddressWrong(Unavailable):
    """Staff mail cannot be sent: COUNTERSIGN_MAIL_URL is not an Apprise address with {{to}}. Nothing was lost."""


class MailNotTaken(Unavailable):
    """The mail server did not take the notice for {person}; it stays in the outbox and is tried again."""


def sender(settings: Settings) -> Callable[[Notice], None]:
    """A function that sends one notice. It raises Unavailable when the notice was not taken over."""

    def send(notice: Notice) -> None:
        if not settings.mail_url or not notice.email:
            return  # this office works from the inbox page alone, or the person has no address
        if "{to}" not in settings.mail_url:
            raise MailAddressWrong()
        message = compose(notice, settings.zone)
        # A fresh object per notice: an Apprise mailer waits 5.5 s between two mails of its own.
        mailer = Apprise(asset=ASSET)
        if not mailer.add(settings.mail_url.replace("{to}", quote(notice.email, safe=""))):
            raise MailAddressWrong()
        if not mailer.notify(title=message.title, body=as_html(message.body), body_format=NotifyFormat.HTML):
            raise MailNotTaken(person=notice.person)

    return send


def as_html(body: str) -> str:
    """The text with its lines kept and its links made clickable; Apprise adds the plain text beside it."""
    return "<br/>".join(_line(line) for line in body.rstrip().splitlines())


def _line(line: str) -> str:
    address = line.strip()
    if address.startswith(("http://", "https://")) and " " not in address:
        return f'<a href="{escape(address)}">{escape(address)}</a>'
    return escape(line)

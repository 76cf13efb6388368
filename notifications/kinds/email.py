"""E-mail. Apprise reads the operator's address (COUNTERSIGN_MAIL_URL) and makes the mail; the conversation with the
server is our own, because what the server says decides whether a mail is tried again."""

import hashlib
import re
import smtplib
import ssl
from typing import ClassVar, Literal
from urllib.parse import quote

from apprise import Apprise, AppriseAsset, AppriseAttachment, NotifyFormat
from apprise.attachment.memory import AttachMemory
from apprise.plugins.email.base import NotifyEmail

from engine.service.mailing import ReportLetter
from engine.service.messaging import ChannelDown, NothingToSend, NotTaken, TryLater
from engine.service.noticing import Bundle, Notice
from engine.settings import Settings
from notifications.html import as_html
from notifications.message import Message

SECONDS = 10
MESSAGE_ID = re.compile(r"^Message-ID: .*$", re.M)
ASSET = AppriseAsset(app_id="Countersign", app_desc="Countersign", app_url="", async_mode=False)


class MailAddressWrong(ChannelDown):
    """Staff mail cannot be sent: COUNTERSIGN_MAIL_URL is not an Apprise address with {{to}}. Nothing was lost."""


class Email:
    """Mail to the address of the account."""

    name: ClassVar[Literal["email"]] = "email"

    def send(self, settings: Settings, letter: Notice | Bundle | ReportLetter, message: Message) -> None:
        """Hand one mail to the server. A report that is sent again after a crash has the id that it had before."""
        if not settings.mail_url:
            raise NothingToSend(reason="no mail server is set (COUNTERSIGN_MAIL_URL)")
        if not letter.email:
            raise NothingToSend(reason="the account has no mail address")
        mailer = _mailer(settings, letter.email)
        body = as_html(message, letter.language)
        for mail in NotifyEmail.prepare_emails(
            subject=message.title,
            body=body,
            notify_format=NotifyFormat.HTML,
            from_addr=mailer.from_addr,
            to=mailer.targets,
            headers={"X-Application": "Countersign", "Auto-Submitted": "auto-generated", **mailer.headers},
            names=mailer.names,
            attach=_attached(letter),
        ):
            _hand_over(mailer, mail.to_addrs, _with_id(mail.body, letter, str(mailer.from_addr[1])))


def _attached(letter: Notice | Bundle | ReportLetter) -> AppriseAttachment | None:
    """The file of a report that has one."""
    if not isinstance(letter, ReportLetter) or letter.attachment is None:
        return None
    file = letter.attachment
    kind = file.media.partition(";")[0]
    made = AttachMemory(content=file.data, name=file.name, mimetype=kind)  # type: ignore[no-untyped-call]
    return AppriseAttachment(paths=[made], asset=ASSET)


def _with_id(mail: str, letter: Notice | Bundle | ReportLetter, sender: str) -> str:
    """A report's mail under an id made of its key: a mailbox that gets it twice can tell."""
    if not isinstance(letter, ReportLetter):
        return mail
    name = hashlib.sha256(letter.key.encode()).hexdigest()[:32]
    return MESSAGE_ID.sub(f"Message-ID: <{name}@{sender.rpartition('@')[2]}>", mail, count=1)


def _mailer(settings: Settings, to: str) -> NotifyEmail:
    """The operator's address for one reader, taken apart by Apprise."""
    if "{to}" not in settings.mail_url:
        raise MailAddressWrong()
    found = Apprise.instantiate(settings.mail_url.replace("{to}", quote(to, safe="")), asset=ASSET)
    if not isinstance(found, NotifyEmail):
        raise MailAddressWrong()
    if not found.targets:
        raise NotTaken(reason="the account's mail address is none")
    return found


def _hand_over(mailer: NotifyEmail, to: list[str], mail: str) -> None:
    is_safe = ssl.create_default_context()
    if not mailer.verify_certificate:
        is_safe.check_hostname, is_safe.verify_mode = False, ssl.CERT_NONE
    try:
        with _server(mailer, is_safe) as server:
            if mailer.user and mailer.password:
                server.login(mailer.user, mailer.password)
            server.sendmail(str(mailer.from_addr[1]), to, mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _refused(code, words) from None
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _refused(error.smtp_code, error.smtp_error) from None
    except (OSError, smtplib.SMTPException) as error:  # no connection, no sign-in, no answer
        raise ChannelDown(channel="e-mail", reason=_why(error)) from None


def _server(mailer: NotifyEmail, is_safe: ssl.SSLContext) -> smtplib.SMTP:
    if mailer.secure_mode == "ssl":
        return smtplib.SMTP_SSL(mailer.smtp_host, mailer.port or 465, timeout=SECONDS, context=is_safe)
    server = smtplib.SMTP(mailer.smtp_host, mailer.port or 25, timeout=SECONDS)
    if mailer.secure_mode == "starttls":
        server.starttls(context=is_safe)
    return server


def _refused(code: int, words: bytes | str) -> Exception:
    """5xx is for good, 4xx for now (greylisting, a full mailbox)."""
    said = f"SMTP {code} {words.decode(errors='replace') if isinstance(words, bytes) else words}".strip()
    if code == 421:
        return ChannelDown(channel="e-mail", reason=said)
    return NotTaken(reason=said) if code >= 500 else TryLater(reason=said)


def _why(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP {error.smtp_code}"
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__

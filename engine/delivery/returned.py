"""What a mail that came back says: a bounce (RFC 3464), a complaint (RFC 5965), or neither.

Read with the standard library in its most forgiving way, because what comes back is written by strangers. Refuses to
guess from prose: a mail without a report in it is `other`, for a person to look at. Which mail of ours it is about is
only named here; whether the name is ours the service asks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Literal

Kind = Literal["hard", "soft", "delayed", "delivered", "complaint", "reply", "other"]
"""hard: the mailbox is not there, and will not be. soft: it could not be delivered this time (full, too large, or we
are refused for what we sent or for who we are). delayed: it is still tried. reply: somebody's absence notice."""

BOUNCED = "bounced"
"""How the reason begins of what failed because the mailbox is not there, before `: ` and the code."""
NAME = re.compile(r"(?:(?:proof|seed)\.)?[0-9a-z-]{1,48}\.\d{1,9}\.[0-9a-f]{16}(?![0-9a-f])", re.ASCII | re.IGNORECASE)
STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
NOT_THE_MAILBOX = ("5.2.2", "5.2.3", "5.3.", "5.6.", "5.7.")
"""Refusals for good that say nothing of the mailbox's being: full, too long, the server, the content, our name."""
SENT_TO = ("To", "Delivered-To", "X-Original-To", "X-Envelope-To", "Envelope-To", "In-Reply-To", "References")
OF_THE_MAIL = ("Message-ID", "Return-Path", "X-Envelope-From")
OF_THE_REPORT = ("Original-Mail-From", "Original-Envelope-Id")
MANY_PARTS = 50


@dataclass(frozen=True, slots=True)
class Returned:
    """One mail that came back. `names` are what might be the name of the mail it is about, the likeliest first."""

    kind: Kind
    names: tuple[str, ...] = ()
    status: str = ""

    @property
    def reason(self) -> str:
        """Why a mail failed, for the ledger; without any word of the report, which may hold an address."""
        words = {"hard": BOUNCED, "soft": "bounced softly", "complaint": "complaint"}.get(self.kind, self.kind)
        return f"{words}: {self.status}" if self.status else words


def read(raw: bytes) -> Returned:
    """What a whole mail says; `other` where it cannot be read."""
    try:
        mail = message_from_bytes(raw)
        parts = [part for _, part in zip(range(MANY_PARTS), mail.walk(), strict=False)]
        kind, status = _said(mail, parts)
        names = dict.fromkeys(name.lower() for text in _texts(mail, parts) for name in NAME.findall(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return Returned("other")
    return Returned(kind, tuple(names), status)


def _said(mail: Message, parts: list[Message]) -> tuple[Kind, str]:
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            return "complaint", ""
        if part.get_content_type() == "message/delivery-status":
            return _of_status(part)
    automatic = str(mail.get("Auto-Submitted", "no")).strip().lower()
    return ("reply" if automatic.startswith("auto-replied") else "other"), ""


def _of_status(part: Message) -> tuple[Kind, str]:
    """Our mails have one recipient each, so the first block that says what was done is about it."""
    for block in _blocks(part):
        action = str(block.get("Action", "")).strip().lower()
        if not action:
            continue
        found = STATUS.search(str(block.get("Status", ""))) or STATUS.search(str(block.get("Diagnostic-Code", "")))
        status = found[0] if found else ""
        if action == "failed":
            return ("hard" if is_hard(status) else "soft"), status
        if action == "delayed":
            return "delayed", status
        if action in ("delivered", "relayed", "expanded"):
            return ("delivered" if action == "delivered" else "delayed"), status
    return "other", ""


def is_hard(status: str) -> bool:
    """Whether a failure with this code says that the mailbox is not there. One without a code is for good, as far as
    the server says, but nothing is known of the mailbox."""
    return status.startswith("5.") and not status.startswith(NOT_THE_MAILBOX)


def _blocks(part: Message) -> Iterator[Message]:
    payload = part.get_payload()
    for block in payload if isinstance(payload, list) else []:
        if isinstance(block, Message):
            yield block


def _texts(mail: Message, parts: list[Message]) -> Iterator[str]:
    """Where a name of ours may stand: in the returned mail first, then in the report, then in whom it came to."""
    for part in parts[1:]:
        yield from (str(part[header]) for header in OF_THE_MAIL if header in part)
        if part.get_content_type() == "text/rfc822-headers":
            yield from (line for line in _plain(part).splitlines() if line.lower().startswith("message-id:"))
        if part.get_content_type() == "message/feedback-report":
            for block in (part, *_blocks(part)):
                yield from (str(block[header]) for header in OF_THE_REPORT if header in block)
            yield _plain(part)
    yield from (str(value) for header in SENT_TO for value in mail.get_all(header, []))


def _plain(part: Message) -> str:
    content = part.get_payload(decode=True)
    return content.decode("ascii", "replace") if isinstance(content, bytes) else ""

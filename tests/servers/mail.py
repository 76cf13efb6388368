"""A mail server (aiosmtpd) in a thread of its own, that misbehaves as it is told and keeps every mail it took."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class TakenMail:
    """One mail as it came: the envelope's sender, the recipient, the bytes."""

    sender: str
    to: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return cast("EmailMessage", message_from_bytes(self.raw, policy=default))


@dataclass
class MailServer:
    """What came, and how it behaves: `nobody` are not there, `unwanted` want nothing of us, `later` says how often each
    recipient is put off, `drops` how many mails are kept and then not answered, `full` that the sender is refused,
    `slow` how many seconds a mail takes. `secured` counts the mails that came over TLS."""

    port: int = 0
    scheme: str = "smtp"
    secured: int = 0
    mails: list[TakenMail] = field(default_factory=list)
    nobody: frozenset[str] = frozenset()
    unwanted: frozenset[str] = frozenset()
    later: int = 0
    drops: int = 0
    full: bool = False
    slow: float = 0
    connections: int = 0
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def times(self) -> Counter[str]:
        """How many mails every recipient got."""
        return Counter(mail.to for mail in self.mails)

    def mail_of(self, to: str) -> TakenMail:
        return next(mail for mail in self.mails if mail.to == to)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.full:
            return "552 5.3.1 Not today"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked[address] += 1
        if address in self.nobody:
            return f"550 5.1.1 <{address}> is not known here"
        if address in self.unwanted:
            return "550 5.7.1 Not from you"
        if self.asked[address] <= self.later:
            return "451 4.7.1 Greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        self.secured += session.ssl is not None or self.scheme == "smtps"
        self.mails.append(TakenMail(envelope.mail_from or "", envelope.rcpt_tos[0], raw))
        await asyncio.sleep(self.slow)
        if self.drops:
            self.drops -= 1
            server.transport.abort()
        return "250 2.0.0 Kept"


@contextmanager
def mail_server(
    *, start_tls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, letters: bool = False
) -> Iterator[MailServer]:
    """The server, for the length of a block; with STARTTLS, or TLS from the first byte on; with `letters` it takes
    addresses of letters that are not ASCII (SMTPUTF8)."""
    kept = MailServer(scheme="smtps" if tls else "smtp")
    loop = asyncio.new_event_loop()
    listens = threading.Event()

    async def listen() -> asyncio.Server:
        def serve() -> SMTP:
            secure = {"tls_context": start_tls, "require_starttls": True} if start_tls else {}
            return SMTP(kept, hostname="mx.test", ident="test", loop=loop, enable_SMTPUTF8=letters, **secure)

        server = await loop.create_server(serve, "127.0.0.1", 0, ssl=tls)
        kept.port = server.sockets[0].getsockname()[1]
        listens.set()
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(listen())
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    listens.wait()
    try:
        yield kept
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

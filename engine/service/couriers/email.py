"""Hands e-mail to an SMTP server: several connections, each kept open for many mails.

SMTP knows no ids to repeat by and cannot be asked. So a mail counts as taken when the server said so after its last
line, as not taken when it refused or the connection ended before that, and as unanswered, which is never repeated, in
between. A server that refuses the sender or the sign-in refuses all of us: nobody is rejected for it.
"""

import asyncio
import re
import ssl
from collections.abc import Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from engine.delivery.mail import Mail, as_sent, sender, written
from engine.delivery.returned import is_hard
from engine.service.couriers.courier import Batch
from engine.service.couriers.handed import Handed
from engine.service.mail_marks import name_of, opt_out_of
from engine.settings import Settings
from engine.warehouse.wavefiles import Letter

if TYPE_CHECKING:
    from aiosmtplib import SMTP

CONNECTIONS = 8
SECONDS_TO_ANSWER = 60
TRIES = 60
"""How often a mailbox may say "later": with the pauses between tries that is an hour, longer than any greylisting."""
SHUTTING_DOWN = 421
SILENT = "the mail server gave no answer in time"
BROKEN_OFF = "the connection to the mail server broke off before its answer"
STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
NO_SUCH_LETTERS = "the server takes no such address (no SMTPUTF8)"
NOT_SET = "no server or no sender of e-mail to customers is set"


class EmailCourier:
    """The SMTP server of the settings; use it inside one event loop, and as a context manager."""

    def __init__(self, settings: Settings) -> None:
        import aiosmtplib  # noqa: PLC0415  # takes long to load, and every command would

        self._smtp = aiosmtplib
        self._settings = settings
        self._server = urlsplit(settings.customer_mail_url)
        self._by = sender(settings.customer_mail_from, settings.customer_mail_bounces)
        self._idle: list[SMTP] = []
        self.is_down = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._idle:
            await self._leave(connection)

    async def hand(self, batch: Batch) -> Handed:
        """See Courier: the letters are divided among the connections."""
        if not self._server.hostname or self._by is None:
            self.is_down = True
            return Handed(refused=[letter.row for letter in batch.letters], error=NOT_SET)
        whole = Handed()
        shares = [batch.letters[first::CONNECTIONS] for first in range(min(CONNECTIONS, len(batch.letters)))]
        for handed in await asyncio.gather(*(self._send(batch, share) for share in shares)):
            whole.add(handed)
        return whole

    async def find(self, batch: Batch) -> Handed:
        """See Courier: there is nobody to ask."""
        return Handed(unanswered=[letter.row for letter in batch.letters])

    async def _send(self, batch: Batch, letters: Sequence[Letter]) -> Handed:
        """Over one connection. When it is lost the rest goes over another, until none comes about."""
        handed = Handed()
        connection: SMTP | None = None
        for place, letter in enumerate(letters):
            address = as_sent(letter.address)
            if not address:
                handed.rejected[letter.row] = "not an e-mail address"
                continue
            if connection is None or not connection.is_connected:
                connection = await self._connected(handed)
            if connection is None or self.is_down or not batch.goes_on():
                handed.refused += [one.row for one in letters[place:]]
                break
            if not address.isascii() and not connection.supports_extension("smtputf8"):
                handed.rejected[letter.row] = NO_SUCH_LETTERS
                continue
            await self._hand_over(connection, batch, replace(letter, address=address), handed)
        if connection is not None and connection.is_connected:
            self._idle.append(connection)
        return handed

    async def _connected(self, handed: Handed) -> "SMTP | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_connected:
                return connection
        where = self._server
        assert self._by is not None
        connection = self._smtp.SMTP(
            hostname=where.hostname,
            port=where.port,
            username=unquote(where.username) if where.username else None,
            password=unquote(where.password) if where.password else None,
            use_tls=where.scheme == "smtps",
            local_hostname=self._by.domain,
            timeout=SECONDS_TO_ANSWER,
        )
        try:
            await connection.connect()
        except (self._smtp.SMTPException, OSError) as error:
            self.is_down = True
            handed.error = f"cannot send mail: {_said(error)}"
            return None
        return connection

    async def _hand_over(self, connection: "SMTP", batch: Batch, letter: Letter, handed: Handed) -> None:
        smtp = self._smtp
        assert self._by is not None
        name = name_of(self._settings, batch.wave, letter.row)
        content = written(self._mail(batch, letter, name), self._by, self._settings.language)
        is_given = False
        try:
            is_plain = letter.address.isascii()
            await connection.mail(self._by.envelope(name), options=[] if is_plain else ["SMTPUTF8", "BODY=8BITMIME"])
            await connection.rcpt(letter.address, encoding="ascii" if is_plain else "utf-8")
            is_given = True
            await connection.data(content)
            handed.taken.append(letter.row)
        except smtp.SMTPSenderRefused as error:
            handed.refused.append(letter.row)
            self.is_down = error.code >= 500 or error.code == SHUTTING_DOWN or self.is_down
            handed.error = f"the mail server refuses the sender: {_said(error)}"
            await self._start_anew(connection)
        except (smtp.SMTPRecipientRefused, smtp.SMTPDataError) as error:
            self._refused(error.code, _said(error), batch, letter, handed)
            await self._start_anew(connection)
        except (smtp.SMTPException, OSError) as error:
            (handed.unanswered if is_given else handed.refused).append(letter.row)
            handed.error = SILENT if isinstance(error, TimeoutError) else BROKEN_OFF
            connection.close()

    def _refused(self, code: int, said: str, batch: Batch, letter: Letter, handed: Handed) -> None:
        """The server's answer about one mail: for good, for now, or nothing that can be understood."""
        if 500 <= code < 600:
            handed.rejected[letter.row] = said
            if is_hard(said.partition(" ")[2]):
                handed.gone.add(letter.row)
        elif not 400 <= code < 500:
            handed.unanswered.append(letter.row)
            handed.error = f"the mail server answered {said}"
        elif code == SHUTTING_DOWN or batch.attempt < TRIES:
            handed.refused.append(letter.row)
            handed.error = f"the mail server says later: {said}"
            self.is_down = code == SHUTTING_DOWN or self.is_down
        else:
            handed.rejected[letter.row] = f"{said} to the last"

    def _mail(self, batch: Batch, letter: Letter, name: str) -> Mail:
        token = opt_out_of(self._settings, batch.wave, letter.row)
        return Mail(
            name=name,
            to=letter.address,
            subject=letter.subject,
            text=letter.text,
            opt_out=f"{self._settings.public_url.rstrip('/')}/o/{token}",
            date=formatdate(),
        )

    async def _start_anew(self, connection: "SMTP") -> None:
        """Forget the mail that was begun, so that the next has a connection without one."""
        try:
            await connection.rset()
        except (self._smtp.SMTPException, OSError):
            connection.close()

    async def _leave(self, connection: "SMTP") -> None:
        try:
            await connection.quit()
        except (self._smtp.SMTPException, OSError):
            connection.close()


def _said(error: Exception) -> str:
    """The codes of an answer, without its words: they may hold the address. What is no answer is said in words."""
    distrusted = _distrusted(error)
    if distrusted:
        return f"its certificate is not trusted: {distrusted[:100]}"
    code, message = getattr(error, "code", None), str(getattr(error, "message", error))
    if code is None:
        return message[:100] or type(error).__name__
    status = STATUS.search(message)
    return f"{code} {status[0]}" if status else str(code)


def _distrusted(error: BaseException | None) -> str:
    """What is wrong with the server's certificate; empty where that is not what went wrong."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return ""

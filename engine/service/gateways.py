"""Hands letters to a channel and says, row by row, what is known about them afterwards.

A request that got no answer may have been taken or not, so it is repeated with the same message ids; the gateway
remembers them. Refuses to touch the database: what is reported here is recorded by the caller.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from engine.delivery.channels import Sms
from engine.delivery.signature import sign
from engine.warehouse.wavefiles import Letter

REQUESTS_IN_FLIGHT = 8
SECONDS_TO_ANSWER = 30
PAUSES = (0.2, 1.0)  # before the second and the third try of a request without an answer


@dataclass(slots=True)
class Handed:
    """What became of letters: `taken` by the channel, `rejected` with a reason, `refused` (surely not taken, try
    later), `unanswered` (nobody knows). `error` says why some are left; `asked` is Retry-After in seconds."""

    taken: list[int] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)
    error: str = ""
    asked: float = 0

    @property
    def is_whole(self) -> bool:
        """Whether every letter has its answer."""
        return not self.refused and not self.unanswered

    def add(self, other: "Handed") -> None:
        """Take in what became of other letters."""
        self.taken += other.taken
        self.rejected |= other.rejected
        self.refused += other.refused
        self.unanswered += other.unanswered
        self.error = self.error or other.error
        self.asked = max(self.asked, other.asked)


class _Result(msgspec.Struct):
    id: str
    status: str
    reason: str = ""


class _Answer(msgspec.Struct):
    results: list[_Result]


class _Message(msgspec.Struct):
    id: str
    to: str
    text: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode


class SmsGateway:
    """The SMS gateway at `url`; use it inside one event loop, and as a context manager."""

    def __init__(self, url: str, secret: str) -> None:
        import aiohttp  # noqa: PLC0415  # takes long to load, and every command would

        self._http = aiohttp
        self._url = f"{url.rstrip('/')}/messages"
        self._secret = secret
        self._free = asyncio.Semaphore(REQUESTS_IN_FLIGHT)
        self._session: aiohttp.ClientSession | None = None
        self.is_down = False

    async def __aenter__(self) -> "SmsGateway":
        connector = self._http.TCPConnector(limit=REQUESTS_IN_FLIGHT)
        timeout = self._http.ClientTimeout(total=SECONDS_TO_ANSWER)
        self._session = self._http.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def hand(self, wave: str, letters: Sequence[Letter]) -> Handed:
        """Send letters in batches, several requests at once."""
        batches = [letters[start : start + Sms.batch] for start in range(0, len(letters), Sms.batch)]
        whole = Handed()
        for part in await asyncio.gather(*(self._hand(wave, batch) for batch in batches)):
            whole.add(part)
        if not whole.is_whole:
            self.is_down = True
        return whole

    async def _hand(self, wave: str, letters: Sequence[Letter]) -> Handed:
        rows = {f"{wave}.{letter.row}": letter.row for letter in letters}
        messages = [_Message(f"{wave}.{one.row}", one.address, one.text) for one in letters]
        body = _encode({"messages": messages})
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": hashlib.sha256(body).hexdigest(),
            "X-Signature": sign(body, self._secret),
        }
        async with self._free:
            for pause in (*PAUSES, None):
                handed = await self._post(body, headers, rows)
                if handed.is_whole or handed.refused or pause is None:
                    return handed
                await asyncio.sleep(pause)
        raise AssertionError

    async def _post(self, body: bytes, headers: Mapping[str, str], rows: Mapping[str, int]) -> Handed:
        assert self._session is not None
        every = list(rows.values())
        try:
            async with self._session.post(self._url, data=body, headers=headers) as answer:
                if answer.status == 200:
                    return _read(await answer.read(), rows)
                error = f"the gateway answered {answer.status}"
                if answer.status == 429:
                    return Handed(refused=every, error=error, asked=_seconds(answer.headers.get("Retry-After")))
                if answer.status < 500:
                    return Handed(refused=every, error=error)
                # Behind a proxy a 5xx does not say whether the messages were taken.
                return Handed(unanswered=every, error=error)
        except self._http.ClientConnectorError as refused:
            return Handed(refused=every, error=f"cannot reach the gateway: {refused.os_error.strerror or refused}")
        except (self._http.ClientError, TimeoutError) as lost:
            return Handed(unanswered=every, error=f"no answer: {type(lost).__name__}")


def _read(content: bytes, rows: Mapping[str, int]) -> Handed:
    try:
        results = _decode(content).results
    except msgspec.DecodeError:
        return Handed(unanswered=list(rows.values()), error="the gateway's answer cannot be read")
    handed = Handed()
    for result in results:
        row = rows.get(result.id)
        if row is None:
            continue
        if result.status == "accepted":
            handed.taken.append(row)
        else:
            handed.rejected[row] = result.reason or result.status
    known = {*handed.taken, *handed.rejected}
    handed.unanswered = [row for row in rows.values() if row not in known]
    if handed.unanswered:
        handed.error = "the gateway's answer left messages out"
    return handed


def _seconds(value: str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0  # Retry-After may also be a date; then our own back-off counts

"""Hands messages to an HTTP gateway and says, row by row, what is known about them afterwards: the way out of every
channel that speaks this protocol (docs/delivery.md).

A request that got no answer may have been taken or not. A gateway that remembers message ids is sent the same again;
one that can be asked is asked; with neither nobody knows, and nothing is repeated. Which of them it is the channel's
own courier says.
"""

import asyncio
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Self

import msgspec

from engine.delivery.channels import Guarantee
from engine.delivery.signature import sign
from engine.service.couriers.courier import Batch
from engine.service.couriers.handed import Handed
from engine.warehouse.wavefiles import Letter

REQUESTS_IN_FLIGHT = 8
MESSAGES_AT_ONCE = 100
SECONDS_TO_ANSWER = 30
REPEATABLE = ("exactly_once_effect", "at_least_once")
HELD = "the wave was held"
SILENT = "the gateway gave no answer in time"
BROKEN_OFF = "the connection to the gateway broke off before its answer"
LEFT_OUT = "the gateway's answer left messages out"
PAUSES = (0.2, 1.0)  # before the second and the third try of a request without an answer


class _Result(msgspec.Struct):
    id: str
    status: str
    reason: str = ""


class _Answer(msgspec.Struct):
    results: list[_Result]


class _Query(msgspec.Struct):
    ids: list[str]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answer).decode


class HttpCourier(ABC):
    """The gateway at `url`; use it inside one event loop, and as a context manager. A channel is a class of it, which
    says what a message looks like (`message`) and whom it may connect to (`connector`)."""

    follows_redirects = True

    def __init__(self, url: str, secret: str, guarantee: Guarantee) -> None:
        import aiohttp  # noqa: PLC0415  # takes long to load, and every command would

        self._http = aiohttp
        self._url = f"{url.rstrip('/')}/messages" if url else ""
        self._secret = secret
        self._guarantee = guarantee
        self._free = asyncio.Semaphore(REQUESTS_IN_FLIGHT)
        self._session: aiohttp.ClientSession | None = None
        self.is_down = False

    @abstractmethod
    def message(self, name: str, letter: Letter) -> msgspec.Struct:
        """What the gateway is told of one letter, whose id is `name`."""

    def connector(self) -> Any:
        """What makes the connections (aiohttp.TCPConnector)."""
        return self._http.TCPConnector(limit=REQUESTS_IN_FLIGHT)

    async def __aenter__(self) -> Self:
        timeout = self._http.ClientTimeout(total=SECONDS_TO_ANSWER)
        self._session = self._http.ClientSession(connector=self.connector(), timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def hand(self, batch: Batch) -> Handed:
        """See Courier: in requests of a hundred, several at once."""
        whole = await self._in_parts(batch, self._send)
        if not whole.is_whole and batch.goes_on():
            self.is_down = True
        return whole

    async def find(self, batch: Batch) -> Handed:
        """See Courier."""
        return await self._in_parts(batch, self._ask)

    async def _in_parts(
        self, batch: Batch, way: Callable[[Batch, Sequence[Letter]], Coroutine[None, None, Handed]]
    ) -> Handed:
        letters, whole = batch.letters, Handed()
        parts = (letters[start : start + MESSAGES_AT_ONCE] for start in range(0, len(letters), MESSAGES_AT_ONCE))
        for part in await asyncio.gather(*(way(batch, part) for part in parts)):
            whole.add(part)
        return whole

    async def _send(self, batch: Batch, letters: Sequence[Letter]) -> Handed:
        rows = {f"{batch.wave}.{letter.row}": letter.row for letter in letters}
        messages = [self.message(f"{batch.wave}.{one.row}", one) for one in letters]
        body = _encode({"messages": messages})
        pauses = PAUSES if self._guarantee in REPEATABLE else ()
        async with self._free:
            if not batch.goes_on():
                return Handed(refused=list(rows.values()), error=HELD)
            for pause in (*pauses, None):
                handed = await self._post(self._url, body, rows)
                if handed.is_whole or handed.refused or pause is None or not batch.goes_on():
                    return handed
                await asyncio.sleep(pause)
        raise AssertionError

    async def _ask(self, batch: Batch, letters: Sequence[Letter]) -> Handed:
        """What the gateway does not know never arrived there."""
        rows = {f"{batch.wave}.{letter.row}": letter.row for letter in letters}
        body = _encode(_Query(list(rows)))
        async with self._free:
            said = await self._post(f"{self._url}/query", body, rows)
        if said.error == LEFT_OUT:
            return Handed(taken=said.taken, rejected=said.rejected, refused=said.unanswered)
        return Handed(said.taken, said.rejected, [], said.unanswered + said.refused, said.error, said.asked)

    async def _post(self, url: str, body: bytes, rows: Mapping[str, int]) -> Handed:
        assert self._session is not None
        every = list(rows.values())
        if not self._url:
            return Handed(refused=every, error="no address is set for this channel")
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": hashlib.sha256(body).hexdigest(),
            "X-Signature": sign(body, self._secret),
        }
        try:
            asked = self._session.post(url, data=body, headers=headers, allow_redirects=self.follows_redirects)
            async with asked as answer:
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
        except TimeoutError:  # what aiohttp raises for a time that is over is one as well
            return Handed(unanswered=every, error=SILENT)
        except self._http.ClientError:
            return Handed(unanswered=every, error=BROKEN_OFF)


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
    known = handed.known
    handed.unanswered = [row for row in rows.values() if row not in known]
    if handed.unanswered:
        handed.error = LEFT_OUT
    return handed


def _seconds(value: str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0  # Retry-After may also be a date; then our own back-off counts

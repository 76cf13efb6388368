"""One POST to an address that a person gave: checked, connected to the number that was checked, never redirected.

The name is resolved once; every number it has must be allowed, and the connection goes to one of these. A name server
that answers otherwise a moment later is not asked again. Answers are cut at 64 KB, and slow ones after `SECONDS`.
"""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any

from engine.service import addresses
from engine.service.addresses import AddressRefused, Target
from engine.service.messaging import ChannelDown, NotTaken, TryLater

SECONDS = 10
LONGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    retry_after: float = 0

    @property
    def said(self) -> dict[str, Any]:
        """The JSON object of the answer; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def post(url: str, body: bytes, headers: Mapping[str, str], *, channel: str, private: bool) -> Answer:
    """Post and return what came back, 2xx to 4xx. ChannelDown where nothing useful did, TryLater where it is too much,
    NotTaken where the address is refused or redirects."""
    try:
        target = addresses.parsed(url, private=private)
        numbers = addresses.resolved(target, private=private)
        answer = _sent(target, numbers, body, headers)
    except AddressRefused as refused:
        raise NotTaken(reason=refused.message) from None
    except (OSError, http.client.HTTPException) as error:
        raise ChannelDown(channel=channel, reason=_why(error)) from None
    if answer.status in (408, 425, 429):
        raise TryLater(reason=f"HTTP {answer.status}", seconds=answer.retry_after)
    if answer.status >= 500:
        raise ChannelDown(channel=channel, reason=f"HTTP {answer.status}")
    if 300 <= answer.status < 400:
        raise NotTaken(reason=f"HTTP {answer.status}: redirects are not followed")
    return answer


def _sent(target: Target, numbers: tuple[str, ...], body: bytes, headers: Mapping[str, str]) -> Answer:
    with closing(_connection(target)) as connection:
        connection.sock = _connected(target, numbers)
        connection.request("POST", target.path, body, {"User-Agent": "Countersign", **headers})
        response = connection.getresponse()
        return Answer(response.status, response.read(LONGEST_ANSWER), _seconds(response.getheader("Retry-After")))


def _connection(target: Target) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(target.host, target.port, timeout=SECONDS)


def _connected(target: Target, numbers: tuple[str, ...]) -> socket.socket:
    """A connection to the first of the checked numbers that answers, in TLS where the address says so."""
    failed: OSError = OSError("no address")
    for number in numbers:
        try:
            plain = socket.create_connection((number, target.port), timeout=SECONDS)
        except OSError as error:
            failed = error
            continue
        return _tls().wrap_socket(plain, server_hostname=target.host) if target.is_tls else plain
    raise failed


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _seconds(value: str | None) -> float:
    try:
        return max(float(value or 0), 0)
    except ValueError:
        return 0  # a date; then our own pause counts


def _why(error: Exception) -> str:
    """The reason without the address, which may hold a key."""
    return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__

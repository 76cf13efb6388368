"""Short links in messages: the token says which message it stands in, and nobody else can make one.

A token is the wave's short number, the row and eight bytes of a keyed hash (BLAKE2b) of both and of what the link is
for, in URL-safe base64: 14 to 20 signs, so that a text message has room for its text. HMAC of OpenSSL takes several
times as long, which counts for a wave of millions. Refuses to say of a token whether it was altered, is of another
installation, or of another purpose: it is none.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Collection
from typing import Literal
from urllib.parse import urlsplit

Purpose = Literal["r", "o"]
"""What a link is for, and the first part of its path: `r` leads to the target, `o` to the page of the opt-out."""
MAC = 8
LONGEST = 24
RESERVED = ("link", "optout")
"""What a message may name besides fields: its link, and the link to opt out."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{12,24}")


def token(key: bytes, purpose: Purpose, number: int, row: int) -> str:
    """The token of a link in the message at `row` of the wave with that number."""
    return maker(key, purpose, number)(row)


def maker(key: bytes, purpose: Purpose, number: int) -> Callable[[int], str]:
    """The same for all messages of a wave: made once, called per message."""
    said, hasher, coded = _varint(number), _hasher(key, purpose), base64.urlsafe_b64encode

    def make(row: int) -> str:
        payload = said + _varint(row)
        fresh = hasher.copy()
        fresh.update(payload)
        return coded(payload + fresh.digest()).decode().rstrip("=")

    return make


def read(keys: Collection[bytes], purpose: Purpose, text: str) -> tuple[int, int] | None:
    """The wave's number and the row; None for whatever is not one of our tokens of this purpose."""
    if not _TOKEN.fullmatch(text):
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    payload, mac = raw[:-MAC], raw[-MAC:]
    is_ours = [hmac.compare_digest(_mac(key, purpose, payload), mac) for key in keys]
    canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=") == text  # spare bits of the last sign
    if not any(is_ours) or not canonical:
        return None
    number, rest = _unvarint(payload)
    row, rest = _unvarint(rest)
    return None if rest else (number, row)


def is_allowed(target: str, hosts: Collection[str]) -> bool:
    """Whether a link may lead there: by https or http, to one of the hosts or a part of one that begins with a dot.

    >>> [is_allowed(one, (".10086.cn", "a.example")) for one in ("https://wap.10086.cn/x", "https://a.example:8443/")]
    [True, True]
    >>> [is_allowed(one, ("a.example",)) for one in ("https://a.example@b.example/", "ftp://a.example", "//a.example")]
    [False, False, False]
    """
    if re.search(r"[\s\x00-\x1f\\]", target):
        return False
    try:
        parts = urlsplit(target)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.password is not None:
        return False
    return any(host == one or (one.startswith(".") and host.endswith(one)) for one in map(str.lower, hosts))


def _hasher(key: bytes, purpose: Purpose) -> "hashlib.blake2b":
    return hashlib.blake2b(key=key, digest_size=MAC, person=b"countersign-" + purpose.encode())


def _mac(key: bytes, purpose: Purpose, payload: bytes) -> bytes:
    fresh = _hasher(key, purpose)
    fresh.update(payload)
    return fresh.digest()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _unvarint(raw: bytes) -> tuple[int, bytes]:
    number = 0
    for place, one in enumerate(raw):
        number |= (one & 0x7F) << (7 * place)
        if not one & 0x80:
            return number, raw[place + 1 :]
    return 0, b"\0"  # nothing that we make; signed it cannot be

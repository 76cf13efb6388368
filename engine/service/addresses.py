"""Which addresses people may have us call: webhooks and bots. Only http and https, without a password in it, to a host
that is on the public internet however it is written, at the moment of the connection.

`parsed` looks at the words, `refusal` at a resolved address; whoever connects asks `resolved` and connects to what it
returns, so that a name that resolves to something else a moment later (DNS rebinding) gains nothing. With
`private=True` (COUNTERSIGN_PRIVATE_ADDRESSES) loopback and private networks are allowed; the addresses of clouds'
metadata services never are.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.errors import Refused

LONGEST = 500
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?", re.ASCII)
_NUMERIC = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\.?", re.ASCII)
_LOCAL = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "arpa")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
AnyAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Refused):
    """This address cannot be used: {reason}."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address, taken apart. `path` has its query."""

    url: str
    is_tls: bool
    host: str
    port: int
    path: str


def parsed(url: str, *, private: bool) -> Target:
    """The parts of an address whose words are in order; AddressRefused otherwise. Asks no name server."""
    if not url or len(url) > LONGEST or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url) or "\\" in url:
        raise AddressRefused(reason="it is empty, too long, or has spaces or backslashes in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(reason="it cannot be read") from None
    if parts.scheme not in ("http", "https"):
        raise AddressRefused(reason="only http and https are possible")
    if "@" in parts.netloc:
        raise AddressRefused(reason="it must not hold a name or password")
    host = (parts.hostname or "").lower()
    _check_host(host, private=private)
    if port == 0:
        raise AddressRefused(reason="it cannot be read")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise AddressRefused(reason="other letters than ASCII must be percent-encoded")
    is_tls = parts.scheme == "https"
    return Target(url, is_tls, host, port or (443 if is_tls else 80), path)


def resolved(target: Target, *, private: bool) -> tuple[str, ...]:
    """The numeric addresses of the host, all of them allowed; AddressRefused where one is not. OSError where the name
    server does not answer."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise AddressRefused(reason="it cannot be read") from None
    numbers = tuple(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))
    for number in numbers:
        if why := refusal(ipaddress.ip_address(number), private=private):
            raise AddressRefused(reason=why)
    return numbers


def checked(url: str, *, private: bool) -> Target:
    """What `parsed` and `resolved` say of an address that somebody enters; a name that nobody knows is refused too."""
    target = parsed(url, private=private)
    try:
        resolved(target, private=private)
    except OSError:
        raise AddressRefused(reason="its host cannot be found") from None
    return target


def refusal(address: AnyAddress, *, private: bool) -> str:
    """Why this address is not connected to; empty where it is."""
    inner = _inside(address)
    if inner is not None:
        return refusal(inner, private=private)
    if private and address.is_loopback:
        return ""
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return "it leads to no public address"
    if address.is_global:
        return ""
    if private and address.is_private:
        return ""
    return "it leads to this machine or a private network"


def _inside(address: AnyAddress) -> AnyAddress | None:
    """The IPv4 address that an IPv6 address wraps, in any of the ways there are."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    if address.ipv4_mapped or address.sixtofour or teredo:
        return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
    if int(address) >> 32 == 0 and int(address) > 1:
        return ipaddress.IPv4Address(int(address))  # the old "compatible" form
    return None


def _check_host(host: str, *, private: bool) -> None:
    if not host:
        raise AddressRefused(reason="it names no host")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        if why := refusal(address, private=private):
            raise AddressRefused(reason=why)
        return
    if _NUMERIC.fullmatch(host):
        raise AddressRefused(reason="a number as host is written with four parts, like 203.0.113.7")
    if not host.isascii() or not _NAME.fullmatch(host) or len(host) > 253:
        raise AddressRefused(reason="its host has letters that no host has")
    last = host.rstrip(".").rpartition(".")
    if not private and (not last[1] or last[2] in _LOCAL):
        raise AddressRefused(reason="it leads to this machine or a private network")

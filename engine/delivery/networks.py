"""Networks of machines (data centres, scanners of mail): a list of address ranges, and whether an address is in one.

Refuses a list with a line that is no network, and names the line: a range that nobody could read would count clicks
of machines as people's.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Networks:
    """Ranges that do not overlap, by their version of the protocol: where each begins, in order, and where it ends."""

    begins: dict[int, list[int]]
    ends: dict[int, list[int]]

    def has(self, address: str) -> bool:
        """Whether the address lies in one of them; not where it is no address.

        >>> found = read(["203.0.113.0/24  # a data centre", "2001:db8::/32"])
        >>> [found.has(one) for one in ("203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "198.51.100.1", "unix")]
        [True, True, True, False, False]
        """
        try:
            parsed: Address = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        place = bisect_right(self.begins.get(parsed.version, []), int(parsed)) - 1
        return place >= 0 and int(parsed) <= self.ends[parsed.version][place]


NO_NETWORKS = Networks({}, {})


def read(lines: Iterable[str]) -> Networks:
    """The networks of a list, one a line; what follows `#` is a remark. ValueError names the line that is none."""
    found: dict[int, list[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {4: [], 6: []}
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            one = ipaddress.ip_network(text)
        except ValueError as error:
            raise ValueError(f"line {number}: {text[:60]!r} is no network; write 203.0.113.0/24") from error
        found[one.version].append(one)
    begins, ends = {}, {}
    for version, some in found.items():
        merged = list(ipaddress.collapse_addresses(some))  # type: ignore[type-var]  # one version each
        begins[version] = [int(one.network_address) for one in merged]
        ends[version] = [int(one.broadcast_address) for one in merged]
    return Networks(begins, ends)

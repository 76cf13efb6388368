"""Networks of machines: any order and overlap of ranges, both versions, and lists that cannot be read."""

import ipaddress
import random

import pytest

from engine.delivery.networks import NO_NETWORKS, read


def test_an_address_is_found_exactly_where_one_of_the_ranges_has_it() -> None:
    chance = random.Random(7)
    texts = [f"10.{chance.randrange(4)}.{chance.randrange(8) * 32}.0/{chance.choice((19, 22, 24))}" for _ in range(40)]
    networks = [ipaddress.ip_network(one, strict=False) for one in texts]
    found = read(map(str, networks))
    for _ in range(3_000):
        address = ipaddress.ip_address(f"10.{chance.randrange(5)}.{chance.randrange(256)}.{chance.randrange(256)}")
        assert found.has(str(address)) is any(address in one for one in networks)


def test_the_first_and_the_last_address_of_a_range_are_in_it() -> None:
    found = read(["# scanners", "", "203.0.113.64/26", "2001:db8:1::/48"])
    assert [found.has(f"203.0.113.{last}") for last in (63, 64, 127, 128)] == [False, True, True, False]
    assert found.has("2001:db8:1:ffff::1")
    assert not found.has("2001:db8:2::")
    assert not NO_NETWORKS.has("203.0.113.64")


@pytest.mark.parametrize("line", ["203.0.113.1/24", "data centre", "300.1.1.1", "10.0.0.0/40"])
def test_a_line_that_is_no_network_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=f"line 2: '{line}' is no network"):
        read(["198.51.100.0/24", line])

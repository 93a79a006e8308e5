"""Which addresses a webhook may be sent to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.upstream.grounds import METADATA, carried, may_call

PUBLIC = ("192.0.2.1", "93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822")
NEVER = (
    *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "224.0.0.1", "ff02::1"),
    *("0.0.0.0", "::", "255.255.255.255", "240.0.0.1", "fd00:ec2::254", "100.100.100.200"),  # noqa: S104 - nothing listens
    *("64:ff9b:1::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
    *("2001::1", "2001:db8::1", "", "localhost", "127.1", "not an address", "::127.0.0.1"),
)
PRIVATE = (
    *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12:3456::1"),
    *("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1"),
)
LOOPBACK = ("127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")


@pytest.mark.parametrize("address", PUBLIC[1:])
def test_the_internet_may_be_called(address: str) -> None:
    assert may_call(address, "public")
    assert may_call(address, "private")
    assert not may_call(address, "loopback")


@pytest.mark.parametrize("address", NEVER)
def test_these_are_never_called(address: str) -> None:
    assert not may_call(address, "public")
    assert not may_call(address, "private")
    assert not may_call(address, "loopback")


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_network_is_called_where_that_is_allowed(address: str) -> None:
    assert not may_call(address, "public")
    assert may_call(address, "private")
    assert not may_call(address, "loopback")


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_is_called_where_that_is_allowed(address: str) -> None:
    assert not may_call(address, "public")
    assert may_call(address, "private")
    assert may_call(address, "loopback")


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_wrapped(address: IPv4Address) -> None:
    wrapped = (
        f"::ffff:{address}",
        str(IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))),
        str(IPv6Address((0x2002 << 112) + (int(address) << 80) + 1)),
    )
    for grounds in ("public", "private", "loopback"):
        plain = may_call(str(address), grounds)
        assert {may_call(one, grounds) for one in wrapped} == {plain}


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_no_address_outside_of_the_internet_is_public(address: IPv4Address | IPv6Address) -> None:
    if may_call(str(address), "public"):
        meant = carried(address)
        assert meant.is_global
        assert meant not in METADATA
        assert not any((meant.is_loopback, meant.is_link_local, meant.is_multicast))

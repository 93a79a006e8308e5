"""The peer is what trusted proxies say it is, and nothing that anybody else wrote."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.caller import peer_of, trace_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
CALLERS = (ip_network("192.0.2.0/24"),)

CASES = {
    "no proxy": ("198.51.100.7", None, "198.51.100.7"),
    "a stranger's header is not read": ("198.51.100.7", "1.1.1.1", "198.51.100.7"),
    "one proxy": ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
    "two proxies": ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
    "what the client forged is to the left": ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
    "a proxy without a header": ("10.0.0.1", None, "10.0.0.1"),
    "proxies all the way": ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    "an unreadable entry ends it": ("10.0.0.1", "1.1.1.1, unknown", "10.0.0.1"),
    "an empty header": ("10.0.0.1", "", "10.0.0.1"),
    "with a port": ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
    "IPv6 counts by its site": ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
    "IPv6 in brackets": ("fd00::1", "[2001:db8::1]:443", "2001:db8::/64"),
    "IPv4 inside IPv6": ("::ffff:198.51.100.7", None, "198.51.100.7"),
    "a proxy inside IPv6": ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
    "with a zone": ("fe80::1%eth0", None, "fe80::/64"),
    "a caller forwards its user": ("192.0.2.1", "198.51.100.7", "198.51.100.7"),
    "a caller forwards one address": ("192.0.2.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),
    "a caller without one": ("192.0.2.1", None, None),
    "a caller behind a proxy": ("10.0.0.1", "198.51.100.7, 192.0.2.1", "198.51.100.7"),
    "a caller behind a proxy, without": ("10.0.0.1", "192.0.2.1", None),
    "a caller forwards nonsense": ("192.0.2.1", "me", None),
    "a stranger names a caller": ("198.51.100.7", "192.0.2.1", "198.51.100.7"),
    "no socket address": (None, "198.51.100.7", None),
}


@pytest.mark.parametrize(("socket", "header", "peer"), CASES.values(), ids=CASES.keys())
def test_peer(socket: str | None, header: str | None, peer: str | None) -> None:
    assert peer_of(socket, header, PROXIES, CALLERS) == peer


@given(st.ip_addresses(), st.text(max_size=60))
def test_without_trust_no_header_changes_the_peer(socket: object, header: str) -> None:
    assert peer_of(str(socket), header, (), ()) == peer_of(str(socket), None, (), ())


@given(st.text(max_size=60), st.ip_addresses(v=4).filter(lambda a: not a.is_private))
def test_what_stands_left_of_the_last_honest_entry_never_matters(
    forged: str, honest: object
) -> None:
    found = peer_of("10.0.0.1", f"{forged}, {honest}", PROXIES, ())
    assert found == str(honest) or ip_address(str(honest)) in PROXIES[0]


SAID = {"traceparent": "00-a-b-01", "tracestate": "x=1", "authorization": "Bearer secret"}


@pytest.mark.parametrize("socket", ["10.0.0.1", "::ffff:10.0.0.1"])
def test_the_trace_is_what_a_heeded_caller_says(socket: str) -> None:
    told = {"traceparent": "00-a-b-01", "tracestate": "x=1"}
    assert trace_of(socket, SAID.get, PROXIES) == told
    assert trace_of(socket, {}.get, PROXIES) == {}


@pytest.mark.parametrize("socket", ["198.51.100.7", "", None, "unix:"])
def test_nobody_else_says_what_trace_it_is(socket: str | None) -> None:
    assert trace_of(socket, SAID.get, PROXIES) == {}

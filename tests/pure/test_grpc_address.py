"""The library's names of sockets are read as addresses, or as nobody's."""

from __future__ import annotations

import pytest

from identra.grpc.call import socket_address

CASES = {
    "ipv4:192.0.2.1:4711": "192.0.2.1",
    "ipv6:%5B2001:db8::1%5D:4711": "[2001:db8::1]",
    "ipv6:[::1]:4711": "[::1]",
    "unix:/run/identra.sock": None,
    "unknown": None,
    "": None,
}


@pytest.mark.parametrize("peer", CASES)
def test_an_address_is_read_without_its_port(peer: str) -> None:
    assert socket_address(peer) == CASES[peer]

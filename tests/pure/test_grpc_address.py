"""The library's names of sockets are read as addresses, or as nobody's."""

from __future__ import annotations

import pytest

from identra.errors import Busy
from identra.grpc.call import Call, socket_address
from identra.settings import load

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


class Line:
    """What the library tells of a call on a socket of this name; bytes are no name it can read."""

    def __init__(self, name: str | bytes) -> None:
        self._name = name

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def peer(self) -> str:
        return self._name if isinstance(self._name, str) else self._name.decode()


@pytest.mark.parametrize("name", [b"\xff", "", "unknown", "unix:/run/identra.sock"])
def test_a_call_from_nowhere_is_refused_for_it_would_be_counted_for_nobody(
    name: str | bytes,
) -> None:
    """Whoever closes her socket at once must not guess, or have mails sent, beyond all counting."""
    settings = load(None, {}).tree
    with pytest.raises(Busy):
        Call("method", Line(name), settings).judge()
    Call("method", Line("ipv4:192.0.2.1:4711"), settings).judge()

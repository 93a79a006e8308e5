"""Who is at the other end, as every door judges it: her network, her ids, her access token.

The network is read from the socket, and from those proxies alone that are trusted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

from identra.errors import InvalidArgument
from identra.secret import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Network: TypeAlias = IPv4Network | IPv6Network
_Address: TypeAlias = IPv4Address | IPv6Address

TRACE = ("traceparent", "tracestate")
_SITE = 64
_TOLD_4, _TOLD_6 = 24, 48
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_LONGEST_AGENT = 255
_LONGEST_ENTRY = 100
"""Longer than any address with its zone and its port."""


def peer_of(
    socket_address: str | None,
    forwarded_for: str | None,
    trusted_proxies: Sequence[Network],
    trusted_callers: Sequence[Network],
) -> str | None:
    """The end of the network that allowances count: an IPv4 address, or an IPv6 /64.

    X-Forwarded-For is read from its right, starting at the socket's peer and stepping over
    trusted proxies; what nobody trusted wrote is not read. Where the end so found is a trusted
    caller, the address it forwards is the peer, or None (nobody is counted) without one.
    An unreadable entry ends the reading: the last readable address stands.
    """
    found = _read(socket_address or "")
    if found is None:
        return None
    forwarded = _entries(forwarded_for)
    while _within(found, trusted_proxies) and forwarded:
        further = _read(forwarded.pop())
        if further is None:
            return _counted(found)
        found = further
    if not _within(found, trusted_callers):
        return _counted(found)
    user = _read(forwarded.pop()) if forwarded else None
    return None if user is None else _counted(user)


def coarse_of(address: str | None) -> str | None:
    """The network of a peer's address as people are told it: an IPv4 /24, an IPv6 /48.

    Coarse, since it stands in mails, and since whoever is given another address by her provider
    did not move. None where nobody is counted.
    """
    if not address:
        return None
    network = ip_network(address, strict=False)
    bits = _TOLD_4 if isinstance(network, IPv4Network) else _TOLD_6
    return str(network.supernet(new_prefix=bits) if network.prefixlen > bits else network)


def chain_of(socket_address: str | None, forwarded_for: str | None) -> str:
    """How a call came, as far as it was told, nearest last: nobody has judged it yet."""
    return ", ".join([*_entries(forwarded_for), socket_address or "?"])


def trace_of(
    socket_address: str | None, said: Callable[[str], str | None], heeded: Sequence[Network]
) -> dict[str, str]:
    """What a caller says of the trace that her request is part of (W3C Trace Context).

    Nothing where the socket's end is none of those heeded: anybody could have all she asks
    recorded, in whatever trace.
    """
    found = _read(socket_address or "")
    if found is None or not _within(found, heeded):
        return {}
    return {name: value for name in TRACE if (value := said(name))}


def request_id_of(asked: str | None) -> str:
    """The id that a caller gave her request where it is well-formed, else a new one."""
    return asked if asked and _REQUEST_ID.fullmatch(asked) else uuid7()


def agent_of(said: str | None) -> str:
    """What a caller says of her program, fit for the audit log."""
    return (said or "")[:_LONGEST_AGENT].encode("ascii", "replace").decode()


def bearer_of(authorization: str | None, in_body: str | None) -> str | None:
    """The access token of a call: its `authorization` (RFC 6750, 2.1), or `in_body`.

    None without either, or with another scheme. InvalidArgument when both are given and differ.
    """
    scheme, _, rest = (authorization or "").partition(" ")
    in_header = rest.strip(" \t") if scheme.lower() == "bearer" else None
    if in_header is not None and in_body and in_body != in_header:
        raise InvalidArgument.of("access_token", "is given twice")
    return in_header if in_header is not None else (in_body or None)


def is_within(socket_address: str | None, networks: Sequence[Network]) -> bool:
    """Whether the other end of a socket is in one of these networks."""
    found = _read(socket_address or "")
    return found is not None and _within(found, networks)


def _entries(forwarded_for: str | None) -> list[str]:
    return [] if forwarded_for is None else [e.strip() for e in forwarded_for.split(",")]


def _read(entry: str) -> _Address | None:
    """An address, with or without a port, in the spellings that proxies write."""
    return _parse(entry) if len(entry) <= _LONGEST_ENTRY else None


@lru_cache(4096)  # the same few again and again, and reading one is slow
def _parse(entry: str) -> _Address | None:
    host = entry
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: _Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


@lru_cache(4096)
def _counted(address: _Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _SITE), strict=False))

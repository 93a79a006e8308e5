"""Which addresses may be called where somebody else chose the name. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Grounds: TypeAlias = Literal["public", "private", "loopback"]
"""What may be called: the internet alone; private networks as well; this very machine alone."""

PRIVATE: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
    )
)
METADATA: Final = frozenset(
    map(ip_address, ("100.100.100.200", "fd00:ec2::254", "fd20:ce::254", "168.63.129.16"))
)
"""Where clouds tell a machine its credentials: within private networks, and one of them at an
address of the internet; most do at a link-local address, which is never called at all."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
_LAST_32: Final = 0xFFFF_FFFF


def may_call(address: str, grounds: Grounds) -> bool:
    """Whether an address, as a resolver gave it, lies on these grounds.

    One that carries an IPv4 address (mapped, NAT64, 6to4) is judged by that. Link-local,
    multicast, unspecified and reserved addresses lie on none.
    """
    try:
        found = carried(ip_address(address))
    except ValueError:
        return False
    if grounds == "loopback":
        return found.is_loopback
    if found in METADATA:
        return False
    inside = grounds == "private" and (found.is_loopback or _is_private(found))
    return inside or _is_public(found)


def carried(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to (RFC 4291, 6052, 3056), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _LAST_32)
    return address.ipv4_mapped or address.sixtofour or address


def _is_private(address: Address) -> bool:
    return any(address in network for network in PRIVATE)


def _is_public(address: Address) -> bool:
    odd = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not (odd or address.is_loopback or address.is_link_local)

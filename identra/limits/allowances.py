"""The allowances there are, and under which keys each is counted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from identra.secret import digest
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from identra.values import Peer

SITE: Final = 64
"""The bits of an IPv6 address that name a customer's network, all of whose hosts are one peer."""
IN_ALL: Final = 5
"""How many times the allowance of one peer a subject has from all peers together."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many acts in a window of seconds, for each subject from each peer network."""

    name: str
    most: int
    window: int


@dataclass(frozen=True, slots=True)
class Patience:
    """So many failures in a window, then waits that double from `first` to `longest` seconds."""

    name: str
    most: int
    window: int
    first: int
    longest: int


@dataclass(frozen=True, slots=True)
class Share:
    """One count of an allowance: what a subject has from one network, or `everywhere`."""

    allowance: Allowance | Patience
    key: str
    most: int
    everywhere: bool


SENDING: Final = (Allowance("send_hour", 5, 3600), Allowance("send_day", 10, 86_400))
GUESSING: Final = (Allowance("guess_day", 20, 86_400),)
STARTING: Final = Allowance("start_minute", 600, 60)
RETURNING: Final = Allowance("return_minute", 600, 60)
FAILING_PEER: Final = Allowance("fail_peer", 10, 60)
FAILING_CLIENT: Final = Allowance("fail_client", 10, 60)
FAILING_ADMIN: Final = Allowance("fail_admin", 10, 60)
ENDED_ADMIN: Final = Allowance("ended_admin", 10, 60)
"""What is on record of an admin key that is over: one that leaked would fill the record."""
CALLING: Final = Allowance("call_minute", 30_000, 60)
SECRET: Final = Patience("secret", 5, 300, 60, 900)
IN_A_ROW: Final = Allowance("secret_row", 100, 30 * DAY // SECOND)
ACCOUNT: Final = (Allowance("account_hour", 10, 3600),)
"""What a person does about her own account that has mail leave or takes long."""

OF_NETWORKS: Final = (STARTING, RETURNING, FAILING_PEER, FAILING_CLIENT, FAILING_ADMIN)
"""What a peer network has for itself, whoever its acts are about."""
EVERY: Final = (*SENDING, *GUESSING, *OF_NETWORKS, ENDED_ADMIN, CALLING, SECRET, IN_A_ROW, *ACCOUNT)

OWNER: Final = "me"
"""Stands for a provider where a user is counted who is signed in."""


def network_of(peer: Peer) -> str | None:
    """The network a peer is counted by: an IPv4 address, an IPv6 /64, or none.

    A door may name the address or, as REST does, the network already.
    """
    return _network(peer.address) if peer.address else None


@lru_cache(4096)  # asked several times in each attempt, and reading one is slow
def _network(said: str) -> str:
    address = ip_network(said, strict=False).network_address
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((address, SITE), strict=False))
    return str(address)


def shares_of(what: Allowance | Patience, subject: str, network: str | None) -> tuple[Share, ...]:
    """What a subject is counted under: from this network, if there is one, and then in all."""
    everywhere = Share(what, key_of(what, subject), what.most * IN_ALL, everywhere=True)
    if not network:
        return (everywhere,)
    own = Share(what, key_of(what, f"{subject}@{network}"), what.most, everywhere=False)
    return (own, everywhere)


def owner(user_id: str) -> str:
    """The subject of what a signed-in user does about her own account."""
    return f"{OWNER}:{user_id}"


def key_of(what: Allowance | Patience, counted: str) -> str:
    """The key of a count: nobody who reads it learns whose it is but by guessing."""
    return f"limit:{what.name}:{digest('limit', counted)[:40]}"

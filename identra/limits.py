"""Spend from an allowance, or be told to slow down."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from identra.errors import RateLimited
from identra.secret import digest

if TYPE_CHECKING:
    from identra.state import Counts
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


SENDING: Final = (Allowance("send_hour", 5, 3600), Allowance("send_day", 10, 86_400))
GUESSING: Final = (Allowance("guess_day", 20, 86_400),)
STARTING: Final = Allowance("start_minute", 600, 60)
FAILING_PEER: Final = Allowance("fail_peer", 10, 60)
FAILING_CLIENT: Final = Allowance("fail_client", 10, 60)
SECRET: Final = Patience("secret", 5, 300, 60, 900)


class Limits:
    """Allowances, counted under digests of subject and network."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def spend(self, allowances: tuple[Allowance, ...], subject: str, peer: Peer) -> None:
        """Take one from each, for the subject from this peer and from everywhere.

        Raises RateLimited, the same whether or not the subject is known.
        """
        for allowance in allowances:
            for key, most in _keys(allowance, subject, peer):
                await self._take(allowance, key, most)

    async def give_back(self, allowances: tuple[Allowance, ...], subject: str, peer: Peer) -> None:
        """Return what was spent on an act that came to nothing through no fault of the peer."""
        for allowance in allowances:
            for key, _ in _keys(allowance, subject, peer):
                await self._counts.count(key, ttl=allowance.window, by=-1)

    async def spend_peer(self, allowance: Allowance, peer: Peer) -> None:
        """Take one from what a peer network has for itself. Raises RateLimited."""
        if network := network_of(peer):
            await self._take(allowance, _key(allowance.name, network), allowance.most)

    async def heed_peer(self, allowance: Allowance, peer: Peer) -> None:
        """Take nothing; only look whether a peer network has any left. Raises RateLimited."""
        if not (network := network_of(peer)):
            return
        count = await self._counts.count(_key(allowance.name, network), ttl=allowance.window, by=0)
        if count.value >= allowance.most:
            raise RateLimited(allowance.name, retry_after=max(1, count.left))

    async def try_secret(self, subject: str, peer: Peer) -> None:
        """Count a try at a secret before it is judged. Raises RateLimited while it must wait."""
        await self.heed_peer(FAILING_PEER, peer)
        for key, most in _keys(SECRET, subject, peer):
            await self._try(key, most)

    async def secret_was_right(self, subject: str, peer: Peer) -> None:
        """Forget this peer's tries at a secret it has just shown to know, and give one back.

        A wait that began while this try was under way was for others of its kind: it ends too.
        """
        (key, _), *everywhere = _keys(SECRET, subject, peer)
        for kept in ("tries", "strikes", "wait"):
            await self._counts.take(f"{key}:{kept}")
        for wide, _ in everywhere:
            await self._counts.count(f"{wide}:tries", ttl=SECRET.window, by=-1)

    async def secret_was_not_judged(self, subject: str, peer: Peer) -> None:
        """Give a try back that nobody had the time to judge."""
        for key, _ in _keys(SECRET, subject, peer):
            await self._counts.count(f"{key}:tries", ttl=SECRET.window, by=-1)

    async def secret_was_wrong(self, peer: Peer) -> None:
        """Count a failure against the peer network, whoever it was about."""
        if network := network_of(peer):
            await self._counts.count(_key(FAILING_PEER.name, network), ttl=FAILING_PEER.window)

    async def _take(self, allowance: Allowance, key: str, most: int) -> None:
        count = await self._counts.count(key, ttl=allowance.window)
        if count.value > most:
            raise RateLimited(allowance.name, retry_after=max(1, count.left))

    async def _try(self, key: str, most: int) -> None:
        waiting = await self._counts.count(f"{key}:wait", ttl=SECRET.longest, by=0)
        if waiting.value:
            raise RateLimited(SECRET.name, retry_after=max(1, waiting.left))
        tries = await self._counts.count(f"{key}:tries", ttl=SECRET.window)
        if tries.value > most:
            # One of those who come at once makes the wait, or each of them would double it.
            first = tries.value == most + 1
            wait = await self._make_wait(key) if first else SECRET.first
            raise RateLimited(SECRET.name, retry_after=wait)

    async def _make_wait(self, key: str) -> int:
        strikes = await self._counts.count(f"{key}:strikes", ttl=86_400)
        wait = min(SECRET.first << strikes.value - 1, SECRET.longest)
        await self._counts.count(f"{key}:wait", ttl=wait)
        await self._counts.take(f"{key}:tries")
        return wait


def network_of(peer: Peer) -> str | None:
    """The network a peer is counted by: an IPv4 address, an IPv6 /64, or none.

    A door may name the address or, as REST does, the network already.
    """
    if not peer.address:
        return None
    address = ip_network(peer.address, strict=False).network_address
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((address, SITE), strict=False))
    return str(address)


def _keys(what: Allowance | Patience, subject: str, peer: Peer) -> tuple[tuple[str, int], ...]:
    """What a subject is counted under, each with the most it has: from this peer, and in all."""
    everywhere = (_key(what.name, subject), what.most * IN_ALL)
    network = network_of(peer)
    if not network:
        return (everywhere,)
    return ((_key(what.name, f"{subject}@{network}"), what.most), everywhere)


def _key(name: str, subject: str) -> str:
    return f"limit:{name}:{digest('limit', subject)[:40]}"

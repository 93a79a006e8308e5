"""The room where allowances are spent, given back and looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from identra.errors import RateLimited
from identra.limits.allowances import (
    FAILING_PEER,
    GUESSING,
    IN_A_ROW,
    SECRET,
    key_of,
    network_of,
    shares_of,
)
from identra.standing import Standing
from identra.state import Addition
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.limits.allowances import Allowance, Patience, Share
    from identra.state import Count, Counts
    from identra.values import Peer

RESTED: Final = 1_000_000
"""A wait that counts so much is none that ends by itself: the secret rests."""
REST_KEPT: Final = 3650 * DAY // SECOND
SECRET_KEYS: Final = ("tries", "strikes", "wait", "row")
RESTS_SAYS: Final = (
    "Signing in this way rests after too many failures; prove the address by a mailed code first."
)


class Watch(Protocol):
    """Whoever knows the users behind subjects, asked when a share of all networks is spent."""

    async def knows(self, subject: str, network: str) -> bool:
        """Whether the subject's user has logged in from this network lately."""
        ...

    async def reached(self, limit: str, subject: str, peer: Peer) -> None:
        """Keep on record that all networks together have spent an allowance."""
        ...

    async def released(self, subject: str, by: str) -> None:
        """Keep on record that what a subject had spent was given back."""
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """A try at a secret that may be judged, and the shares that it was counted in."""

    subject: str
    peer: Peer
    counted: tuple[Share, ...]


class Limits:
    """Allowances, counted under digests of subject and network.

    `rests` tells whether a secret may rest: whether its owner can prove her address again.
    """

    def __init__(self, counts: Counts, watch: Watch, *, rests: Callable[[], bool]) -> None:
        self._counts = counts
        self._watch = watch
        self._rests = rests

    async def spend(self, allowances: tuple[Allowance, ...], subject: str, peer: Peer) -> None:
        """Take one from each, for the subject from this peer and from everywhere.

        Raises RateLimited, the same whether or not the subject is known.
        """
        for allowance in allowances:
            for share in shares_of(allowance, subject, network_of(peer)):
                count = await self._counts.count(share.key, ttl=allowance.window)
                _tell(share, count, peer)
                if count.value > share.most:
                    limited = RateLimited(allowance.name, retry_after=max(1, count.left))
                    first = count.value == share.most + 1
                    await self._refuse(limited, share, subject, peer, first=first)

    async def spend_peer(self, allowance: Allowance, peer: Peer) -> None:
        """Take one from what a peer network has for itself. Raises RateLimited."""
        await self._count_peer(allowance, peer, by=1, most=allowance.most)

    async def heed_peer(self, allowance: Allowance, peer: Peer) -> None:
        """Take nothing; only look whether a peer network has any left. Raises RateLimited."""
        await self._count_peer(allowance, peer, by=0, most=allowance.most - 1)

    async def spend_key(self, allowance: Allowance, key_id: str, peer: Peer) -> None:
        """Take one from what an admin key has, wherever it is shown. Raises RateLimited."""
        count = await self._counts.count(key_of(allowance, key_id), ttl=allowance.window)
        _judge(allowance, count, peer, most=allowance.most)

    async def guess(self, subject: str, peer: Peer) -> None:
        """Take a guess at a code before it is judged. Raises RateLimited."""
        await self.heed_peer(FAILING_PEER, peer)
        await self.spend(GUESSING, subject, peer)

    async def failed(self, peer: Peer) -> None:
        """Count a wrong guess against the peer network, whoever it was about."""
        if network := network_of(peer):
            await self._counts.count(key_of(FAILING_PEER, network), ttl=FAILING_PEER.window)

    async def try_secret(self, subject: str, peer: Peer) -> Tried:
        """Count a try at a secret before it is judged. Raises RateLimited while it must wait."""
        network = network_of(peer)
        shares = shares_of(SECRET, subject, network)
        looks = [_look(f"{share.key}:wait") for share in shares]
        if network:
            looks.append(_look(key_of(FAILING_PEER, network)))
        counts = await self._counts.count_all(looks)
        if network:
            _judge(FAILING_PEER, counts.pop(), peer, most=FAILING_PEER.most - 1)
        counted = [
            share
            for share, waiting in zip(shares, counts, strict=True)
            if await self._try(share, waiting, subject, peer)
        ]
        return Tried(subject, peer, tuple(counted))

    async def was_right(self, tried: Tried) -> None:
        """Forget this peer's tries at a secret it has just shown to know, and give one back.

        A wait that began while this try was under way was for others of its kind: it ends too.
        For all networks together only the row of failures is broken.
        """
        forgotten = [
            f"{share.key}:{kept}"
            for share in shares_of(SECRET, tried.subject, network_of(tried.peer))
            for kept in (("row",) if share.everywhere else SECRET_KEYS)
        ]
        given_back = [_give_back(share) for share in tried.counted if share.everywhere]
        await self._counts.count_all(given_back, dropping=forgotten)

    async def was_not_judged(self, tried: Tried) -> None:
        """Give a try back that nobody had the time to judge."""
        await self._counts.count_all([_give_back(share) for share in tried.counted])

    async def was_wrong(self, tried: Tried) -> None:
        """Count a failure against the peer network, and in the row of the subject's failures."""
        await self.failed(tried.peer)
        for share in shares_of(SECRET, tried.subject, network_of(tried.peer)):
            row = await self._counts.count(f"{share.key}:row", ttl=IN_A_ROW.window)
            if row.value >= IN_A_ROW.most and self._rests():
                await self._rest(share)
                if share.everywhere and row.value == IN_A_ROW.most:
                    await self._watch.reached(IN_A_ROW.name, tried.subject, tried.peer)

    async def wake(self, subject: str, peer: Peer) -> None:
        """Let a secret that rests be tried again: its owner has just proved the address."""
        woken, shares = False, shares_of(SECRET, subject, network_of(peer))
        waits = await self._counts.count_all([_look(f"{share.key}:wait") for share in shares])
        for share, waiting in zip(shares, waits, strict=True):
            if waiting.value >= RESTED:
                await self._forget(share, SECRET_KEYS)
                woken = True
        if woken:
            await self._watch.released(subject, "proof")

    async def _count_peer(self, allowance: Allowance, peer: Peer, *, by: int, most: int) -> None:
        if not (network := network_of(peer)):
            return
        key = key_of(allowance, network)
        count = await self._counts.count(key, ttl=allowance.window, by=by)
        _judge(allowance, count, peer, most=most)

    async def _refuse(
        self, limited: RateLimited, share: Share, subject: str, peer: Peer, *, first: bool
    ) -> None:
        """Raise, but of what all share only for networks that the user is not known from."""
        if share.everywhere:
            if first:
                await self._watch.reached(share.allowance.name, subject, peer)
            network = network_of(peer)
            if network and await self._watch.knows(subject, network):
                return
        _stand(share.allowance, 0, limited.wait or 1, peer)
        raise limited

    async def _try(self, share: Share, waiting: Count, subject: str, peer: Peer) -> bool:
        """Count a try in a share, if it is to be counted there."""
        if waiting.value:
            await self._refuse(_waits(waiting), share, subject, peer, first=False)
            return False
        tries = await self._counts.count(f"{share.key}:tries", ttl=SECRET.window)
        _tell(share, tries, peer)
        if tries.value > share.most:
            # One of those who come at once makes the wait, or each of them would double it.
            first = tries.value == share.most + 1
            wait = await self._make_wait(share) if first else SECRET.first
            limited = RateLimited(SECRET.name, retry_after=wait)
            await self._refuse(limited, share, subject, peer, first=first)
            return False
        return True

    async def _make_wait(self, share: Share) -> int:
        strikes = await self._counts.count(f"{share.key}:strikes", ttl=86_400)
        wait = min(SECRET.first << strikes.value - 1, SECRET.longest)
        await self._counts.count(f"{share.key}:wait", ttl=wait)
        await self._forget(share, ("tries",))
        return wait

    async def _rest(self, share: Share) -> None:
        await self._forget(share, ("wait",))
        await self._counts.count(f"{share.key}:wait", ttl=REST_KEPT, by=RESTED)

    async def _forget(self, share: Share, keys: tuple[str, ...]) -> None:
        await self._counts.drop(*(f"{share.key}:{kept}" for kept in keys))


def _look(key: str) -> Addition:
    return Addition(key, SECRET.longest, by=0)


def _give_back(share: Share) -> Addition:
    return Addition(f"{share.key}:tries", SECRET.window, by=-1)


def _judge(allowance: Allowance, count: Count, peer: Peer, *, most: int) -> None:
    """Tell a network how it stands with what it has for itself. Raises RateLimited."""
    _stand(allowance, allowance.most - count.value, count.left, peer)
    if count.value > most:
        raise RateLimited(allowance.name, retry_after=max(1, count.left))


def _waits(waiting: Count) -> RateLimited:
    if waiting.value >= RESTED:
        return RateLimited(IN_A_ROW.name, retry_after=SECRET.longest, says=RESTS_SAYS)
    return RateLimited(SECRET.name, retry_after=max(1, waiting.left))


def _tell(share: Share, count: Count, peer: Peer) -> None:
    """Tell a peer of its own share alone: what is left of all others' tells what they do."""
    if not share.everywhere:
        _stand(share.allowance, share.most - count.value, count.left, peer)


def _stand(what: Allowance | Patience, remaining: int, seconds: int, peer: Peer) -> None:
    """Note what an answer is to say. What is whole again by itself says when it would be."""
    standing = Standing(what.name, what.most, what.window, max(0, remaining), max(0, seconds))
    peer.standings[what.name] = standing

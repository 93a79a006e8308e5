"""The connections of a process: who may come in, and who makes room."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, Final, Protocol

from identra.caller import is_within, peer_of
from identra.http.gate.bounds import most_here

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from identra.caller import Network
    from identra.http.gate.bounds import Bounds

MAKES_ROOM: Final = 16
"""Of so many connections that are full one makes room at a time: a flood looks at each seldom."""


class Guest(Protocol):
    """A connection as its bounds see it."""

    @property
    def idle_since(self) -> float | None:
        """When it last did anything, by the loop's clock; None while a request is under way."""
        ...

    def close(self, timeout: float | None = None) -> None:
        """End it."""
        ...


class Connections:
    """Counts the connections of all, and of each network but the `unbounded` ones.

    Beyond a bound the longest idle make room; where none is idle nobody more comes in.
    """

    def __init__(self, bounds: Bounds, unbounded: Sequence[Network]) -> None:
        self._most = most_here(bounds)
        self._of_one = max(1, min(bounds.of_one, self._most))
        self._unbounded = unbounded
        self._guests: dict[Guest, str] = {}
        self._of: dict[str, set[Guest]] = {}

    def enter(self, guest: Guest, address: str | None) -> bool:
        """Whether a connection may stay; `address` is the socket's other end."""
        network = peer_of(address, None, (), ()) or ""
        bounded = network and not is_within(address, self._unbounded)
        theirs = self._of.get(network, set())
        if bounded and len(theirs) >= self._of_one and not self._make_room(theirs):
            return False
        if len(self._guests) >= self._most and not self._make_room(self._guests):
            return False
        self._guests[guest] = network
        self._of.setdefault(network, set()).add(guest)
        return True

    def leave(self, guest: Guest) -> None:
        """Forget a connection that ended."""
        network = self._guests.pop(guest, None)
        if network is None:
            return
        self._of[network].discard(guest)
        if not self._of[network]:
            del self._of[network]

    def _make_room(self, full: Iterable[Guest]) -> bool:
        everybody = list(full)
        idle = [(since, id(one), one) for one in everybody if (since := one.idle_since) is not None]
        leaving = nsmallest(max(1, len(everybody) // MAKES_ROOM), idle)
        for _, _, guest in leaving:
            self.leave(guest)
            guest.close()
        return bool(leaving)

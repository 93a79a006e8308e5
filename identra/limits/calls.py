"""Calls of a peer network at one process, whatever they ask for: nobody takes it for herself."""

from __future__ import annotations

import hashlib
import time
from array import array
from typing import TYPE_CHECKING, Final

from identra.errors import RateLimited
from identra.limits.allowances import CALLING
from identra.secret import token_bytes
from identra.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.limits.allowances import Allowance
    from identra.values import Peer

ROOM: Final = 1 << 16
"""Counts in each of two rows. A network has one in both: two that share both are rare."""


class Calls:
    """Counts calls in memory of a fixed size, so that no flood of networks makes it forget one.

    A network's counts are found by a hash under a key of this process: who shares them is chance.
    `clock` tells seconds that never go back.
    """

    def __init__(
        self, allowance: Allowance = CALLING, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowance = allowance
        self._clock = clock
        self._key = token_bytes()
        self._window = -1
        self._rows: tuple[array[int], array[int]] = (array("I"), array("I"))

    def take(self, peer: Peer) -> None:
        """Take one call; raise RateLimited beyond the allowance, until the window ends.

        A door names the network of a peer in one spelling, as `caller.peer_of` does.
        """
        if not peer.address:
            return
        now, allowance = self._clock(), self._allowance
        self._turn(int(now // allowance.window))
        one, other, (here, there) = *self._rows, self._places(peer.address)
        one[here] += 1
        other[there] += 1
        if min(one[here], other[there]) > allowance.most:
            left = max(1, round((self._window + 1) * allowance.window - now))
            name = allowance.name
            peer.standings[name] = Standing(name, allowance.most, allowance.window, 0, left)
            raise RateLimited(name, retry_after=left)

    def taken(self, peer: Peer) -> int:
        """How many calls of a peer's network are counted in this window, at most."""
        if not peer.address or int(self._clock() // self._allowance.window) != self._window:
            return 0
        one, other, (here, there) = *self._rows, self._places(peer.address)
        return min(one[here], other[there])

    def _turn(self, window: int) -> None:
        if window != self._window:
            nothing = bytes(ROOM * array("I").itemsize)
            self._window, self._rows = window, (array("I", nothing), array("I", nothing))

    def _places(self, network: str) -> tuple[int, int]:
        hashed = hashlib.blake2b(network.encode(), digest_size=8, key=self._key).digest()
        return int.from_bytes(hashed[:4]) % ROOM, int.from_bytes(hashed[4:]) % ROOM

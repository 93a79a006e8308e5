"""Allowances go on being counted while Redis is away: by each process for itself.

Whatever opens an account waits for Redis; what only slows down a guesser need not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from identra.errors import StoreUnavailable
from identra.state import Count, checked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from identra.state import Addition, Counts

T = TypeVar("T")

ROOM: Final = 50_000
REST: Final = 1.0
"""Seconds for which a store that failed is not asked again, so that nobody waits for it twice."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Window:
    value: int
    ends: float


class ProcessCounts:
    """Keeps the `Counts` contract in memory. `clock` tells seconds that never go back.

    It holds `room` windows. When all of them are open, a further key raises StoreUnavailable: to
    forget one would give somebody a fresh allowance.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, room: int = ROOM) -> None:
        self._clock = clock
        self._room = room
        self._windows: dict[str, _Window] = {}
        self._swept = clock()

    async def count(self, key: str, *, ttl: int, by: int = 1) -> Count:
        """Add to a counter."""
        now = self._clock()
        window = self._windows.get(checked(key))
        if window is None or window.ends <= now:
            if by == 0:
                return Count(0, 0)
            window = self._open(key, now, ttl)
        window.value += by
        return Count(window.value, int(-(-(window.ends - now) // 1)))

    async def count_all(
        self, additions: Sequence[Addition], *, dropping: Sequence[str] = ()
    ) -> list[Count]:
        """Add to several."""
        await self.drop(*dropping)
        return [await self.count(one.key, ttl=one.ttl, by=one.by) for one in additions]

    async def take(self, key: str) -> str | None:
        """Remove a counter."""
        self._windows.pop(checked(key), None)
        return None

    async def drop(self, *keys: str) -> None:
        """Remove counters."""
        for key in keys:
            await self.take(key)

    def _open(self, key: str, now: float, ttl: int) -> _Window:
        if key not in self._windows and len(self._windows) >= self._room:
            self._sweep(now)
        window = self._windows[key] = _Window(0, now + ttl)
        return window

    def _sweep(self, now: float) -> None:
        """Forget what is over, at most once a second: a flood must not pay for it each time."""
        if now - self._swept >= 1:
            self._swept = now
            self._windows = {k: w for k, w in self._windows.items() if w.ends > now}
        if len(self._windows) >= self._room:
            raise StoreUnavailable("no room to count in this process", retry_after=1)


class SteadyCounts:
    """Counts in the store for all; while it is away, in this process alone. Never not at all."""

    def __init__(
        self, store: Counts, *, clock: Callable[[], float] = time.monotonic, room: int = ROOM
    ) -> None:
        self._store = store
        self._here = ProcessCounts(clock=clock, room=room)
        self._clock = clock
        self._asks_again = clock()

    async def count(self, key: str, *, ttl: int, by: int = 1) -> Count:
        """Add to a counter."""
        return await self._either(
            lambda: self._store.count(key, ttl=ttl, by=by),
            lambda: self._here.count(key, ttl=ttl, by=by),
        )

    async def count_all(
        self, additions: Sequence[Addition], *, dropping: Sequence[str] = ()
    ) -> list[Count]:
        """Add to several, all of them there or all of them here."""
        await self._here.drop(*dropping)
        return await self._either(
            lambda: self._store.count_all(additions, dropping=dropping),
            lambda: self._here.count_all(additions, dropping=dropping),
        )

    async def take(self, key: str) -> str | None:
        """Remove a counter."""
        await self._here.take(key)
        return await self._either(lambda: self._store.take(key), lambda: self._here.take(key))

    async def drop(self, *keys: str) -> None:
        """Remove counters."""
        await self._here.drop(*keys)
        await self._either(lambda: self._store.drop(*keys), lambda: self._here.drop(*keys))

    async def _either(
        self, there: Callable[[], Awaitable[T]], here: Callable[[], Awaitable[T]]
    ) -> T:
        if self._clock() >= self._asks_again:
            try:
                return await there()
            except StoreUnavailable as away:
                self._asks_again = self._clock() + REST
                log.warning("allowances are counted by each process", cause=away.detail)
        return await here()

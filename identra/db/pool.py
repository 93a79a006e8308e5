"""A bounded number of connections, kept open and lent to one caller at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from identra.db.statement import Occupancy
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


LONGEST_IDLE: Final = 300.0
"""Seconds that a connection is kept which nobody needs. Servers hang up by themselves later."""


class Line(Protocol):
    """A connection as its pool sees it."""

    @property
    def usable(self) -> bool:
        """Whether the next caller may have it: open, and in step with the server."""
        ...

    def drop(self) -> None:
        """Hang up at once."""
        ...

    async def close(self) -> None:
        """Take leave of the server and hang up."""
        ...


T = TypeVar("T", bound=Line)


class Pool(Generic[T]):
    """Lends the connection used last, so that those not needed age and are let go."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[T]],
        *,
        size: int,
        wait: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._clock = clock
        self._connect = connect
        self._size = size
        self._wait = wait
        self._places = asyncio.Semaphore(size)
        self._idle: list[tuple[T, float]] = []
        self._lent: set[T] = set()
        self._closed = False

    @property
    def occupancy(self) -> Occupancy:
        """How many there are, and how many are lent."""
        return Occupancy(self._size, len(self._idle) + len(self._lent), len(self._lent))

    def welcome(self, line: T) -> None:
        """Take in a connection that was opened already, before any is lent."""
        self._idle.append((line, self._clock()))

    async def lend(self) -> T:
        """Hand out a connection within `wait` seconds; `take_back` must follow.

        Raises what connecting raises, TimeoutError, and StoreUnavailable once closed.
        """
        self._demand_open()
        line = None if self._places.locked() else self._kept()
        if line is None:
            line = await self._waited_for()
        else:
            await self._places.acquire()  # waits for nobody: no clock is needed
        self._lent.add(line)
        return line

    def take_back(self, line: T) -> None:
        """Keep the connection for the next, if it is any good."""
        self._lent.discard(line)
        if line.usable and not self._closed:
            self._idle.append((line, self._clock()))
            self._let_go()
        else:
            line.drop()
        self._places.release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[T]:
        """Hand out a connection for a while."""
        line = await self.lend()
        try:
            yield line
        finally:
            self.take_back(line)

    async def close(self) -> None:
        """Lend no more, wait as long for what is lent as for a turn, then hang up."""
        self._closed = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait):
                for _ in range(self._size):
                    await self._places.acquire()
        for line in self._lent:
            line.drop()
        while self._idle:
            await self._idle.pop()[0].close()

    def _demand_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the database is closed", retry_after=1)

    async def _waited_for(self) -> T:
        async with asyncio.timeout(self._wait):
            await self._places.acquire()
            try:
                self._demand_open()
                return self._kept() or await self._connect()
            except BaseException:
                self._places.release()
                raise

    def _kept(self) -> T | None:
        while self._idle:
            line, since = self._idle.pop()
            if line.usable and self._clock() - since < LONGEST_IDLE:
                return line
            line.drop()
        return None

    def _let_go(self) -> None:
        """Hang up the one that nobody has needed for longest, once that is long enough."""
        line, since = self._idle[0]
        if not line.usable or self._clock() - since >= LONGEST_IDLE:
            self._idle.pop(0)
            line.drop()

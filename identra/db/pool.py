"""A bounded number of connections, kept open and lent to one caller at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from identra.db.statement import Occupancy
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Line(Protocol):
    """A connection as its pool sees it."""

    @property
    def usable(self) -> bool:
        """Whether the next caller may have it: in step with the server, and not left too long."""
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

    def __init__(self, connect: Callable[[], Awaitable[T]], *, size: int, wait: float) -> None:
        self._connect = connect
        self._size = size
        self._wait = wait
        self._places = asyncio.Semaphore(size)
        self._idle: list[T] = []
        self._lent: set[T] = set()
        self._closed = False

    @property
    def occupancy(self) -> Occupancy:
        """How many there are, and how many are lent."""
        return Occupancy(self._size, len(self._idle) + len(self._lent), len(self._lent))

    def welcome(self, line: T) -> None:
        """Take in a connection that was opened already, before any is lent."""
        self._idle.append(line)

    async def lend(self) -> T:
        """Hand out a connection within `wait` seconds; `take_back` must follow.

        Raises what connecting raises, TimeoutError, and StoreUnavailable once closed.
        """
        self._demand_open()
        async with asyncio.timeout(self._wait):
            await self._places.acquire()
            try:
                self._demand_open()
                line = await self._any()
            except BaseException:
                self._places.release()
                raise
        self._lent.add(line)
        return line

    def take_back(self, line: T) -> None:
        """Keep the connection for the next, if it is any good."""
        self._lent.discard(line)
        if line.usable and not self._closed:
            self._idle.append(line)
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
            await self._idle.pop().close()

    def _demand_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("the database is closed", retry_after=1)

    async def _any(self) -> T:
        while self._idle:
            line = self._idle.pop()
            if line.usable:
                return line
            line.drop()
        return await self._connect()

"""A cable to a server that a test can cut, slow down, or let go dead without a word."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import TypeAlias

    Rewrite: TypeAlias = Callable[[bytes], bytes]


def _as_it_is(data: bytes) -> bytes:
    return data


class Cable:
    """Forwards a loopback port to a server, as long as it is whole."""

    def __init__(self, host: str, port: int, rewrite: Rewrite) -> None:
        self._far = (host, port)
        self._rewrite = rewrite
        self._pairs: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._whole = True
        self.slowness = 0.0
        """Seconds that each piece takes on its way."""
        self.port = 0

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._whole = False
        for pair in self._pairs:
            pair.cancel()

    def mend(self) -> None:
        """Let connections through again."""
        self._whole = True
        self._flows.set()

    def deaden(self) -> None:
        """Keep connections open, passing nothing on."""
        self._flows.clear()

    async def _join(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._pairs.add(task)
        writers = [back]
        try:
            if self._whole:
                far, forth = await asyncio.open_connection(*self._far)
                writers.append(forth)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._pass(near, forth, self._rewrite))
                    group.create_task(self._pass(far, back, _as_it_is))
        except (asyncio.CancelledError, ExceptionGroup, OSError):
            return
        finally:
            self._pairs.discard(task)
            for writer in writers:
                writer.close()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, rewrite: Rewrite
    ) -> None:
        while data := await source.read(65536):
            await self._flows.wait()
            await asyncio.sleep(self.slowness)
            sink.write(rewrite(data))
            await sink.drain()
        sink.close()

    @classmethod
    @asynccontextmanager
    async def to(
        cls, host: str, port: int, *, at: str = "127.0.0.1", rewrite: Rewrite | None = None
    ) -> AsyncIterator[Cable]:
        """Lay a cable for the time of a test; it may rewrite what goes to the server."""
        cable = cls(host, port, rewrite or _as_it_is)
        server = await asyncio.start_server(cable._join, at, 0)
        cable.port = server.sockets[0].getsockname()[1]
        try:
            yield cable
        finally:
            server.close()
            cable.cut()
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await server.wait_closed()

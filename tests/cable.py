"""A cable to a server that a test can cut, slow down, or let go dead without a word."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import TypeAlias

    Rewrite: TypeAlias = Callable[[bytes], bytes]

AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing resets the connection."""
PATIENCE = 30
RESET = "reset"


def _as_it_is(data: bytes) -> bytes:
    return data


@dataclass(eq=False)
class _Snare:
    """Breaks the one connection on which a pattern comes by, or so many bytes more.

    What sprang it arrives, if it `delivers`; its answer never does. `back` is towards the client.
    """

    pattern: bytes
    after: int
    back: bool
    delivers: bool

    def springs(self, data: bytes, *, back: bool) -> bool:
        if back is not self.back:
            return False
        self.after -= len(data)
        return self.pattern in data and self.after < 0


class Cable:
    """Forwards a loopback port to a server, as long as it is whole."""

    def __init__(self, host: str, port: int, rewrite: Rewrite) -> None:
        self._far = (host, port)
        self._rewrite = rewrite
        self._pairs: set[asyncio.Task[None]] = set()
        self._snares: list[_Snare] = []
        self._flows = asyncio.Event()
        self._flows.set()
        self._whole = True
        self.slowness = 0.0
        """Seconds that each piece takes on its way."""
        self.port = 0

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._pairs)

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._whole = False
        for pair in self._pairs:
            pair.cancel()

    def mend(self) -> None:
        """Let connections through again, whole and as quick as they were."""
        self._whole = True
        self._snares.clear()
        self._flows.set()

    def deaden(self) -> None:
        """Keep connections open, passing nothing on."""
        self._flows.clear()

    def reset(self) -> None:
        """Break every connection by a reset; new ones come through."""
        for pair in self._pairs:
            pair.cancel(RESET)

    def slow_down(self, seconds: float) -> None:
        """Let each piece take so long on its way."""
        self.slowness = seconds

    def cut_on(self, pattern: bytes, *, delivers: bool) -> None:
        """Reset the next connection on which the pattern is sent to the server, in one piece.

        The piece arrives and its answer does not, or neither does.
        """
        self._snares.append(_Snare(pattern, 0, back=False, delivers=delivers))

    def cut_after(self, count: int, *, back: bool) -> None:
        """Reset the connection that passes so many bytes more to the server, or `back` from it."""
        self._snares.append(_Snare(b"", count, back=back, delivers=False))

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
                    group.create_task(self._pass(near, forth, back=False))
                    group.create_task(self._pass(far, back, back=True))
        except asyncio.CancelledError as cancelled:
            if cancelled.args == (RESET,):
                _reset(back)
        except ExceptionGroup as failed:
            if failed.subgroup(_SprungError):
                _reset(back)
        except OSError:
            return
        finally:
            self._pairs.discard(task)
            for writer in writers:
                writer.close()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, back: bool
    ) -> None:
        while data := await source.read(65536):
            await self._flows.wait()
            await asyncio.sleep(self.slowness)
            sprung = [snare for snare in self._snares if snare.springs(data, back=back)]
            if not sprung or sprung[0].delivers:
                sink.write(data if back else self._rewrite(data))
                await sink.drain()
            if sprung:
                self._snares.remove(sprung[0])
                raise _SprungError
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


class _SprungError(Exception):
    """A snare broke the connection."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close in such a way that the other end is told of an error."""
    end = writer.get_extra_info("socket")
    if end is not None and not writer.is_closing():
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()


@dataclass(frozen=True)
class Laid:
    """A cable in a thread of its own, for a test without a loop."""

    cable: Cable
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return self.cable.port

    def do(self, act: Callable[..., None], *arguments: Any, **named: Any) -> None:
        """Do something to it, such as `Cable.cut`, and wait until it is done."""

        async def there() -> None:
            act(self.cable, *arguments, **named)

        asyncio.run_coroutine_threadsafe(there(), self.loop).result(PATIENCE)


@contextmanager
def laid_to(host: str, port: int) -> Iterator[Laid]:
    """The same as `Cable.to`, beside the test."""
    ready: SimpleQueue[Laid] = SimpleQueue()
    closing = asyncio.Event()

    async def keep() -> None:
        async with Cable.to(host, port) as cable:
            ready.put(Laid(cable, asyncio.get_running_loop()))
            await closing.wait()

    keeping = threading.Thread(target=lambda: asyncio.run(keep()), name="cable")
    keeping.start()
    laid = ready.get(timeout=PATIENCE)
    try:
        yield laid
    finally:
        laid.loop.call_soon_threadsafe(closing.set)
        keeping.join()

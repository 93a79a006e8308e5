"""Watching a plugin: what it writes, whom it reaches, whether it holds the loop up."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import time
from contextlib import asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TICK: Final = 0.02
LONGEST_BLOCK: Final = 1.0
"""Seconds for which a plugin may hold up everybody else; the service gives it five."""


@dataclass
class Watch:
    """What was seen. `longest` is the longest time, in seconds, in which the loop stood still."""

    written: io.StringIO = field(default_factory=io.StringIO)
    reached: list[str] = field(default_factory=list)
    longest: float = 0.0
    last: float = 0.0

    def saw(self, secrets: set[str]) -> bool:
        """Whether any of these was written to a log or the console."""
        text = self.written.getvalue()
        return any(secret in text for secret in secrets if secret)

    def demand_free(self) -> None:
        """Raise AssertionError if the loop stood still for too long."""
        now = time.monotonic()
        longest = max(self.longest, now - self.last if self.last else 0.0)
        if longest > LONGEST_BLOCK:
            raise AssertionError(f"held everybody up for {longest:.1f} s")

    @asynccontextmanager
    async def ticking(self) -> AsyncIterator[None]:
        """Measure how long the loop stands still meanwhile."""
        task = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            await asyncio.sleep(0)
            task.cancel()

    async def _tick(self) -> None:
        self.last = time.monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = time.monotonic()
            self.longest = max(self.longest, now - self.last - TICK)
            self.last = now


@contextmanager
def watching() -> Iterator[Watch]:
    """Keep all that is written, and let nothing of this process out into the network."""
    watch = Watch()
    handler = logging.StreamHandler(watch.written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    def stop(_socket: Any, address: Any) -> None:
        watch.reached.append(str(address))
        raise ConnectionRefusedError("a plugin reaches the network by its upstream alone")

    def look_up(host: Any, *_: Any, **__: Any) -> None:
        watch.reached.append(str(host))
        raise socket.gaierror("a plugin reaches the network by its upstream alone")

    try:
        with (
            redirect_stdout(watch.written),
            redirect_stderr(watch.written),
            patch.object(socket.socket, "connect", stop),
            patch.object(socket, "getaddrinfo", look_up),
        ):
            yield watch
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

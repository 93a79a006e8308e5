"""Telling plugins what happened: after the commit, from bounded queues, holding nobody up."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from identra.errors import PluginFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.asked import Fact
    from identra.hooks import Bound
    from identra.mishaps import Mishaps

OBSERVING: Final = 10.0
"""Seconds for `observe`, each fact."""
ROOM: Final = 1000
"""Facts that wait for one plugin in one process; further ones are not told to it."""
GRACE: Final = 2.0
"""Seconds in which what waits is still told while the house is closed."""

log = structlog.get_logger(__name__)


class Observers:
    """One queue and one task for each plugin that observes: a slow one is late by itself."""

    def __init__(self) -> None:
        self._queues: list[asyncio.Queue[Fact]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._lost = 0

    def tell(self, fact: Fact) -> None:
        """Put a fact that lasts before every observer; return at once."""
        if fact.name == "plugin.failed" and fact.data.get("call") == "observe":
            return  # two failing observers would tell each other of it for ever
        for queue in self._queues:
            try:
                queue.put_nowait(fact)
            except asyncio.QueueFull:
                self._lost += 1

    def start(self, bound: Sequence[Bound], mishaps: Mishaps) -> None:
        """Begin to tell these."""
        for one in bound:
            queue: asyncio.Queue[Fact] = asyncio.Queue(ROOM)
            self._queues.append(queue)
            self._tasks.append(asyncio.create_task(self._keep_telling(one, queue, mishaps)))

    async def close(self) -> None:
        """Tell what waits, for GRACE seconds; then stop."""
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await asyncio.gather(*(queue.join() for queue in self._queues))
        self._lost += sum(queue.qsize() for queue in self._queues)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._lost:
            log.warning("facts not observed", lost=self._lost)

    async def _keep_telling(self, one: Bound, queue: asyncio.Queue[Fact], mishaps: Mishaps) -> None:
        while True:
            fact = await queue.get()
            try:
                await one.ask(OBSERVING, fact=fact)
            except PluginFailed as failure:
                await mishaps.note(failure)
            finally:
                queue.task_done()
            self._tell_of_losses()

    def _tell_of_losses(self) -> None:
        if self._lost:
            log.warning("facts not observed", lost=self._lost)
            self._lost = 0

"""A plugin's failures: told to the operator, in the log and as an event, once a minute each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from identra.errors import PluginFailed, StoreUnavailable
from identra.trail import step

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from identra.events import Events

REST: Final = 60.0
"""Seconds in which the same failure of one plugin is told once by each process."""

KEPT: Final = 1000
"""So many different failures are kept in mind; then all are told anew."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Mishaps:
    """Notes what went wrong in plugins; whoever is served is not held up by that."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}

    async def noting(self, act: Awaitable[T]) -> T:
        """What comes of it; a plugin's failure is noted on its way out."""
        try:
            return await act
        except PluginFailed as failure:
            await self.note(failure)
            raise

    async def note(self, failure: PluginFailed) -> None:
        """Tell of a failure, unless the same was told within the minute; how many there were."""
        step("plugin.failed", plugin=failure.plugin, call=failure.call, cause=failure.cause)
        key, now = (failure.plugin, failure.call, failure.cause), time.monotonic()
        since, silent = self._told.get(key, (-REST, 0))
        if now - since < REST:
            self._told[key] = (since, silent + 1)
            return
        if len(self._told) >= KEPT:
            self._told.clear()
        self._told[key] = (now, 0)
        said = {"plugin": failure.plugin, "call": failure.call, "cause": failure.cause}
        log.error("plugin failed", **said, unsaid=silent)
        await self._record(failure, silent)

    async def _record(self, failure: PluginFailed, silent: int) -> None:
        try:
            await self._events.record(
                "plugin.failed",
                plugin=failure.plugin,
                call=failure.call,
                cause=failure.cause,
                unsaid=str(silent) if silent else "",
            )
        except StoreUnavailable as fault:
            log.warning("plugin's failure not recorded", cause=str(fault))

"""A plugin's failures: told to the operator, in the log and as an event, once a minute each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from identra.errors import PluginFailed, StoreUnavailable
from identra.meter import UNMETERED
from identra.trail import step

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from identra.events import Events
    from identra.meter import Meter

REST: Final = 60.0
"""Seconds in which the same failure of one plugin is told once by each process."""

KEPT: Final = 1000
"""So many different failures are kept in mind; then all are told anew."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Mishaps:
    """Notes what went wrong in plugins; whoever is served is not held up by that."""

    def __init__(self, events: Events, meter: Meter = UNMETERED) -> None:
        self._events = events
        self._meter = meter
        self._told: dict[tuple[str, str, str], tuple[float, int]] = {}

    async def noting(self, act: Awaitable[T]) -> T:
        """What comes of it; a plugin's failure is noted on its way out."""
        try:
            return await act
        except PluginFailed as failure:
            await self.note(failure)
            raise

    async def note(self, failure: PluginFailed) -> None:
        """Count a failure, and tell of it, unless the same was told within the minute."""
        step("plugin.failed", plugin=failure.plugin, call=failure.call, cause=failure.cause)
        self._meter.plugin_failed(failure.plugin, failure.call)
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
        await self.record(failure, silent)

    async def record(self, failure: PluginFailed, silent: int = 0) -> None:
        """Put a failure on record, and how many of its like were not told before it."""
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

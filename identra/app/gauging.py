"""What a process shows of itself now: read from what it holds, without asking any store."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from identra.app import keeping, opening
from identra.errors import StoreUnavailable
from identra.keys import RELOAD_EVERY, plan_rotation
from identra.keys.listing import read_row
from identra.mail import SmtpMailer
from identra.metrics import catalogue as of
from identra.state.redis import CONNECTIONS as MOST_TO_REDIS
from identra.state.redis import RedisState
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AsyncExitStack

    from identra.app.building import Edges
    from identra.keys import RotationPolicy

Shown = tuple[tuple[str, ...], float]

log = structlog.get_logger(__name__)

READ_LATELY: Final = 4 * RELOAD_EVERY
"""A ring that was not read for so many seconds: its database does not answer this process."""

SHOW_EVERY: Final = 1.0
PING_EVERY: Final = 3.0
"""Seconds between two readings of what a process shows; between two questions to Redis, so that
one that is back is known to be."""


def keep_showing(edges: Edges, policy: RotationPolicy, opened: AsyncExitStack) -> None:
    """Show the gauges now and again, for as long as the house is open."""
    gauges = Gauges(edges, policy)

    async def show() -> None:
        try:
            edges.meter.show(gauges.read())
        except Exception:  # one odd number must not leave the last ones standing for good
            log.exception("gauges not read")
            edges.meter.show({})

    edges.meter.show(gauges.read())
    keeping.keep(SHOW_EVERY, show, opened)
    if isinstance(edges.state, RedisState):
        keeping.keep(PING_EVERY, partial(_ping, edges.state), opened)


async def _ping(redis: RedisState) -> None:
    with suppress(StoreUnavailable):  # which the store remembers
        await redis.ping()


@dataclass(frozen=True, slots=True)
class Gauges:
    """Reads every gauge of a process, by the machine's clock."""

    edges: Edges
    policy: RotationPolicy

    def read(self) -> dict[tuple[str, ...], float]:
        """Each number by its metric's name and labels' values."""
        return dict([*self._process(), *self._stores(), *self._webhooks(), *self._ring()])

    def _process(self) -> Iterator[Shown]:
        yield (of.READY.name,), float(self.edges.keys.age < READ_LATELY)
        yield (of.HASH_QUEUE.name,), self.edges.hashing.busy
        yield (of.HASH_ROOM.name,), self.edges.hashing.room
        yield (of.PLUGINS_LEFT_OUT.name,), len(self.edges.providers.failures)
        if isinstance(self.edges.mailer, SmtpMailer):
            yield (of.MAIL_QUEUE.name,), self.edges.mailer.unsettled

    def _stores(self) -> Iterator[Shown]:
        occupied = self.edges.db.occupancy
        for state in ("most", "open", "used"):
            yield (of.CONNECTIONS.name, state), getattr(occupied, state)
        if isinstance(self.edges.state, RedisState):
            yield (of.REDIS_UP.name,), float(self.edges.state.answered)
            yield (of.REDIS_CONNECTIONS.name, "most"), MOST_TO_REDIS
            yield (of.REDIS_CONNECTIONS.name, "used"), self.edges.state.used

    def _webhooks(self) -> Iterator[Shown]:
        now = opening.system_clock()
        for name, delivery in self.edges.plugged.bell.deliveries.items():
            waiting = delivery.backlog
            yield (of.WEBHOOK_QUEUE.name, name), waiting.found
            age = 0.0 if waiting.oldest is None else (now - waiting.oldest) / SECOND
            yield (of.WEBHOOK_AGE.name, name), age

    def _ring(self) -> Iterator[Shown]:
        now = opening.system_clock()
        rows = [read_row(row) for row in self.edges.keys.ring.rows.values()]
        for labels, keys in Counter((row.state, row.algorithm) for row in rows).items():
            yield (of.KEYS.name, *labels), keys
        for row in sorted(rows, key=lambda row: row.changed_at, reverse=True):  # the oldest last
            labels = (row.state, row.algorithm)
            yield (of.KEY_AGE.name, *labels), (now - row.changed_at) / SECOND
        for due in plan_rotation(rows, now=now, policy=self.policy)[:1]:
            yield (of.KEY_NEXT_STEP.name, due.step.name), (due.at - now) / SECOND
        yield (of.KEY_RING_READ.name,), self.edges.keys.age

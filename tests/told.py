"""The audit log of a database, and whoever tells targets of what it records."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from standin.receiver import KEY

from identra.dispatches import Queue, Writer
from identra.events import Events
from identra.meter import UNMETERED
from identra.upstream import Outlet
from identra.webhooks import Delivery, Sender, Target, wanted_by

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from clock import FrozenClock

    from identra.db import Database
    from identra.meter import Meter


def target(url: str, name: str = "app", **said: Any) -> Target:
    """A target on this machine."""
    return Target(name, url, said.pop("keys", (KEY,)), grounds="private", **said)


@dataclass(frozen=True)
class Post:
    """Events that are recorded, and the deliveries of this process."""

    db: Database
    clock: FrozenClock
    events: Events
    queue: Queue
    deliveries: dict[str, Delivery]

    async def deliver(self, name: str = "app") -> None:
        """Send all that is due now."""
        delivery = self.deliveries[name]
        while await delivery.look():
            await delivery.idle()
        await delivery.idle()

    async def rows(self, **equal: str) -> list[dict[str, Any]]:
        """Dispatches in the order of their lanes."""
        t = self.db.tables.dispatches
        rows = await self.db.fetch(t.select().order_by(t.turn, t.id))
        return [row for row in rows if all(row[name] == value for name, value in equal.items())]

    async def states(self) -> list[tuple[str, int]]:
        """What became of each dispatch, and how often it failed."""
        return [(row["state"], row["tries"]) for row in await self.rows()]


@asynccontextmanager
async def open_post(
    db: Database, clock: FrozenClock, *targets: Target, meter: Meter = UNMETERED
) -> AsyncIterator[Post]:
    """Nobody delivers by himself: a test says when."""
    writer = Writer(db, wanted_by(targets), lambda _: None)
    senders = [Sender(one, Outlet(one.url, one.grounds), clock) for one in targets]
    queue = Queue(db)
    deliveries = {sender.target.name: Delivery(queue, sender, meter) for sender in senders}
    try:
        yield Post(db, clock, Events(db, clock, writer=writer), queue, deliveries)
    finally:
        for sender in senders:
            await sender.close()

"""Who writes down what happens, and who tells others of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from identra.dispatches import Queue, Writer
from identra.events import Events
from identra.meter import UNMETERED
from identra.upstream import Outlet
from identra.webhooks import Delivery, Sender, read_targets, wanted_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AsyncExitStack

    from identra.app.building import Edges
    from identra.asked import Fact
    from identra.db import Database
    from identra.meter import Meter
    from identra.settings import SettingsTree
    from identra.values import Clock


class Bell:
    """Wakes those of this process who deliver, once there is something for them."""

    def __init__(self) -> None:
        self.deliveries: dict[str, Delivery] = {}

    def ring(self, targets: Sequence[str]) -> None:
        """Wake whoever delivers to these."""
        for target in targets:
            if delivery := self.deliveries.get(target):
                delivery.wake()


def record_events(  # noqa: PLR0913 - what is told of events, each by name
    tree: SettingsTree,
    db: Database,
    clock: Clock,
    *,
    meter: Meter = UNMETERED,
    tell: Callable[[Fact], None] | None = None,
    bell: Bell | None = None,
) -> Events:
    """The audit log; what is recorded goes into the queues of webhooks too.

    Raises OperatorError for targets that want what there is not.
    """
    targets = read_targets(tree.webhooks)
    if not targets:
        return Events(db, clock, meter, tell)
    writer = Writer(db, wanted_by(targets), (bell or Bell()).ring)
    return Events(db, clock, meter, tell, writer)


def keep_delivering(tree: SettingsTree, edges: Edges, opened: AsyncExitStack) -> None:
    """Deliver to every target, for as long as the house is open and its database is written."""
    db, bell, meter = edges.db, edges.plugged.bell, edges.meter
    for target in read_targets(tree.webhooks) if db.writable else ():
        sender = Sender(target, Outlet(target.url, target.grounds), edges.clock)
        delivery = Delivery(Queue(db), sender, meter)
        bell.deliveries[target.name] = delivery
        _keep(delivery, sender, opened)


def _keep(delivery: Delivery, sender: Sender, opened: AsyncExitStack) -> None:
    going_on = asyncio.create_task(delivery.run())

    async def stop() -> None:
        going_on.cancel()
        with suppress(asyncio.CancelledError):
            await going_on
        await delivery.close()
        await sender.close()

    opened.push_async_callback(stop)

"""The attacker makes very many events of her own, while a target is slow or away: whoever is told
of others is not kept waiting for it, and no statement takes the longer the more there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from plans import Listening
from standin.receiver import Message, Receiver
from standin.sites import open_site
from told import open_post, target

from identra.webhooks.delivering import PAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clock import FrozenClock

    from identra.db import Database

EVE, ADA = "01900000-0000-7000-8000-00000000000e", "01900000-0000-7000-8000-00000000000a"
MANY = PAGE * 6


def refuse_eve(message: Message) -> httpx.Response:
    return httpx.Response(500 if message.body["data"].get("user_id") == EVE else 204)


@dataclass
class Weighing(Listening):
    """Keeps how many rows each statement changed."""

    changed: list[int] = field(default_factory=list)

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        self.changed.append(await super().affected(sql, args))
        return self.changed[-1]


async def test_her_many_are_put_aside_a_page_at_a_time_and_hold_nobody_else_s(
    database: Database, clock: FrozenClock
) -> None:
    receiver = Receiver(reply=refuse_eve)
    with open_site(receiver) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            async with database.transaction():
                for _ in range(MANY):
                    await post.events.record("address.promoted", user_id=EVE)
            clock.advance(1)
            await post.events.record("user.created", user_id=ADA)
            weighing = Weighing(database._engine)
            database._engine = weighing  # type: ignore[assignment]
            await post.deliver()
            assert receiver.types(ADA) == ["user.created"]
            assert max(weighing.changed) <= PAGE
            assert await post.queue.due("app", PAGE) == {}, "they rest as long as the first does"

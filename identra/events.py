"""Facts worth keeping: recorded in the transaction that makes them true."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from identra.asked import Fact
from identra.secret import uuid7
from identra.values import UNMETERED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from identra.db import Database
    from identra.values import Clock, Meter, Peer

EventName: TypeAlias = Literal[
    "user.created",
    "user.disabled",
    "user.enabled",
    "identity.linked",
    "address.proved",
    "address.lost",
    "login.succeeded",
    "login.refused",
    "session.revoked",
    "session.theft",
    "password.set",
    "code.sent",
    "limit.reached",
    "provider.rebound",
    "key.published",
    "key.activated",
    "key.retired",
    "key.revoked",
    "key.resealed",
    "plugin.failed",
]

MOST: Final = 10_000
"""Events that are read at once."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it was recorded. `at` is in Unix microseconds."""

    event_id: str
    at: int
    name: str
    user_id: str | None
    data: Mapping[str, str]


class EventLog:
    """Questions about what was recorded."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(
        self, *, user_id: str | None, since: int, kinds: Sequence[str], limit: int
    ) -> tuple[Recorded, ...]:
        """The newest events from that instant on, newest first. Raises StoreUnavailable.

        Of one user where one is named, and of these kinds where any is.
        """
        t = self._db.tables.events
        which: Any = t.at >= since
        if user_id is not None:
            which &= t.user_id == user_id
        if kinds:
            which &= t.name.is_in(list(kinds))
        rows = await self._db.fetch(
            t.select().where(which).order_by(t.at, t.id, ascending=False).limit(limit)
        )
        return tuple(
            Recorded(row["id"], row["at"], row["name"], row["user_id"], json.loads(row["data"]))
            for row in rows
        )


class Events:
    """The audit log. `record` inside a transaction keeps the fact just when it became true."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        meter: Meter = UNMETERED,
        tell: Callable[[Fact], None] | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._meter = meter
        self._tell = tell

    async def record(
        self,
        name: EventName,
        *,
        user_id: str | None = None,
        peer: Peer | None = None,
        **facts: str,
    ) -> None:
        """Keep one fact, and tell it once it lasts.

        Never a secret: what is given here is readable for operators.
        """
        told = dict(facts)
        if peer:
            told |= {"peer": peer.address or "", "attempt": peer.attempt_id}
        told = {key: value for key, value in told.items() if value}
        t, at = self._db.tables.events, self._clock()
        row = t(id=uuid7(), at=at, name=name, user_id=user_id, data=json.dumps(told))
        await self._db.change(t.insert(row))
        self._db.once_lasting(partial(self._meter.recorded, name, facts))
        if self._tell:
            fact = Fact(name, at, user_id, MappingProxyType(told))
            self._db.once_lasting(partial(self._tell, fact))

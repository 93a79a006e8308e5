"""Facts worth keeping: recorded in the transaction that makes them true."""

from __future__ import annotations

import json
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from identra.asked import Fact
from identra.secret import uuid7
from identra.values import UNMETERED

if TYPE_CHECKING:
    from collections.abc import Callable

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

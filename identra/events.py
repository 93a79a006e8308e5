"""Facts worth keeping: recorded in the transaction that makes them true."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from identra.asked import Fact
from identra.deadline import one_deadline
from identra.dispatches.nouns import Recorded
from identra.errors import InvalidArgument
from identra.meter import UNMETERED
from identra.secret import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from identra.db import Database
    from identra.dispatches import Writer
    from identra.meter import Meter
    from identra.values import Clock, Peer

EventName: TypeAlias = Literal[
    "user.created",
    "user.invited",
    "user.disabled",
    "user.enabled",
    "user.restored",
    "user.deleted",
    "user.exported",
    "identity.linked",
    "identity.unlinked",
    "address.proved",
    "address.lost",
    "address.promoted",
    "address.removed",
    "login.succeeded",
    "login.refused",
    "session.revoked",
    "session.theft",
    "password.set",
    "password.required",
    "code.sent",
    "limit.reached",
    "limit.released",
    "provider.rebound",
    "key.published",
    "key.activated",
    "key.retired",
    "key.revoked",
    "key.resealed",
    "plugin.failed",
    "admin.called",
    "admin_key.created",
    "admin_key.revoked",
]

MOST_LOGINS: Final = 1000
"""So many of a user's logins are looked at when her networks are asked for."""
MOST: Final = 10_000
"""Events that are read at once."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events of many. `next` is where the page after it begins, "" where there is none."""

    events: tuple[Recorded, ...]
    next: str


_PLACE: Final = re.compile(r"([0-9]{1,18})\.([A-Za-z0-9-]{1,36})", re.ASCII)


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
        return await self._read(self._which(user_id, since, kinds), limit)

    @one_deadline
    async def page(  # noqa: PLR0913 - what is asked for, each by name
        self,
        *,
        user_id: str | None,
        since: int,
        until: int | None,
        kinds: Sequence[str],
        limit: int,
        after: str,
    ) -> EventPage:
        """The same, before `until`, a page at a time; `after` is the `next` of the page before.

        Raises InvalidArgument too.
        """
        t, which = self._db.tables.events, self._which(user_id, since, kinds)
        if until is not None:
            which &= t.at < until
        if after:
            at, event_id = _place(after)
            which &= (t.at <= at) & ((t.at < at) | (t.id < event_id))
        found = await self._read(which, limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        return EventPage(found[:limit], f"{last.at}.{last.event_id}" if last else "")

    def _which(self, user_id: str | None, since: int, kinds: Sequence[str]) -> Any:
        t = self._db.tables.events
        which: Any = t.at >= since
        if user_id is not None:
            which &= t.user_id == user_id
        if kinds:
            which &= t.name.is_in(list(kinds))
        return which

    async def _read(self, which: Any, limit: int) -> tuple[Recorded, ...]:
        t = self._db.tables.events
        rows = await self._db.fetch(
            t.select().where(which).order_by(t.at, t.id, ascending=False).limit(limit)
        )
        return tuple(
            Recorded(row["id"], row["at"], row["name"], row["user_id"], json.loads(row["data"]))
            for row in rows
        )


def _place(after: str) -> tuple[int, str]:
    found = _PLACE.fullmatch(after)
    if found is None:
        raise InvalidArgument.of("after", "is no place that a page told")
    return int(found[1]), found[2]


class Events:
    """The audit log. `record` inside a transaction keeps the fact just when it became true."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        meter: Meter = UNMETERED,
        tell: Callable[[Fact], None] | None = None,
        writer: Writer | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._meter = meter
        self._tell = tell
        self._writer = writer
        self._insert = db.prepare_insert(db.tables.events)

    async def logged_in(self, user_id: str, peer: str, since: int) -> bool:
        """Whether a login of the user's from this peer, as allowances count it, is on record."""
        t, said = self._db.tables.events, json.dumps({"peer": peer}).strip("{}")
        hers = (t.user_id == user_id) & (t.name == "login.succeeded") & (t.at >= since)
        found = t.select(t.id).where(hers & t.data.like(f"%{said}%")).limit(1)
        return await self._db.first(found) is not None

    async def logged_in_from(self, user_id: str, since: int) -> tuple[str, ...]:
        """The peers of a user's logins that are on record, the latest first."""
        t = self._db.tables.events
        hers = (t.user_id == user_id) & (t.name == "login.succeeded") & (t.at >= since)
        logins = t.select(t.data).where(hers).order_by(t.id, ascending=False).limit(MOST_LOGINS)
        told = [json.loads(row["data"]).get("peer") for row in await self._db.fetch(logins)]
        return tuple(dict.fromkeys(peer for peer in told if peer))

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
        event = Recorded(uuid7(), self._clock(), name, user_id, told)
        await self._keep(event)
        self._db.once_lasting(partial(self._meter.recorded, name, facts))
        if self._tell:
            fact = Fact(name, event.at, user_id, MappingProxyType(told))
            self._db.once_lasting(partial(self._tell, fact))

    async def _keep(self, event: Recorded) -> None:
        """Write it, and, in one transaction with it, into the queues of those who are told."""
        targets = self._writer.targets_of(event.name) if self._writer else ()
        if self._writer is None or not targets:
            await self._insert_row(event)
            return
        dispatch = partial(self._writer.write, event, targets)

        async def both() -> None:
            await self._insert_row(event)
            await dispatch()

        await self._db.jointly(both)

    async def _insert_row(self, event: Recorded) -> None:
        row = {"id": event.event_id, "at": event.at, "name": event.name, "user_id": event.user_id}
        await self._db.change(self._insert.bind(**row, data=json.dumps(dict(event.data))))

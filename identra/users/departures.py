"""Users who leave: disabled until their day comes, then gone from every table."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from identra.trail import subject_of

if TYPE_CHECKING:
    from identra.db import Database
    from identra.events import Events
    from identra.users.nouns import User
    from identra.users.room import Users

BATCH: Final = 500
MOST: Final = 10_000
"""Users that are let go in one turn."""
KEPT: Final = frozenset(
    {"provider", "plugin", "limit", "by", "sessions", "reason", "key", "key_name", "act", "refused"}
)
"""What an event still tells once it is nobody's: none of it is the person's, or her devices'."""


class Departures:
    """Whoever is due must still be disabled since the instant at which she asked.

    So nobody is removed who was let in again, be it by a release that knows of no departures.
    """

    def __init__(self, db: Database, users: Users, events: Events) -> None:
        self._db = db
        self._users = users
        self._events = events

    async def leaves_at(self, user_id: str) -> int | None:
        """When a user will be gone, if she is about to."""
        t = self._db.tables
        d, u = t.departures, t.users
        row = await self._db.first(d.select(d.asked_at, d.leaves_at).where(d.user_id == user_id))
        her = await self._db.first(u.select(u.disabled_at).where(u.id == user_id))
        stands = row and her and row["asked_at"] == her["disabled_at"]
        return int(row["leaves_at"]) if row and stands else None

    async def begin(self, user_id: str, *, at: int, leaves_at: int, by: str = "") -> None:
        """Disable a user, who is gone from `leaves_at` on; inside the caller's transaction.

        Where she is disabled already, that stands, and its reason too.
        """
        t = self._db.tables
        d, u = t.departures, t.users
        await self._users.disable(user_id, "deletion", at=at, by=by)
        her = await self._db.first(u.select(u.disabled_at).where(u.id == user_id))
        if her is None:
            return
        await self._db.change(d.delete().where(d.user_id == user_id))
        row = d(user_id=user_id, asked_at=her["disabled_at"], leaves_at=leaves_at)
        await self._db.change(d.insert(row))

    async def due(self, now: int) -> tuple[str, ...]:
        """The users whose day has come, up to MOST."""
        t = self._db.tables.departures
        rows = await self._db.fetch(t.select(t.user_id).where(t.leaves_at <= now).limit(MOST))
        return tuple(row["user_id"] for row in rows)

    async def remove(self, user_id: str, *, due: int | None = None, by: str = "") -> bool:
        """Remove a user who is due, from every table; whether it was done by this call.

        With an instant, just if her day has come by then still: she may have been brought back,
        and leave anew, since she was found `due`.

        Her events stay as nobody's. Broken off, the next call goes on where it stopped.
        """
        user = await self._users.user(user_id)
        if user:
            await self._forget_attempts(user)
        gone = await self._db.transact(partial(self._delete, user_id, due, by))
        if gone is None:
            return False
        await self._strip_events(user_id)
        t = self._db.tables
        await self._clear(t.attempts, t.attempts.user_id == user_id)
        await self._db.change(t.departures.delete().where(t.departures.user_id == user_id))
        return gone

    async def _delete(self, user_id: str, due: int | None, by: str) -> bool | None:
        """Whether her own row went now; False where it had gone before, None where she stays."""
        t = self._db.tables
        d, u = t.departures, t.users
        await self._users.touch(user_id)
        row = await self._db.first(d.select(d.asked_at, d.leaves_at).where(d.user_id == user_id))
        her = await self._db.first(u.select(u.disabled_at).where(u.id == user_id))
        if row is None or (due is not None and row["leaves_at"] > due):
            return None
        if her is None:
            return False
        if her["disabled_at"] != row["asked_at"]:
            await self._db.change(d.delete().where(d.user_id == user_id))
            return None
        await self._db.change(u.delete().where(u.id == user_id))  # and with it what is hers
        # What was told of her, or waits to be: whoever listens hears that she is gone.
        await self._clear(t.dispatches, t.dispatches.lane == user_id)
        await self._events.record("user.deleted", user_id=user_id, by=by)
        return True

    async def _forget_attempts(self, user: User) -> None:
        """What was attempted about her addresses and recipients, though nobody said whose it is."""
        t = self._db.tables.attempts
        for provider, names in user.known_as.items():
            about = t.subject.is_in([subject_of(each) for each in names])
            at_place = about & (t.provider == provider) if provider else about
            await self._clear(t, at_place & t.user_id.is_null())

    async def _clear(self, t: Any, which: Any) -> None:
        """A batch at a time: a statement has no time for all that somebody may have gathered."""
        while rows := await self._db.fetch(t.select(t.id).where(which).limit(BATCH)):
            await self._db.change(t.delete().where(t.id.is_in([row["id"] for row in rows])))

    async def _strip_events(self, user_id: str) -> None:
        t = self._db.tables.events
        hers = t.select(t.id, t.name, t.data).where(t.user_id == user_id).limit(BATCH)
        while rows := await self._db.fetch(hers):
            alike: dict[str, list[str]] = defaultdict(list)
            for row in rows:
                alike[_stripped(row["name"], row["data"])].append(row["id"])
            for data, ids in alike.items():
                values: dict[Any, Any] = {t.user_id: None, t.data: data}
                await self._db.change(t.update(values).where(t.id.is_in(ids)))


def _stripped(name: str, data: str) -> str:
    """What an event tells, without the person; an operator's own words may name her."""
    kept = KEPT - {"reason"} if name == "user.disabled" else KEPT
    return json.dumps({key: value for key, value in json.loads(data).items() if key in kept})

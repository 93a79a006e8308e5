"""Ending sessions: once each, at once everywhere, on record."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from identra.db import Param

if TYPE_CHECKING:
    from identra.db import Database
    from identra.db.statement import Row
    from identra.events import EventName, Events

Reason: TypeAlias = Literal[
    "asked",
    "theft",
    "ahead",
    "disabled",
    "claim_lost",
    "operator",
    "password_changed",
    "password_reset",
    "key_revoked",
    "unanswered",
    "crowded",
]
BATCH: Final = 500
MOST: Final = 1000
"""Live sessions of one user, so that all of them can be ended within one statement's time."""


class Ending:
    """Revokes sessions; what did not commit is not revoked."""

    def __init__(self, db: Database, events: Events) -> None:
        self._db = db
        self._events = events
        t = db.tables.sessions
        live = (t.user_id == Param("user_id")) & t.revoked_at.is_null()
        self._one_too_many = db.prepare(t.select(t.id).where(live).offset(MOST - 1).limit(1))

    async def make_room(self, user_id: str, reason: Reason) -> None:
        """End the oldest sessions of a user who has MOST, for one more is about to be opened.

        Inside the caller's transaction. Of very many it ends some; the next call ends more.
        """
        if await self._db.first(self._one_too_many.bind(user_id=user_id)) is None:
            return
        t = self._db.tables.sessions
        live = (t.user_id == user_id) & t.revoked_at.is_null()
        beyond = t.select(t.id).where(live).order_by(t.id, ascending=False).offset(MOST - 1)
        old = [row["id"] for row in await self._db.fetch(beyond.limit(BATCH))]
        ending: dict[Any, Any] = {t.revoked_at: await self._db.instant(), t.revoked_for: reason}
        ended = await self._db.change(t.update(ending).where(t.id.is_in(old) & live))
        await self._events.record(
            "session.revoked", user_id=user_id, reason=reason, sessions=str(ended)
        )

    async def revoke(self, session_id: str, reason: Reason, *, user_id: str) -> bool:
        """End one session of a user, once; whether this call did it."""
        return await self._db.transact(partial(self.end, session_id, reason, user_id=user_id))

    async def end(self, session_id: str, reason: Reason, *, user_id: str) -> bool:
        """The same, inside the caller's transaction."""
        t = self._db.tables.sessions
        now = await self._db.instant()
        ended = await self._db.change(
            t.update({t.revoked_at: now, t.revoked_for: reason}).where(
                (t.id == session_id) & (t.user_id == user_id) & t.revoked_at.is_null()
            )
        )
        if ended:
            name: EventName = "session.theft" if reason == "theft" else "session.revoked"
            await self._events.record(name, user_id=user_id, session=session_id, reason=reason)
        return bool(ended)

    async def revoke_under(self, kid: str, reason: Reason) -> int:
        """End every session whose last token this key signed or this secret proves; how many.

        All are walked through by primary key, in pages: few may be under it, and looking for those
        alone would take longer than a statement may. Stopped in the middle, the next call does the
        rest.
        """
        t = self._db.tables.sessions
        ended, last = 0, ""
        query = t.select(t.id, t.user_id, t.signed_by, t.secret_id, t.revoked_at)
        page = self._db.prepare(query.where(t.id > Param("last")).order_by(t.id).limit(BATCH))
        while rows := await self._db.fetch(page.bind(last=last)):
            live = [row for row in rows if row["revoked_at"] is None]
            under = [row for row in live if kid in (row["signed_by"], row["secret_id"])]
            if under:
                ended += await self._db.transact(partial(self._end_rows, under, reason))
            last = rows[-1]["id"]
        return ended

    async def _end_rows(self, rows: list[Row], reason: Reason) -> int:
        return sum([await self.end(row["id"], reason, user_id=row["user_id"]) for row in rows])

    async def revoke_all(
        self, user_id: str, reason: Reason, *, but: str | None = None, by: str = ""
    ) -> int:
        """End all sessions of a user `but` one, inside the caller's transaction; how many ended.

        `by` is who had them ended, where that is not she.
        """
        t = self._db.tables.sessions
        now = await self._db.instant()
        hers = (t.user_id == user_id) & t.revoked_at.is_null()
        ended = await self._db.change(
            t.update({t.revoked_at: now, t.revoked_for: reason}).where(
                hers if but is None else hers & (t.id != but)
            )
        )
        if ended:
            await self._events.record(
                "session.revoked", user_id=user_id, reason=reason, sessions=str(ended), by=by
            )
        return ended

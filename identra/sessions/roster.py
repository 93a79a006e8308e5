"""The live sessions of a user, as she may see them herself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from identra.db import Param

if TYPE_CHECKING:
    from identra.db import Database

LONGEST: Final = 100
"""So many are listed; further ones live and end like any other."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A live session: since when, last opened or refreshed when (µs), how proved, from where.

    `peer` is the network address as allowances count it, and "" where nobody is counted.
    """

    session_id: str
    created_at: int
    last_used_at: int
    amr: tuple[str, ...]
    idp: str
    peer: str
    user_agent: str


class Roster:
    """Reads which sessions of a user are live; changes nothing."""

    def __init__(self, db: Database) -> None:
        self._db = db
        t, now = db.tables.sessions, db.now()
        live = t.revoked_at.is_null() & (t.idle_ends_at > now) & (t.ends_at > now)
        hers = t.select(
            t.id, t.created_at, t.last_used_at, t.amr, t.idp, t.peer, t.user_agent
        ).where((t.user_id == Param("user_id")) & live)
        newest = hers.order_by(t.last_used_at, ascending=False).order_by(t.id, ascending=False)
        self._newest = db.prepare(newest.limit(LONGEST))

    async def live(self, user_id: str) -> tuple[Entry, ...]:
        """The LONGEST last used ones, the newest first."""
        rows = await self._db.fetch(self._newest.bind(user_id=user_id))
        return tuple(map(_entry, rows))

    async def every(self, user_id: str, most: int) -> list[dict[str, Any]]:
        """Her newest sessions, ended ones too: the rows but for what their tokens are proved by."""
        t = self._db.tables.sessions
        told = (t.id, t.created_at, t.auth_time, t.amr, t.idp, t.last_used_at, t.idle_ends_at)
        more = (t.ends_at, t.revoked_at, t.revoked_for, t.peer, t.user_agent)
        query = t.select(*told, *more).where(t.user_id == user_id)
        return await self._db.fetch(query.order_by(t.id, ascending=False).limit(most))


def _entry(row: dict[str, Any]) -> Entry:
    amr = tuple(row.pop("amr").split())
    return Entry(session_id=row.pop("id"), amr=amr, **row)

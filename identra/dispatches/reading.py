"""What operators see of dispatches, and have sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from piccolo.querystring import QueryString

from identra.db import Param
from identra.dispatches.nouns import DEAD, WAITING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db import Database
    from identra.db.statement import Row

MOST: Final = 10_000
"""Dispatches that are counted, shown or sent again at once."""
PIECE: Final = 500

_COUNT = (
    "SELECT COUNT(*) AS found, MIN(turn) AS oldest FROM"
    " (SELECT turn FROM identra_dispatches WHERE target = {} AND state = {}"
    " ORDER BY target, state, due_at LIMIT {}) AS those"
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, at most MOST, and since when the oldest is there (None: none is)."""

    found: int
    oldest: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A dispatch as it is kept. Instants are Unix microseconds; `due_at` is for one that waits."""

    dispatch_id: str
    event_id: str
    target: str
    state: str
    tries: int
    turn: int
    due_at: int | None
    settled_at: int | None
    outcome: str
    body: str


class Dispatches:
    """Questions about dispatches, and orders. Each raises StoreUnavailable."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def count(self, target: str, state: str) -> Count:
        """How many of a target are in a state."""
        row = await self._db.first(QueryString(_COUNT, target, state, MOST)) or {}
        return Count(int(row.get("found") or 0), row.get("oldest"))

    async def targets(self) -> Sequence[str]:
        """Every target that anything is kept of, also those that the settings no longer name."""
        t, found = self._db.tables.dispatches, [""]
        first = t.select(t.target).where(t.target > Param("last")).order_by(t.target).limit(1)
        after = self._db.prepare(first)
        # From one to the next by an index: to tell them apart the database would read all of it.
        while row := await self._db.first(after.bind(last=found[-1])):
            found.append(row["target"])
        return tuple(found[1:])

    async def gone(self, target: str, place: str) -> int | None:
        """Since when the target at this place wants no more; None: it does."""
        t = self._db.tables.gone
        asked = t.select(t.gone_at).where((t.target == target) & (t.place == place))
        row = await self._db.first(asked)
        return int(row["gone_at"]) if row else None

    async def of(self, target: str, states: Sequence[str], limit: int) -> tuple[Kept, ...]:
        """Those of a target in these states, the newest first."""
        t = self._db.tables.dispatches
        which = (t.target == target) & t.state.is_in(list(states))
        query = t.select().where(which).order_by(t.turn, t.id, ascending=False).limit(limit)
        return tuple([_read(row) for row in await self._db.fetch(query)])

    async def find(self, some_id: str) -> tuple[Kept, ...]:
        """The dispatch of that id, or all of the event of that id."""
        t = self._db.tables.dispatches
        query = t.select().where((t.id == some_id) | (t.event_id == some_id)).order_by(t.id)
        return tuple([_read(row) for row in await self._db.fetch(query)])

    async def replay(self, target: str, some_id: str | None = None) -> int:
        """Have what is dead sent again, and what waits sent now; how many they are.

        All of a target, or what has that id (also if it was delivered). A target that was gone is
        called again. Those that are being sent at this moment are left to it.
        """
        t = self._db.tables
        await self._db.change(t.gone.delete().where(t.gone.target == target))
        now, again = await self._db.instant(), 0
        ours: Any = t.dispatches.target == target
        if some_id is None:
            ours &= t.dispatches.state.is_in([DEAD, WAITING])
        else:
            ours &= (t.dispatches.id == some_id) | (t.dispatches.event_id == some_id)
        behind = (t.dispatches.state != WAITING) | (t.dispatches.due_at > now)
        late = ours & behind & t.dispatches.claim.is_null()
        query = t.dispatches.select(t.dispatches.id).where(late).limit(PIECE)
        while rows := await self._db.fetch(query):
            again += await self._hurry([row["id"] for row in rows], late, now)
        return again

    async def _hurry(self, ids: list[str], late: Any, now: int) -> int:
        t = self._db.tables.dispatches
        again: dict[Any, Any] = {t.state: WAITING, t.tries: 0, t.due_at: now, t.settled_at: None}
        return await self._db.change(t.update(again).where(t.id.is_in(ids) & late))


def _read(row: Row) -> Kept:
    return Kept(
        dispatch_id=row["id"],
        event_id=row["event_id"],
        target=row["target"],
        state=row["state"],
        tries=row["tries"],
        turn=row["turn"],
        due_at=row["due_at"] if row["state"] == WAITING else None,
        settled_at=row["settled_at"],
        outcome=row["outcome"] or "",
        body=row["body"],
    )

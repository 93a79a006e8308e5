"""The queue of each target: lanes that go on side by side, each in its own order.

A dispatch is claimed by compare-and-set, for a while by the database's clock: no lock is held
while it is sent, and what a killed process had claimed is due again when that while is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from piccolo.querystring import QueryString

from identra.db import Param
from identra.dispatches.nouns import DEAD, DELIVERED, WAITING, Dispatch
from identra.dispatches.reading import Dispatches
from identra.dispatches.schedule import is_late
from identra.secret import uuid7
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from identra.db import Database, Statement
    from identra.db.statement import Row
    from identra.dispatches.reading import Count

LEASE: Final = 30 * SECOND
"""How long a claim holds: a multiple of what sending may take."""
REST: Final = LEASE
"""How long those behind a dispatch that is being sent are not looked at; whoever sends it goes on
with them at once, and of whoever was killed the claim is over by then."""
BURIED: Final = 500
"""Dispatches of a target that is gone which one statement gives up."""

_HEAD = (
    "SELECT id, event_id, tries, turn, due_at, claim, outcome, body, {} AS read_at"
    " FROM identra_dispatches"
    " WHERE target = {} AND state = 'waiting' AND lane = {} ORDER BY turn, id LIMIT 1"
)
_CLAIM = (
    "UPDATE identra_dispatches SET claim = {}, due_at = {} + {} WHERE id = {}"
    " AND state = 'waiting' AND (due_at <= {} OR (claim IS NULL AND tries = 0))"
)
_SETTLE = (
    "UPDATE identra_dispatches SET state = {}, settled_at = {}, outcome = {}, tries = {},"
    " claim = NULL WHERE id = {} AND claim = {}"
)
_PUT_OFF = (
    "UPDATE identra_dispatches SET due_at = {} + {}, outcome = {}, tries = {}, claim = NULL"
    " WHERE id = {} AND claim = {}"
)

_RESUME = (
    "UPDATE identra_dispatches SET due_at = {} WHERE id = {}"
    " AND state = 'waiting' AND claim IS NULL AND tries = 0"
)
_RELEASE = "UPDATE identra_dispatches SET due_at = {}, claim = NULL WHERE id = {} AND claim = {}"


class Queue:
    """Takes and settles dispatches. Each raises StoreUnavailable."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._head = self._prepare(_HEAD, db.now(), Param("target"), Param("lane"))
        self._claim = self._prepare(_CLAIM, Param("claim"), db.now(), LEASE, Param("id"), db.now())
        self._resume = self._prepare(_RESUME, db.now(), Param("id"))
        ours = (Param("outcome"), Param("tries"), Param("id"), Param("claim"))
        self._settle = self._prepare(_SETTLE, Param("state"), db.now(), *ours)
        self._release = self._prepare(_RELEASE, db.now(), Param("id"), Param("claim"))
        self._put_off = self._prepare(_PUT_OFF, db.now(), Param("wait"), *ours)

    async def due(self, target: str, limit: int) -> Mapping[str, Sequence[str]]:
        """The first `limit` dispatches that are due, by their lanes."""
        t = self._db.tables.dispatches
        due = (t.target == target) & (t.state == WAITING) & (t.due_at <= self._db.now())
        query = t.select(t.lane, t.id).where(due).order_by(t.due_at).limit(limit)
        lanes: dict[str, list[str]] = {}
        for row in await self._db.fetch(query):
            lanes.setdefault(row["lane"], []).append(row["id"])
        return lanes

    async def take(self, target: str, lane: str, found: Sequence[str] = ()) -> Dispatch | None:
        """Claim the first of a lane, if it may be sent now; of all who try one gets it.

        Where it may not, those of the lane that were `found` due rest as long as it does: each
        would be found again and again.
        """
        head = await self._db.first(self._head.bind(target=target, lane=lane))
        if head is None:
            return None
        claim = uuid7()
        if await self._db.change(self._claim.bind(id=head["id"], claim=claim)):
            return _claimed(head, target, lane, claim)
        until = head["due_at"]
        if head["claim"] is not None:
            until = min(until, head["read_at"] + REST)
        await self._put_to_rest([one for one in found if one != head["id"]], until)
        return None

    async def rest(self, found: Sequence[str]) -> None:
        """Leave those out of what is due for a while: somebody goes through their lane now.

        Else one user's many would be all that is ever found due. Those that were found, and not
        all of the lane: she may have more than a statement has the time for.
        """
        await self._put_to_rest(found, await self._db.instant() + REST)

    async def resume(self, target: str, lane: str) -> None:
        """Have the first of a lane found due again, if it was never tried."""
        head = await self._db.first(self._head.bind(target=target, lane=lane))
        if head is not None:
            await self._db.change(self._resume.bind(id=head["id"]))

    async def deliver(self, dispatch: Dispatch, outcome: str) -> None:
        """It was received: so it stays, unless the claim ran out and another has it now."""
        await self._end(dispatch, DELIVERED, outcome, dispatch.tries)

    async def give_up(self, dispatch: Dispatch, outcome: str) -> None:
        """Give it up; those behind it go on."""
        await self._end(dispatch, DEAD, outcome, dispatch.tries + 1)

    async def put_off(self, dispatch: Dispatch, wait: int, outcome: str) -> None:
        """It failed, and is tried again in so many microseconds; those behind it wait."""
        await self._wait(dispatch, wait, outcome, dispatch.tries + 1)

    async def release(self, dispatch: Dispatch) -> None:
        """It was not sent after all: whoever comes first sends it."""
        await self._db.change(self._release.bind(**_ours(dispatch)))

    async def bury(self, target: str, outcome: str) -> int:
        """Give up some of what waits for a target, and tell how many that were."""
        t = self._db.tables.dispatches
        waits = (t.target == target) & (t.state == WAITING) & t.claim.is_null()
        # In an index's order: by any, a planner that thinks much waits reads what does not as well.
        some = t.select(t.id).where(waits).order_by(t.target, t.state, t.due_at)
        rows = await self._db.fetch(some.limit(BURIED))
        if not rows:
            return 0
        now = await self._db.instant()
        ended: dict[Any, Any] = {t.state: DEAD, t.settled_at: now, t.outcome: outcome}
        these = t.id.is_in([row["id"] for row in rows])
        return await self._db.change(t.update(ended).where(these & waits))

    async def backlog(self, target: str) -> Count:
        """How much waits for a target, and since when the oldest does."""
        return await Dispatches(self._db).count(target, WAITING)

    async def close_target(self, target: str, place: str) -> None:
        """Note that a target at this place wants no more."""
        t, now = self._db.tables.gone, await self._db.instant()

        async def note() -> None:
            await self._db.change(t.delete().where(t.target == target))
            await self._db.change(t.insert(t(target=target, place=place, gone_at=now)))

        await self._db.transact(note)

    async def is_closed(self, target: str, place: str) -> bool:
        """Whether the target at this place wanted no more."""
        t = self._db.tables.gone
        asked = t.select(t.target).where((t.target == target) & (t.place == place))
        return await self._db.first(asked) is not None

    async def _put_to_rest(self, found: Sequence[str], until: int) -> None:
        t = self._db.tables.dispatches
        untouched = (t.state == WAITING) & t.claim.is_null() & (t.due_at <= self._db.now())
        resting: dict[Any, Any] = {t.due_at: until}
        if found:
            await self._db.change(t.update(resting).where(t.id.is_in(list(found)) & untouched))

    async def _end(self, dispatch: Dispatch, state: str, outcome: str, tries: int) -> None:
        ended = {"state": state, "outcome": outcome, "tries": tries}
        await self._db.change(self._settle.bind(**ended, **_ours(dispatch)))

    async def _wait(self, dispatch: Dispatch, wait: int, outcome: str, tries: int) -> None:
        waiting = {"wait": wait, "outcome": outcome, "tries": tries}
        await self._db.change(self._put_off.bind(**waiting, **_ours(dispatch)))

    def _prepare(self, sql: str, *args: Any) -> Statement:
        return self._db.prepare(QueryString(sql, *args))


def _ours(dispatch: Dispatch) -> dict[str, str]:
    return {"id": dispatch.dispatch_id, "claim": dispatch.claim}


def _claimed(head: Row, target: str, lane: str, claim: str) -> Dispatch:
    return Dispatch(
        dispatch_id=head["id"],
        event_id=head["event_id"],
        target=target,
        lane=lane,
        tries=head["tries"],
        body=head["body"],
        claim=claim,
        late=is_late(head["read_at"] - head["turn"], tried=head["outcome"] is not None),
    )

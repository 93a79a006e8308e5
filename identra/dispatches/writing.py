"""Writing dispatches: in the transaction that makes the event true, by one statement."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from piccolo.querystring import QueryString

from identra.db import Param
from identra.dispatches.nouns import WAITING
from identra.secret import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from identra.db import Database, Statement
    from identra.dispatches.nouns import Recorded


class Writer:
    """Puts an event into the queue of each target that wants it.

    `wanted` tells which do, by the event's name; `wake` is told their names once that lasts.
    """

    def __init__(
        self,
        db: Database,
        wanted: Callable[[str], Sequence[str]],
        wake: Callable[[Sequence[str]], None],
    ) -> None:
        self._db = db
        self._wanted = wanted
        self._wake = wake
        self._inserts: dict[int, Statement] = {}

    def targets_of(self, name: str) -> Sequence[str]:
        """The targets that are to be told of an event by that name."""
        return self._wanted(name)

    async def write(self, event: Recorded, targets: Sequence[str]) -> None:
        """Put it into their queues; it belongs into the event's own transaction."""
        insert = self._inserts.get(len(targets))
        if insert is None:
            insert = self._inserts[len(targets)] = self._prepare(len(targets))
        values: dict[str, Any] = {"event": event.event_id, "lane": event.lane, "body": event.body}
        for number, target in enumerate(targets):
            values |= {f"id{number}": uuid7(), f"target{number}": target}
        await self._db.change(insert.bind(**values))
        self._db.once_lasting(partial(self._wake, targets))

    def _prepare(self, count: int) -> Statement:
        selects = [self._select(number) for number in range(count)]
        return self._db.prepare(QueryString(_INSERT + _UNION.join(["{}"] * count), *selects))

    def _select(self, number: int) -> QueryString:
        """A row: its turn is now, and behind whatever waits in its lane, by the database's clock.

        Clocks of nodes play no part in it, and two events of one microsecond have an order.
        """
        target, now = Param(f"target{number}"), self._db.now()
        given = (Param(f"id{number}"), Param("event"), target, Param("lane"), Param("body"))
        return QueryString(_SELECT, *given, now, now, now, target, Param("lane"))


_COLUMNS: Mapping[str, str] = {
    "id": "{}",
    "event_id": "{}",
    "target": "{}",
    "lane": "{}",
    "body": "{}",
    "turn": "CASE WHEN last.turn >= {} THEN last.turn + 1 ELSE {} END",
    "due_at": "{}",
    "state": f"'{WAITING}'",
    "tries": "0",
}
_INSERT = f"INSERT INTO identra_dispatches ({', '.join(_COLUMNS)}) "
_SELECT = (
    f"SELECT {', '.join(_COLUMNS.values())} FROM"  # noqa: S608 - our own words
    " (SELECT MAX(turn) AS turn FROM identra_dispatches"
    f" WHERE target = {{}} AND state = '{WAITING}' AND lane = {{}}) AS last"
)
"""The greatest turn is asked for apart: MariaDB takes a statement that mixes both only once."""
_UNION = " UNION ALL "

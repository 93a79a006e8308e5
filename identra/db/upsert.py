"""Insert-or-update on the short-lived state, atomic each.

Standard SQL has no common spelling for it, so these live with the dialects: here as SQLite and
PostgreSQL have it, and in `mysql_upsert`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from piccolo.querystring import QueryString

from identra.db import mysql_upsert
from identra.db.statement import Param

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.db.engine import Database
    from identra.db.statement import Row

    Keep: TypeAlias = Callable[..., Awaitable[bool]]
    Tally: TypeAlias = Callable[..., Awaitable[Row | None]]

NO_RETURNING = frozenset({"mysql", "mariadb"})


def keep(db: Database, *, only_absent: bool) -> Keep:
    """Store `value` under `id` for `life` microseconds; tells whether it was stored."""
    if db.dialect in NO_RETURNING:
        return mysql_upsert.keep_absent(db) if only_absent else mysql_upsert.keep(db)
    query = QueryString(
        "INSERT INTO identra_state (id, value, count, expires_at) VALUES ({}, {}, 0, {} + {})"
        " ON CONFLICT (id) DO UPDATE SET value = excluded.value, count = 0,"
        " expires_at = excluded.expires_at",
        Param("id"),
        Param("value"),
        db.now(),
        Param("life"),
    )
    if only_absent:
        query = QueryString("{} WHERE identra_state.expires_at <= {}", query, db.now())
    statement = db.prepare(query)

    async def store(**values: Any) -> bool:
        return await db.change(statement.bind(**values)) == 1

    return store


def tally(db: Database) -> Tally:
    """Add `by` to the counter `id`, open for `life` microseconds from its first count.

    Gives one row: `tally`, and `remains` in microseconds.
    """
    if db.dialect in NO_RETURNING:
        return mysql_upsert.tally(db)
    statement = db.prepare(
        QueryString(
            "INSERT INTO identra_state (id, value, count, expires_at)"
            " VALUES ({}, '', {}, {} + {})"
            " ON CONFLICT (id) DO UPDATE SET value = '',"
            " count = CASE WHEN identra_state.expires_at > {}"
            " THEN identra_state.count + excluded.count ELSE excluded.count END,"
            " expires_at = CASE WHEN identra_state.expires_at > {}"
            " THEN identra_state.expires_at ELSE excluded.expires_at END"
            " RETURNING count AS tally, expires_at - {} AS remains",
            Param("id"),
            Param("by"),
            db.now(),
            Param("life"),
            db.now(),
            db.now(),
            db.now(),
        )
    )

    async def count(**values: Any) -> Row | None:
        return await db.first(statement.bind(**values))

    return count

"""MySQL's and MariaDB's spelling of insert-or-update on the short-lived state.

Not to be run inside a transaction: some of it takes two statements.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from piccolo.querystring import QueryString

from identra.db.statement import Duplicate, Param

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.db.engine import Database
    from identra.db.statement import Row


def keep(db: Database) -> Callable[..., Awaitable[bool]]:
    """Store whatever is there."""
    statement = db.prepare(
        QueryString(
            "{} ON DUPLICATE KEY UPDATE value = {}, count = 0, expires_at = {}",
            _insert(db, Param("value"), QueryString("0")),
            Param("value"),
            _end(db),
        )
    )

    async def store(**values: Any) -> bool:
        await db.change(statement.bind(**values))
        return True

    return store


def keep_absent(db: Database) -> Callable[..., Awaitable[bool]]:
    """Take the place of what has expired, else be the first: one statement decides each.

    An insert that finds a row counts 1 here whether or not it changes that row, so that its
    count can't tell.
    """
    renew = db.prepare(
        QueryString(
            "UPDATE identra_state SET value = {}, count = 0, expires_at = {}"
            " WHERE id = {} AND expires_at <= {}",
            Param("value"),
            _end(db),
            Param("id"),
            db.now(),
        )
    )
    insert = db.prepare(_insert(db, Param("value"), QueryString("0")))

    async def store(**values: Any) -> bool:
        try:
            return bool(
                await db.change(renew.bind(**values)) or await db.change(insert.bind(**values))
            )
        except Duplicate:
            return False

    return store


def tally(db: Database) -> Callable[..., Awaitable[Row | None]]:
    """Count, and read the row while it is still locked: there is no RETURNING."""
    by = QueryString("CAST({} AS SIGNED)", Param("by"))
    # Assignments run in order and see those before: the end of the window comes last.
    add = db.prepare(
        QueryString(
            "{} ON DUPLICATE KEY UPDATE value = '',"
            " count = CASE WHEN expires_at > {} THEN count + {} ELSE {} END,"
            " expires_at = CASE WHEN expires_at > {} THEN expires_at ELSE {} END",
            _insert(db, QueryString("''"), by),
            db.now(),
            by,
            by,
            db.now(),
            _end(db),
        )
    )
    read = db.prepare(
        QueryString(
            "SELECT count AS tally, GREATEST(expires_at - {}, 1) AS remains"
            " FROM identra_state WHERE id = {}",
            db.now(),
            Param("id"),
        )
    )

    async def count(**values: Any) -> Row | None:
        await db.change(add.bind(**values))
        return await db.first(read.bind(id=values["id"]))

    return lambda **values: db.transact(partial(count, **values))


def _insert(db: Database, value: Any, count: QueryString) -> QueryString:
    return QueryString(
        "INSERT INTO identra_state (id, value, count, expires_at) VALUES ({}, {}, {}, {})",
        Param("id"),
        value,
        count,
        _end(db),
    )


def _end(db: Database) -> QueryString:
    return QueryString("{} + CAST({} AS SIGNED)", db.now(), Param("life"))

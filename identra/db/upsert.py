"""Insert-or-update on the short-lived state, one atomic statement each.

Standard SQL has no common spelling for it, so these live with the dialects. Both are spelled as
SQLite and PostgreSQL have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from piccolo.querystring import QueryString

from identra.db.statement import Param

if TYPE_CHECKING:
    from identra.db.engine import Database
    from identra.db.statement import Statement


def keep(db: Database, *, only_absent: bool) -> Statement:
    """Store `value` under `id` for `life` microseconds; affects one row if it was stored."""
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
    return db.prepare(query)


def tally(db: Database) -> Statement:
    """Add `by` to the counter `id`, open for `life` microseconds from its first count.

    Gives one row: `tally`, and `remains` in microseconds.
    """
    return db.prepare(
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

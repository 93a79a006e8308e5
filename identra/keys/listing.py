"""Reading the ring's rows without opening them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.keys.nouns import KeyRow

if TYPE_CHECKING:
    from identra.db import Database


async def list_keys(db: Database) -> tuple[KeyRow, ...]:
    """Every key of the ring, newest first, without its private part."""
    t = db.tables.keys
    rows = await db.fetch(t.select(*_columns(t)).order_by(t.created_at, ascending=False))
    return tuple(read_row(row) for row in rows)


def read_row(row: dict[str, Any]) -> KeyRow:
    """What an operator may see of a row."""
    seen = {name: row[name] for name in KeyRow.__dataclass_fields__ if name != "kid"}
    return KeyRow(row["id"], **seen)


def _columns(t: Any) -> tuple[Any, ...]:
    return (
        t.id,
        t.purpose,
        t.algorithm,
        t.state,
        t.sealed_by,
        t.created_at,
        t.changed_at,
        t.signs_from,
        t.lives,
    )

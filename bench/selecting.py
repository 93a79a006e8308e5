"""One select by primary key as Piccolo does it out of the box, through its own engine.

On PostgreSQL alone: its engine for SQLite opens a connection for each query.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from piccolo.engine.postgres import PostgresEngine

from identra.db import tables
from identra.db.binding import bind
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CONNECTIONS = 8


async def opened(place: str) -> Callable[[], Awaitable[dict[str, Any] | None]]:
    """What selects a user who is there; `place` is `[persistence]` as JSON, without a password."""
    settings = Persistence.model_validate_json(place)
    users: Any = bind(tables.User, await _engine(settings))  # type: ignore[arg-type]
    found = await users.select().first()
    return partial(_select, users, found["id"])


async def _select(users: Any, user_id: str) -> dict[str, Any] | None:
    row: dict[str, Any] | None = await users.select().where(users.id == user_id).first()
    return row


async def _engine(place: Persistence) -> PostgresEngine:
    where = {"host": place.host, "port": place.port, "user": place.user, "database": place.name}
    engine = PostgresEngine(where)
    await engine.start_connection_pool(min_size=CONNECTIONS, max_size=CONNECTIONS)
    return engine

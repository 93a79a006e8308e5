"""Another program's database, only to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.db.binding import Binding
from identra.db.drivers import open_database
from identra.db.engine import Database

if TYPE_CHECKING:
    from identra.settings import Persistence


async def open_theirs(settings: Persistence) -> Database:
    """Open it as it is: a SQLite file is neither made nor set up. Raises as `open_database`."""
    if settings.driver != "sqlite":
        return await open_database(settings)
    from identra.db import sqlite

    return Database(
        await sqlite.open_theirs(settings.name), Binding("sqlite", sqlite.VERSION), None
    )

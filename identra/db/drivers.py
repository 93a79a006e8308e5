"""Opening a database by the driver that the settings name.

Each driver is imported where it is opened: only those who need a package miss it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from identra.db.binding import Binding
from identra.db.engine import Database
from identra.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.db.statement import Engine
    from identra.settings import Persistence
    from identra.values import Clock


async def open_database(settings: Persistence, *, clock: Clock | None = None) -> Database:
    """Open the database that the settings name; nothing in it is changed.

    `clock` replaces the database's own, for tests. Raises OperatorError, naming the key, for
    settings that can't work, and StoreUnavailable when the database can't be reached.
    """
    engine, binding = await _OPENING[settings.driver](settings)
    return Database(engine, binding, clock)


async def _open_sqlite(settings: Persistence) -> tuple[Engine, Binding]:
    from identra.db import sqlite

    return await sqlite.open_file(settings.name), Binding("sqlite", sqlite.VERSION)


async def _open_postgres(settings: Persistence) -> tuple[Engine, Binding]:
    with _driver("asyncpg", settings):
        from identra.db import postgres
    engine = await postgres.open_pool(settings, "postgres")
    return engine, Binding("postgres", engine.version)


async def _open_cockroach(settings: Persistence) -> tuple[Engine, Binding]:
    with _driver("asyncpg", settings):
        from identra.db import postgres
    engine = await postgres.open_pool(settings, "cockroach")
    return engine, Binding("cockroach", engine.version)


async def _open_mysql(settings: Persistence) -> tuple[Engine, Binding]:
    with _driver("asyncmy", settings):
        from identra.db import mysql
    # Piccolo knows no MySQL; what it writes for a SQLite too old for RETURNING is understood.
    return await mysql.open_pool(settings), Binding("sqlite", 3.0)


@contextmanager
def _driver(package: str, settings: Persistence) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise OperatorError(
            f"persistence.driver: {settings.driver} needs the package {package}, which is not"
            f" installed; run `pip install {package}`"
        ) from error


_OPENING = {
    "sqlite": _open_sqlite,
    "postgres": _open_postgres,
    "cockroach": _open_cockroach,
    "mysql": _open_mysql,
}

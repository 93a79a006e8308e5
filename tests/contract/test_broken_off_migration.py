"""A migration that is killed, or finds a table held, leaves no half of a step for ever."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nextrelease import EXPANDS, NEXT, told, upgrade
from piccolo.querystring import QueryString

from identra.db import catalogue, open_database
from identra.db.migrations import migrate, standing
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.db import Database
    from identra.settings import Persistence

MIGRATOR = """
import asyncio, sys
from nextrelease import upgrade
from identra.settings import Persistence
asyncio.run(upgrade(Persistence.model_validate_json(sys.stdin.read())))
"""
IN_THE_WAY = "SELECT id FROM identra_sessions"
"""Within a transaction it holds this table as it is; the step comes to it after another."""

WAITS = {
    "postgres": "SELECT COUNT(*) > 0 AS waits FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mariadb": "SELECT COUNT(*) > 0 AS waits FROM information_schema.processlist"
    " WHERE db = DATABASE() AND state LIKE '%metadata lock%'",
}
GONE = {
    "postgres": "SELECT COUNT(*) = 0 AS gone FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "mariadb": "SELECT IS_FREE_LOCK(CONCAT('identra.', SHA1(DATABASE()))) AS gone",
}


@asynccontextmanager
async def migrating(
    place: Persistence, program: str = MIGRATOR
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The next release's migration in a process of its own, killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=subprocess.PIPE, cwd=Path(__file__).parents[1]
    )
    assert process.stdin
    process.stdin.write(told(place).encode())
    process.stdin.close()
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def until(db: Database, asking: str) -> None:
    """Until the server says so."""
    async with asyncio.timeout(20):
        while not next(iter((await db.fetch(QueryString(asking)))[0].values())):  # noqa: ASYNC110 - a server sends no word by itself
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("persistence", ["postgres", "mysql"], indirect=True)
async def test_a_killed_migration_is_undone_or_taken_up(persistence: Persistence) -> None:
    db = await open_database(persistence)
    before = await catalogue.read(db)
    async with db.transaction(patient=True):
        await db.fetch(QueryString(IN_THE_WAY))
        async with migrating(persistence):
            other = await open_database(persistence)
            await until(other, WAITS[db.dialect])
            halfway = await catalogue.read(other)
    await until(other, GONE[db.dialect])
    found = await catalogue.read(db)
    if db.dialect == "postgres":
        assert found == halfway == before
    else:
        assert before["identra_users"] != halfway["identra_users"] == found["identra_users"]
    assert (await standing(db, NEXT)).pending == (EXPANDS,)
    assert await migrate(db, NEXT) == [EXPANDS]
    assert (await standing(db, NEXT)).pending == ()
    for each in (db, other):
        await each.close()


@pytest.mark.parametrize("persistence", ["postgres", "mysql"], indirect=True)
async def test_a_table_that_somebody_holds_is_not_waited_for_at_the_cost_of_all(
    persistence: Persistence,
) -> None:
    db = await open_database(persistence)
    async with db.transaction(patient=True):
        await db.fetch(QueryString(IN_THE_WAY))
        with pytest.raises(StoreUnavailable, match=r"(?i)lock"):
            await upgrade(persistence)
        other = await open_database(persistence)
        assert await other.fetch(QueryString(IN_THE_WAY)) == [], "nobody waits"
        await other.close()
    assert await migrate(db, NEXT) == [EXPANDS]
    await db.close()


SLOW = """
import asyncio, sys
from identra.db.migrations import STEPS, Step
from identra.db.schema import Column, Fill, words
from identra.settings import Persistence
from nextrelease import upgrade
numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT MAX(x) FROM n"
changes = (
    Column("identra_users", words("tongue", 16, default="en")),
    Column("identra_users", words("motto", 16, null=True)),
    Fill("identra_users", "motto", f"({numbers})"),
)
step = Step(STEPS[-1].number + 1, "never ends", needs=1, changes=changes)
asyncio.run(upgrade(Persistence.model_validate_json(sys.stdin.read()), [*STEPS, step]))
"""


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_killed_migration_of_sqlite_is_undone(persistence: Persistence) -> None:
    db = await open_database(persistence)
    users = db.tables.users
    await db.change(users.insert(users(id="a", created_at=1)))
    before = await catalogue.read(db)
    async with migrating(persistence, SLOW):
        await asyncio.to_thread(_until_locked, persistence.name)
    assert await catalogue.read(db) == before
    assert await migrate(db, NEXT) == [EXPANDS]
    await db.close()


def _until_locked(name: str) -> None:
    """Until another process has been writing for a moment: it has come to what never ends."""
    with sqlite3.connect(name, isolation_level=None, timeout=0) as connection:
        locked = 0
        end = time.monotonic() + 20
        while locked < 5:
            assert time.monotonic() < end
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                locked = 0
            except sqlite3.OperationalError:
                locked += 1
            time.sleep(0.05)
    connection.close()

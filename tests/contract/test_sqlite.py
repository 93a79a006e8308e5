"""What only a file shared by processes can do to us."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from piccolo.querystring import QueryString

from identra.db import open_database
from identra.errors import OperatorError, StoreUnavailable
from identra.settings import Persistence

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", [":memory:", "file:x?mode=memory"])
async def test_sqlite_wants_a_file(name: str) -> None:
    with pytest.raises(OperatorError, match=r"persistence\.name"):
        await open_database(Persistence(driver="sqlite", name=name))


async def test_the_sqlite_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "made" / "identra.db"
    db = await open_database(Persistence(name=str(path)))
    await db.change(QueryString("CREATE TABLE t (a INTEGER)"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    await db.close()


async def test_a_sqlite_file_held_by_another_process_is_waited_for_then_unavailable(
    tmp_path: Path,
) -> None:
    db = await open_database(Persistence(name=str(tmp_path / "identra.db")))
    await db.change(QueryString("CREATE TABLE t (a INTEGER)"))
    insert = QueryString("INSERT INTO t VALUES (1)")
    with closing(sqlite3.connect(tmp_path / "identra.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(db.change(insert))
        await asyncio.sleep(0.3)
        assert await db.fetch(QueryString("SELECT a FROM t")) == []
        other.execute("COMMIT")
        assert await writing == 1
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await db.change(insert)
        assert time.monotonic() - began < 3.5
        with pytest.raises(StoreUnavailable):
            async with db.transaction():
                pass
        other.execute("ROLLBACK")
    assert await db.change(insert) == 1
    await db.close()


WRITER = """
import asyncio, sys
from piccolo.querystring import QueryString
from identra.db import open_database
from identra.settings import Persistence
async def main():
    db = await open_database(Persistence(name=sys.argv[1]))
    add = QueryString("UPDATE t SET a = a + 1")
    async def transact():
        async with db.transaction():
            await db.fetch(QueryString("SELECT a FROM t"))
            await db.change(add)
    await asyncio.gather(*(transact() if n % 2 else db.change(add) for n in range(100)))
    await db.close()
asyncio.run(main())
"""


async def test_processes_writing_one_file_all_get_their_turn(tmp_path: Path) -> None:
    """None starves, none fails halfway, nothing is lost."""
    path = str(tmp_path / "identra.db")
    db = await open_database(Persistence(name=path))
    await db.change(QueryString("CREATE TABLE t (a INTEGER)"))
    await db.change(QueryString("INSERT INTO t VALUES (0)"))
    writers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, path) for _ in range(3)
    ]
    assert [await writer.wait() for writer in writers] == [0, 0, 0]
    assert await db.fetch(QueryString("SELECT a FROM t")) == [{"a": 300}]
    await db.close()


async def test_what_is_committed_outlives_a_killed_process(tmp_path: Path) -> None:
    path = str(tmp_path / "identra.db")
    db = await open_database(Persistence(name=path))
    await db.change(QueryString("CREATE TABLE t (a INTEGER)"))
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, path, stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout
    assert await writer.stdout.readline() == b"committed 1, not 2\n"
    writer.kill()
    await writer.wait()
    assert await db.fetch(QueryString("SELECT a FROM t")) == [{"a": 1}]
    assert await db.change(QueryString("INSERT INTO t VALUES (3)")) == 1
    await db.close()


KILLED = """
import asyncio, sys
from piccolo.querystring import QueryString
from identra.db import open_database
from identra.settings import Persistence
async def main():
    db = await open_database(Persistence(name=sys.argv[1]))
    await db.change(QueryString("INSERT INTO t VALUES (1)"))
    async with db.transaction():
        await db.change(QueryString("INSERT INTO t VALUES (2)"))
        print("committed 1, not 2", flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_file_that_another_process_is_just_setting_up_is_waited_for(
    tmp_path: Path,
) -> None:
    name = str(tmp_path / "identra.db")
    other = sqlite3.connect(name, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    opening = asyncio.create_task(open_database(Persistence(driver="sqlite", name=name)))
    done, _ = await asyncio.wait([opening], timeout=0.2)
    assert not done
    other.execute("ROLLBACK")
    other.close()
    db = await opening
    await db.ping()
    await db.close()

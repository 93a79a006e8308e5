"""A transaction is all or nothing, one task's own, alike on every database."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from identra.db import Duplicate

if TYPE_CHECKING:
    from identra.db import Database


class Oops(Exception):
    """Any failure inside a transaction."""


def person(db: Database, name: str) -> object:
    users = db.tables.users
    return users.insert(users(id=name, created_at=1))


async def people(db: Database) -> list[str]:
    users = db.tables.users
    return [row["id"] for row in await db.fetch(users.select(users.id).order_by(users.id))]


async def test_a_transaction_lasts_as_a_whole(database: Database) -> None:
    async with database.transaction():
        await database.change(person(database, "a"))
        assert await people(database) == ["a"]
        await database.change(person(database, "b"))
    assert await people(database) == ["a", "b"]


async def test_an_error_inside_undoes_all_of_it(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction():
            await database.change(person(database, "a"))
            raise Oops

    with pytest.raises(Oops):
        await fail()
    assert await people(database) == []


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancelled_transaction_is_wholly_done_or_undone(
    database: Database, steps: int
) -> None:
    async def both() -> None:
        async with database.transaction():
            await database.change(person(database, "a"))
            await database.change(person(database, "b"))

    task = asyncio.create_task(both())
    for _ in range(steps):
        await asyncio.sleep(0.0005 if steps % 2 else 0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await database.change(person(database, "c"))
    assert await people(database) in (["c"], ["a", "b", "c"])


async def test_a_transaction_cancelled_while_waiting_inside_is_undone(database: Database) -> None:
    inside = asyncio.Event()

    async def stay() -> None:
        async with database.transaction():
            await database.change(person(database, "a"))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await people(database) == []
    await database.change(person(database, "b"))


async def test_transactions_do_not_nest(database: Database) -> None:
    async def nest() -> None:
        async with database.transaction():
            await database.change(person(database, "a"))
            async with database.transaction():
                pass

    with pytest.raises(RuntimeError, match="nest"):
        await nest()
    assert await people(database) == []


async def test_a_duplicate_inside_loses_the_transaction_and_says_so(database: Database) -> None:
    """PostgreSQL would undo all and call it a commit; SQLite would keep what came before."""

    async def collide() -> None:
        async with database.transaction():
            await database.change(person(database, "b"))
            await database.change(person(database, "a"))

    async def swallow() -> None:
        async with database.transaction():
            await database.change(person(database, "b"))
            with pytest.raises(Duplicate):
                await database.change(person(database, "a"))
            with pytest.raises(RuntimeError, match="failed"):
                await people(database)

    await database.change(person(database, "a"))
    with pytest.raises(Duplicate):
        await collide()
    with pytest.raises(RuntimeError, match="swallowed"):
        await swallow()
    assert await people(database) == ["a"]


async def test_a_task_started_inside_a_transaction_has_no_part_in_it(database: Database) -> None:
    """It can't slip a statement in between; once the transaction is over it is on its own."""
    over = asyncio.Event()

    async def meddle() -> None:
        await database.change(person(database, "b"))

    async def follow() -> None:
        await over.wait()
        await database.change(person(database, "c"))

    async with database.transaction():
        await database.change(person(database, "a"))
        with pytest.raises(RuntimeError, match="inside a transaction"):
            await asyncio.create_task(meddle())
        following = asyncio.create_task(follow())
    over.set()
    await following
    assert await people(database) == ["a", "c"]


async def test_others_do_not_see_what_is_not_committed(database: Database) -> None:
    seen: list[list[str]] = []
    written, looked = asyncio.Event(), asyncio.Event()

    async def look() -> None:
        await written.wait()
        seen.append(await people(database))
        looked.set()

    looking = asyncio.create_task(look())
    async with database.transaction():
        await database.change(person(database, "a"))
        written.set()
        await looked.wait()
    await looking
    assert seen == [[]]


async def test_what_waits_for_a_commit_happens_after_it_and_never_after_an_undoing(
    database: Database,
) -> None:
    """Metrics count what became true, once, however often its transaction was begun."""
    done: list[str] = []
    async with database.transaction():
        database.once_lasting(lambda: done.append("lasts"))
        assert done == []
    assert done == ["lasts"]
    with suppress(ZeroDivisionError):
        async with database.transaction():
            database.once_lasting(lambda: done.append("undone"))
            raise ZeroDivisionError
    database.once_lasting(lambda: done.append("by itself"))
    assert done == ["lasts", "by itself"]

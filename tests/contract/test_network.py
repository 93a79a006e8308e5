"""What only a server across a network can do to us."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
import servers
from cable import Cable

from identra.db import Overtaken, open_database
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.db import Database
    from identra.settings import Persistence


pytestmark = pytest.mark.parametrize("persistence", ["postgres", "mysql"], indirect=True)


@pytest.fixture
def place(persistence: Persistence) -> Persistence:
    return persistence


@pytest.fixture
async def cable(place: Persistence) -> AsyncIterator[Cable]:
    async with Cable.to(place.host, place.port or 5432) as laid:
        yield laid


def by(cable: Cable, place: Persistence) -> Persistence:
    return place.model_copy(update={"host": "127.0.0.1", "port": cable.port})


async def test_ended_connections_are_replaced_without_a_restart(place: Persistence) -> None:
    db = await open_database(place)
    await asyncio.gather(*(db.ping() for _ in range(5)))
    await servers.end_all(place)
    await asyncio.sleep(0.1)
    await asyncio.gather(*(db.ping() for _ in range(5)))
    await db.close()


async def test_a_connection_lost_inside_a_transaction_undoes_it(place: Persistence) -> None:
    db = await open_database(place)
    users = db.tables.users

    async def lose() -> None:
        async with db.transaction():
            await db.change(users.insert(users(id="a", created_at=1)))
            await servers.end_all(place)
            await db.change(users.insert(users(id="b", created_at=1)))

    with pytest.raises(StoreUnavailable):
        await lose()
    assert await db.fetch(users.select()) == []
    await db.close()


async def test_a_server_that_is_down_is_unavailable_and_found_again(
    place: Persistence, cable: Cable
) -> None:
    db = await open_database(by(cable, place))
    users = db.tables.users
    cable.cut()
    for _ in range(2):
        with pytest.raises(StoreUnavailable) as caught:
            await db.change(users.insert(users(id="a", created_at=1)))
        assert caught.value.retry_after == 1
        with pytest.raises(StoreUnavailable):
            async with db.transaction():
                await db.ping()
    with pytest.raises(StoreUnavailable):
        await open_database(by(cable, place))
    cable.mend()
    assert await db.change(users.insert(users(id="a", created_at=1))) == 1
    await db.close()


async def test_a_server_that_falls_silent_is_given_up_in_time(
    place: Persistence, cable: Cable
) -> None:
    db = await open_database(by(cable, place))
    cable.deaden()
    for asked in (db.ping(), db.ping()):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await asked
        assert time.monotonic() - began < 4
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await open_database(by(cable, place))
    assert time.monotonic() - began < 4
    cable.mend()
    await db.ping()
    await db.close()


async def test_who_waits_no_longer_for_a_silent_server_is_let_go_at_once(
    place: Persistence, cable: Cable
) -> None:
    """Else a request would overrun its deadline by what tidying up takes."""
    db = await open_database(by(cable, place))
    cable.deaden()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await db.ping()
    assert time.monotonic() - began < 0.8
    cable.mend()
    await db.ping()
    await db.close()


async def test_when_every_connection_is_in_use_the_next_waits_a_second(
    place: Persistence,
) -> None:
    db = await open_database(place)
    leave = asyncio.Event()
    inside = asyncio.Semaphore(0)

    async def stay() -> None:
        async with db.transaction():
            inside.release()
            await leave.wait()

    staying = [asyncio.create_task(stay()) for _ in range(10)]
    for _ in staying:
        await inside.acquire()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await db.ping()
    assert 0.9 < time.monotonic() - began < 2
    leave.set()
    await asyncio.gather(*staying)
    await db.ping()
    await db.close()


async def test_a_database_that_is_not_there_is_named(
    place: Persistence,
) -> None:
    wrong = place.model_copy(update={"name": "identra_nowhere"})
    with pytest.raises(StoreUnavailable, match="identra_nowhere"):
        await open_database(wrong)


async def test_transactions_that_block_each_other_are_both_done(place: Persistence) -> None:
    db = await open_database(place)
    users = db.tables.users
    await db.change(users.insert(*(users(id=name, created_at=0) for name in "ab")))
    turns: list[str] = []

    async def cross(first: str, second: str, met: asyncio.Event, meets: asyncio.Event) -> None:
        turns.append(first)
        await db.change(_counted(db, first))
        met.set()
        await meets.wait()
        await db.change(_counted(db, second))

    here, there = asyncio.Event(), asyncio.Event()
    await asyncio.gather(
        db.transact(lambda: cross("a", "b", here, there)),
        db.transact(lambda: cross("b", "a", there, here)),
    )
    assert len(turns) == 3, "the one that was undone began again"
    rows = await db.fetch(users.select(users.created_at))
    assert [row["created_at"] for row in rows] == [2, 2]
    await db.close()


async def test_a_transaction_that_was_undone_for_anothers_sake_says_so(place: Persistence) -> None:
    db = await open_database(place)
    users = db.tables.users
    await db.change(users.insert(*(users(id=name, created_at=0) for name in "ab")))
    here, there = asyncio.Event(), asyncio.Event()

    async def cross(first: str, second: str, met: asyncio.Event, meets: asyncio.Event) -> None:
        async with db.transaction():
            await db.change(_counted(db, first))
            met.set()
            await meets.wait()
            await db.change(_counted(db, second))

    ended = await asyncio.gather(
        cross("a", "b", here, there), cross("b", "a", there, here), return_exceptions=True
    )
    (undone,) = [end for end in ended if end is not None]
    assert isinstance(undone, Overtaken)
    assert isinstance(undone, StoreUnavailable)
    assert undone.retry_after == 1
    rows = await db.fetch(users.select(users.created_at))
    assert [row["created_at"] for row in rows] == [1, 1]
    await db.close()


def _counted(db: Database, name: str) -> object:
    users = db.tables.users
    return users.update({users.created_at: users.created_at + 1}).where(users.id == name)

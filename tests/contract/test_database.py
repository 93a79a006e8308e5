"""What the rooms rely on holds on every database alike."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from piccolo.querystring import QueryString
from piccolo.table import TABLE_REGISTRY

from identra.db import Duplicate, Param, open_database
from identra.errors import Internal, StoreUnavailable

if TYPE_CHECKING:
    from clock import FrozenClock

    from identra.db import Database
    from identra.settings import Persistence


def person(db: Database, name: str) -> object:
    users = db.tables.users
    return users.insert(users(id=name, created_at=1))


async def people(db: Database) -> list[str]:
    users = db.tables.users
    return [row["id"] for row in await db.fetch(users.select(users.id).order_by(users.id))]


async def test_change_tells_how_many_rows_it_affected(database: Database) -> None:
    users = database.tables.users
    assert await database.change(users.insert(*(users(id=n, created_at=1) for n in "abc"))) == 3
    assert await database.change(users.update({users.created_at: 2}).where(users.id != "a")) == 2
    assert await database.change(users.update({users.created_at: 2}).where(users.id == "x")) == 0
    assert await database.change(users.delete().where(users.created_at == 2)) == 2
    assert await people(database) == ["a"]


async def test_a_change_to_what_is_there_already_counts_what_it_found(database: Database) -> None:
    users = database.tables.users
    await database.change(person(database, "a"))
    same = users.update({users.created_at: 1}).where(users.id == "a")
    assert await database.change(same) == 1


async def test_a_number_is_never_taken_for_words(database: Database) -> None:
    """MySQL compares words with a number as numbers: `id = 0` is true of most of them."""
    users = database.tables.users
    for name in ("abc", "00", "0e9"):
        await database.change(person(database, name))
    ask = database.prepare(users.select(users.id).where(users.id == Param("id")))
    asking = QueryString("SELECT id FROM identra_users WHERE id = {}", 0)
    for query in (asking, users.select(users.id).where(users.id == 0), ask.bind(id=0)):
        try:
            assert await database.fetch(query) == []
        except Internal:
            assert database.dialect == "postgres", "which refuses to compare them at all"


async def test_numbers_are_exact_to_the_last_of_64_bits(database: Database) -> None:
    users = database.tables.users
    largest = 2**63 - 1
    for n in range(3):
        await database.change(users.insert(users(id=f"u{n}", created_at=largest - n)))
    found = await database.fetch(users.select(users.id).where(users.created_at == largest - 1))
    assert found == [{"id": "u1"}]
    found = await database.fetch(users.select(users.id).where(users.created_at > largest - 1))
    assert found == [{"id": "u0"}]


async def test_a_change_of_all_rows_must_be_meant(database: Database) -> None:
    with pytest.raises(Exception, match="all rows"):
        await database.change(database.tables.users.update({"created_at": 2}))


async def test_of_20_who_insert_one_row_one_does(database: Database) -> None:
    did = await asyncio.gather(
        *(database.change(person(database, "a")) for _ in range(20)), return_exceptions=True
    )
    assert did.count(1) == 1
    assert sum(isinstance(answer, Duplicate) for answer in did) == 19


async def test_of_20_who_compare_and_set_one_wins(database: Database) -> None:
    users = database.tables.users
    await database.change(person(database, "a"))
    won = await asyncio.gather(
        *(
            database.change(
                users.update({users.created_at: n}).where(
                    (users.id == "a") & (users.created_at == 1)
                )
            )
            for n in range(10, 30)
        )
    )
    assert sum(won) == 1
    row = await database.first(users.select(users.created_at))
    assert row == {"created_at": 10 + won.index(1)}


async def test_concurrent_transactions_that_read_and_write_lose_nothing(
    database: Database,
) -> None:
    """A read-modify-write guarded by compare-and-set, begun again when it lost."""
    users = database.tables.users
    await database.change(person(database, "a"))

    async def add() -> None:
        changed = 0
        while not changed:
            async with database.transaction():
                row = await database.first(users.select(users.created_at))
                assert row
                seen = row["created_at"]
                changed = await database.change(
                    users.update({users.created_at: seen + 1}).where(users.created_at == seen)
                )

    await asyncio.gather(*(add() for _ in range(10)))
    assert await database.first(users.select(users.created_at)) == {"created_at": 11}


async def test_a_cancelled_caller_never_leaves_its_answer_to_another(database: Database) -> None:
    await database.change(database.tables.users.insert(*_many(database, 10)))
    users = database.tables.users

    async def ask(name: str) -> str | None:
        row = await database.first(users.select(users.id).where(users.id == name))
        return row["id"] if row else None

    for i in range(100):
        asking = asyncio.create_task(ask(f"u{i % 10}"))
        for _ in range(i % 5):
            await asyncio.sleep(0)
        asking.cancel()
        got = await asyncio.gather(*(ask(f"u{n}") for n in range(10)))
        assert got == [f"u{n}" for n in range(10)]


def _many(db: Database, count: int) -> list[object]:
    return [db.tables.users(id=f"u{n}", created_at=1) for n in range(count)]


async def test_cancelled_callers_use_no_connection_up(database: Database) -> None:
    for i in range(40):
        asking = asyncio.create_task(database.change(person(database, f"u{i}")))
        await asyncio.sleep(0.0002 * (i % 5))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    await asyncio.gather(*(database.ping() for _ in range(20)))
    await database.change(person(database, "last"))


async def test_words_are_compared_as_bytes(database: Database) -> None:
    emails = database.tables.emails
    await database.change(person(database, "a"))
    spellings = ["victim@x", "VICTIM@x", "víctim@x", "v\u0069\u0301ctim@x", "victim@x ", "ﬀ", "ff"]
    for email in spellings:
        await database.change(emails.insert(emails(email=email, user_id="a", created_at=1)))
    for email in spellings:
        found = await database.fetch(emails.select(emails.email).where(emails.email == email))
        assert found == [{"email": email}]
    ordered = await database.fetch(emails.select(emails.email).order_by(emails.email))
    assert [row["email"] for row in ordered] == sorted(spellings, key=str.encode)


async def test_long_values_come_back_whole_and_too_long_words_are_refused(
    database: Database,
) -> None:
    events = database.tables.events
    data = "é😀" * 100_000
    await database.change(events.insert(events(id="e", at=2**62, name="n" * 32, data=data)))
    assert await database.first(events.select(events.at, events.data)) == {
        "at": 2**62,
        "data": data,
    }
    with pytest.raises(Internal):
        await database.change(events.insert(events(id="f", at=1, name="n" * 33, data="")))


async def test_a_missing_value_or_user_is_our_fault_not_the_stores(database: Database) -> None:
    emails = database.tables.emails
    with pytest.raises(Internal):
        await database.change(emails.insert(emails(email="e", user_id="none", created_at=1)))
    users = database.tables.users
    await database.change(person(database, "a"))
    with pytest.raises(Internal):
        await database.change(users.update({users.created_at: None}).where(users.id == "a"))


async def test_deleting_a_user_deletes_what_is_hers(database: Database) -> None:
    tables = database.tables
    await database.change(person(database, "a"))
    await database.change(tables.emails.insert(tables.emails(email="e", user_id="a", created_at=1)))
    await database.change(tables.users.delete().where(tables.users.id == "a"))
    assert await database.fetch(tables.emails.select()) == []


async def test_a_prepared_statement_takes_its_values_by_name(database: Database) -> None:
    users = database.tables.users
    await database.change(users.insert(*_many(database, 3)))
    find = database.prepare(users.select(users.id).where(users.id == Param("id")))
    assert await database.first(find.bind(id="u1")) == {"id": "u1"}
    assert await database.first(find.bind(id="u9")) is None
    for wrong in ({}, {"id": "u1", "more": 1}, {"name": "u1"}):
        with pytest.raises(TypeError):
            find.bind(**wrong)


async def test_a_turned_clock_is_read_when_a_statement_runs(
    database: Database, clock: FrozenClock
) -> None:
    users = database.tables.users
    stamp = database.prepare(
        users.update({users.created_at: database.now(), users.last_login_at: database.now()})
        .where(users.id == Param("id"))
    )  # fmt: skip
    await database.change(person(database, "a"))
    for _ in range(2):
        clock.advance(1)
        await database.change(stamp.bind(id="a"))
        row = await database.first(users.select(users.created_at, users.last_login_at))
        assert row == {"created_at": clock(), "last_login_at": clock()}
    assert await database.instant() == clock()


async def test_the_databases_own_clock_is_unix_microseconds(persistence: Persistence) -> None:
    db = await open_database(persistence)
    users = db.tables.users
    before = time.time_ns() // 1000
    instant = await db.instant()
    await db.change(
        users.insert(users(id="a", created_at=db.now(), last_login_at=db.now()))
    )  # fmt: skip
    row = await db.first(users.select(users.created_at, users.last_login_at))
    assert row
    assert row["created_at"] == row["last_login_at"], "one instant all through a statement"
    assert before - 5_000_000 < instant <= row["created_at"] < before + 60_000_000
    await db.close()


async def test_a_closed_database_is_unavailable(persistence: Persistence) -> None:
    db = await open_database(persistence)
    await db.close()
    for asked in (db.ping(), db.change(person(db, "a"))):
        with pytest.raises(StoreUnavailable):
            await asked
    with pytest.raises(StoreUnavailable):
        async with db.transaction():
            pass


async def test_opening_many_databases_leaves_nothing_behind(persistence: Persistence) -> None:
    before = len(TABLE_REGISTRY)
    for _ in range(3):
        await (await open_database(persistence)).close()
    assert len(TABLE_REGISTRY) == before


async def test_piccolo_itself_runs_nothing(database: Database) -> None:
    """A query that is awaited would miss the transaction, the limits and the errors."""
    with pytest.raises(RuntimeError, match="Database"):
        await database.tables.users.select()


ENDLESS_COUNT = """SELECT * FROM
(WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) SELECT count(a) FROM n) AS endless
"""
ENDLESS = {"sqlite": ENDLESS_COUNT, "postgres": ENDLESS_COUNT, "mysql": "SELECT SLEEP(60)"}


async def test_a_statement_that_takes_too_long_is_cut_off(persistence: Persistence) -> None:
    db = await open_database(persistence)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await db.fetch(QueryString(ENDLESS[persistence.driver]))
    assert time.monotonic() - began < 3.5
    await db.ping()
    await db.close()

"""The schema is made once, by whoever comes first, and never over somebody else's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from piccolo.querystring import QueryString

from identra.db import open_database
from identra.db.migrations import LEDGER, STEPS, SchemaError, migrate, pending
from identra.db.schema import statements

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from piccolo.columns import Column

    from identra.db import Database
    from identra.db.schema import Shape
    from identra.settings import Persistence


@pytest.fixture
async def blank(empty: Persistence) -> AsyncIterator[Database]:
    db = await open_database(empty)
    yield db
    await db.close()


async def names(db: Database) -> set[str]:
    asking = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgres": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
        "mariadb": "SELECT table_name AS name FROM information_schema.tables"
        " WHERE table_schema = DATABASE()",
    }[db.dialect]
    return {row["name"] for row in await db.fetch(QueryString(asking))}


async def test_migrating_takes_every_step_once(blank: Database) -> None:
    assert [step.number for step in await pending(blank)] == [step.number for step in STEPS]
    assert await names(blank) == set(), "asking changes nothing"
    assert await migrate(blank) == list(STEPS)
    assert await pending(blank) == []
    assert await migrate(blank) == []


async def test_the_migrated_schema_is_the_one_the_tables_speak_of(blank: Database) -> None:
    await migrate(blank)
    shapes = {shape.name: shape for step in STEPS for shape in step.shapes} | {LEDGER.name: LEDGER}
    tables = {table._meta.tablename: table for table in blank.tables.every()}
    assert await names(blank) == set(shapes) == set(tables)
    for name, table in tables.items():
        assert _declared(shapes[name]) == [_spoken(column) for column in table._meta.columns]
        assert await blank.fetch(table.select()) == [] or name == LEDGER.name
        assert _indexed(shapes[name]) == {
            c._meta.name for c in table._meta.columns if c._meta.index
        }


def _declared(shape: Shape) -> list[tuple[str, str, int, bool, bool]]:
    return [
        (field.name, field.kind, field.length, field.null, field is shape.fields[0])
        for field in shape.fields
    ]


def _spoken(column: Column) -> tuple[str, str, int, bool, bool]:
    kinds = {"Varchar": "words", "Text": "text", "BigInt": "bigint", "Integer": "integer"}
    return (
        column._meta.db_column_name,
        kinds[type(column).__name__],
        getattr(column, "length", 0),
        column._meta.null,
        column._meta.primary_key,
    )


def _indexed(shape: Shape) -> set[str]:
    return set(shape.indexes)


async def test_unique_once_is_in_the_schema_itself(blank: Database) -> None:
    await migrate(blank)
    asking = {
        "sqlite": 'SELECT count(*) AS n FROM pragma_index_list({}) WHERE "unique" = 1'
        " AND origin = 'u'",
        "postgres": "SELECT count(*) AS n FROM pg_constraint"
        " WHERE contype = 'u' AND conrelid = to_regclass({})",
        "mariadb": "SELECT count(*) AS n FROM information_schema.table_constraints"
        " WHERE table_schema = DATABASE() AND constraint_type = 'UNIQUE' AND table_name = {}",
    }[blank.dialect]
    for step in STEPS:
        for shape in step.shapes:
            found = await blank.first(QueryString(asking, shape.name))
            assert found == {"n": len(shape.unique)}, shape.name


async def test_a_migration_interrupted_anywhere_is_taken_up_again(blank: Database) -> None:
    """MySQL can't undo a change of schema: what was made before a crash is there after it."""
    shapes = [LEDGER, *(shape for step in STEPS for shape in step.shapes)]
    made = [sql for shape in shapes for sql in statements(blank.dialect, shape)]
    for done in range(len(made)):
        for sql in made[:done]:
            await blank.change(QueryString(sql))
        assert await migrate(blank) == list(STEPS)
        assert await pending(blank) == []
        for shape in reversed(shapes):
            await blank.change(QueryString(f'DROP TABLE "{shape.name}"'))


async def test_migrators_in_one_process_take_each_step_once(empty: Persistence) -> None:
    opened = [await open_database(empty) for _ in range(4)]
    taken = await asyncio.gather(*(migrate(db) for db in opened))
    assert sorted(len(steps) for steps in taken) == [0, 0, 0, len(STEPS)]
    for db in opened:
        await db.close()


MIGRATOR = """
import asyncio, sys
from identra.db import open_database
from identra.db.migrations import migrate
from identra.settings import Persistence
async def main():
    db = await open_database(Persistence.model_validate_json(sys.argv[1]))
    sys.stdin.read()
    print(len(await migrate(db)))
    await db.close()
asyncio.run(main())
"""


def _migrator(settings: Persistence) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATOR, settings.model_dump_json()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


async def test_processes_that_start_at_once_take_each_step_once(empty: Persistence) -> None:
    settings = empty.model_copy(update={"password": None})
    if empty.password is not None:
        pytest.skip("the server wants a password, which is no argument of a program")
    processes = [_migrator(settings) for _ in range(3)]
    for process in processes:
        assert process.stdin
        process.stdin.close()
        process.stdin = None
    said = [await asyncio.to_thread(process.communicate) for process in processes]
    assert sorted(int(out) for out, _ in said) == [0, 0, len(STEPS)]


async def test_a_step_broken_off_leaves_nothing_and_is_taken_again(blank: Database) -> None:
    foreign = STEPS[0].shapes[-1].name
    await blank.change(QueryString(f'CREATE TABLE "{foreign}" (ours INTEGER)'))
    with pytest.raises(SchemaError):
        await migrate(blank)
    assert await names(blank) == {foreign}
    await blank.change(QueryString(f'DROP TABLE "{foreign}"'))
    assert await migrate(blank) == list(STEPS)


@pytest.mark.parametrize("name", ["identra_users", "identra_migrations"])
async def test_a_foreign_table_of_our_name_stops_it_in_one_line(blank: Database, name: str) -> None:
    await blank.change(QueryString(f'CREATE TABLE "{name}" (theirs INTEGER)'))
    with pytest.raises(SchemaError, match=name) as caught:
        await migrate(blank)
    assert "\n" not in str(caught.value)
    assert await names(blank) == {name}


async def test_tables_of_others_are_left_alone(blank: Database) -> None:
    await blank.change(QueryString("CREATE TABLE users (theirs INTEGER)"))
    await migrate(blank)
    assert "users" in await names(blank)


async def test_a_database_newer_than_this_release_stops_it(blank: Database) -> None:
    await migrate(blank)
    ledger = blank.tables.migrations
    await blank.change(ledger.insert(ledger(number=9999, name="later", applied_at=1)))
    for asked in (pending(blank), migrate(blank)):
        with pytest.raises(SchemaError, match="newer release"):
            await asked


async def test_a_history_that_is_not_ours_stops_it(blank: Database) -> None:
    await migrate(blank)
    ledger = blank.tables.migrations
    await blank.change(ledger.update({ledger.name: "other"}).where(ledger.number == 1))
    with pytest.raises(SchemaError, match="other"):
        await pending(blank)

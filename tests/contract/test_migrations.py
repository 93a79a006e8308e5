"""The schema is made once, by whoever comes first, and never over somebody else's."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest
from nextrelease import AFTER_NEXT, CONTRACTS, EXPANDS, NEXT, told
from piccolo.querystring import QueryString

from identra.db import catalogue, open_database
from identra.db.migrations import LEDGER, STEPS, SchemaError, Step, migrate, plan_of, standing
from identra.db.migrations.ledger import Taken
from identra.db.schema import Column, Fill, Index, NoColumn, NoTable, Shape, statements, words
from identra.db.statement import Bound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from piccolo import columns

    from identra.db import Database
    from identra.db.migrations.plan import Plan
    from identra.settings import Persistence

SHAPES = {
    change.name: change for step in STEPS for change in step.changes if isinstance(change, Shape)
}


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
    assert (await standing(blank)).pending == STEPS
    assert (await plan_of(blank)).steps
    assert await names(blank) == set(), "asking changes nothing"
    assert await migrate(blank) == list(STEPS)
    assert (await standing(blank)).pending == (await plan_of(blank)).steps == ()
    assert await migrate(blank) == []


async def test_the_migrated_schema_is_the_one_the_tables_speak_of(blank: Database) -> None:
    await migrate(blank)
    shapes = _declared_by(STEPS)
    tables = {table._meta.tablename: table for table in blank.tables.every()}
    assert await names(blank) == set(shapes) == set(tables)
    for name, table in tables.items():
        assert shapes[name] == [_spoken(column) for column in table._meta.columns]
        assert await blank.fetch(table.select()) == [] or name == LEDGER.name
        assert _indexed_by(STEPS, name) == {
            c._meta.name for c in table._meta.columns if c._meta.index
        }


_Declared = tuple[str, str, int, bool, bool]


def _declared_by(steps: Sequence[Step]) -> dict[str, list[_Declared]]:
    """The columns of every table once the steps are taken."""
    tables = {LEDGER.name: _declared(LEDGER)}
    for change in [change for step in steps for change in step.changes]:
        match change:
            case Shape():
                tables[change.name] = _declared(change)
            case Column(table, field):
                tables[table].append((field.name, field.kind, field.length, field.null, False))
            case NoColumn(table, name):
                tables[table] = [column for column in tables[table] if column[0] != name]
            case NoTable(table):
                del tables[table]
    return tables


def _indexed_by(steps: Sequence[Step], table: str) -> set[str]:
    """The columns of a table that have an index of their own once the steps are taken."""
    changes = [change for step in steps for change in step.changes if change.table == table]
    made = {name for change in changes if isinstance(change, Shape) for name in change.indexes}
    added = [change.fields for change in changes if isinstance(change, Index)]
    later = {fields[0] for fields in added if len(fields) == 1}
    return made | later


def _declared(shape: Shape) -> list[_Declared]:
    return [
        (field.name, field.kind, field.length, field.null, field is shape.fields[0])
        for field in shape.fields
    ]


def _spoken(column: columns.Column) -> _Declared:
    kinds = {"Varchar": "words", "Text": "text", "BigInt": "bigint", "Integer": "integer"}
    return (
        column._meta.db_column_name,
        kinds[type(column).__name__],
        getattr(column, "length", 0),
        column._meta.null,
        column._meta.primary_key,
    )


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
    for shape in SHAPES.values():
        found = await blank.first(QueryString(asking, shape.name))
        assert found == {"n": len(shape.unique)}, shape.name


@pytest.mark.parametrize("end", [NEXT, AFTER_NEXT], ids=["next", "after next"])
async def test_a_migration_interrupted_anywhere_is_taken_up_again(
    blank: Database, end: tuple[Step, ...]
) -> None:
    """MySQL can't undo a change of schema: what was made before a crash is there after it."""
    await migrate(blank, end[:-1])
    made = _without_fills(await plan_of(blank, end))
    for done in range(len(made)):
        assert _without_fills(await plan_of(blank, end)) == made[done:]
        await blank.change(Bound(made[done], ()))
    assert (await standing(blank, end)).pending == ()


@pytest.mark.parametrize("done", [1, 5, 8])
async def test_what_is_left_of_an_interrupted_step_is_done(blank: Database, done: int) -> None:
    await migrate(blank)
    made = _without_fills(await plan_of(blank, NEXT))
    for sql in made[:done]:
        await blank.change(Bound(sql, ()))
    assert await migrate(blank, NEXT) == [EXPANDS]
    assert await migrate(blank, AFTER_NEXT) == [CONTRACTS]


def _without_fills(plan: Plan) -> list[str]:
    """Its statements, but for those that are repeated until their step is noted."""
    said = [sql for planned in plan.steps for sql in planned.statements]
    return [sql for sql in said if not sql.startswith("UPDATE")]


async def test_a_column_filled_from_one_that_goes_is_not_filled_again_once_that_is_gone(
    blank: Database,
) -> None:
    """The statement would fail at every further try, and the step never be taken."""
    changes = (
        Column("identra_users", words("motto", 64, null=True)),
        Fill("identra_users", "motto", '"disabled_reason"'),
        NoColumn("identra_users", "disabled_reason"),
    )
    moves = Step(STEPS[-1].number + 1, "moves", needs=STEPS[-1].number + 1, changes=changes)
    await migrate(blank)
    (planned,) = (await plan_of(blank, (*STEPS, moves))).steps
    assert len(planned.statements) == 4
    for sql in planned.statements[:3]:
        await blank.change(Bound(sql, ()))
    assert await migrate(blank, (*STEPS, moves)) == [moves]


async def test_the_first_step_interrupted_anywhere_is_taken_up_again(blank: Database) -> None:
    shapes = [LEDGER, *SHAPES.values()]
    made = [sql for shape in shapes for sql in statements(blank.dialect, shape)]
    for done in range(len(made)):
        for sql in made[:done]:
            await blank.change(QueryString(sql))
        assert await migrate(blank) == list(STEPS)
        assert (await standing(blank)).pending == ()
        for shape in reversed(shapes):
            await blank.change(QueryString(f'DROP TABLE "{shape.name}"'))


async def test_migrators_in_one_process_take_each_step_once(empty: Persistence) -> None:
    opened = [await open_database(empty) for _ in range(4)]
    taken = await asyncio.gather(*(migrate(db) for db in opened))
    assert sorted(step.number for steps in taken for step in steps) == [s.number for s in STEPS]
    for db in opened:
        await db.close()


MIGRATOR = """
import asyncio, sys
from identra.settings import Persistence
from nextrelease import upgrade
place = Persistence.model_validate_json(sys.stdin.read())
print(len(asyncio.run(upgrade(place))))
"""


async def _say(process: asyncio.subprocess.Process, place: Persistence) -> int:
    out, _ = await process.communicate(told(place).encode())
    return int(out)


async def test_processes_that_start_at_once_take_each_step_once(empty: Persistence) -> None:
    starting = (
        asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATOR, stdin=PIPE, stdout=PIPE, cwd=Path(__file__).parents[1]
        )
        for _ in range(3)
    )
    processes = await asyncio.gather(*starting)
    taken = await asyncio.gather(*(_say(process, empty) for process in processes))
    assert sum(taken) == len(NEXT)


async def test_a_step_broken_off_leaves_nothing_and_is_taken_again(blank: Database) -> None:
    foreign = list(SHAPES)[-1]
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


async def test_a_database_newer_than_this_release_is_worked_with_as_long_as_it_says_so(
    blank: Database,
) -> None:
    assert await migrate(blank, NEXT) == list(NEXT)
    found = await standing(blank)
    assert (found.pending, str(found.newer)) == ((), str(EXPANDS))
    assert await migrate(blank) == []
    assert await migrate(blank, AFTER_NEXT) == [CONTRACTS]
    before = await catalogue.read(blank)
    for asking in (standing, migrate, plan_of):
        with pytest.raises(SchemaError, match="newer release") as caught:
            await asking(blank)
        assert "\n" not in str(caught.value)
    assert await catalogue.read(blank) == before
    assert (await standing(blank, NEXT)).pending == (), "the one that knows the step works on"


@pytest.mark.parametrize(
    ("number", "name"), [(1, "other"), (len(STEPS) + 2, "gap")], ids=["another name", "a gap"]
)
async def test_a_history_that_is_not_ours_stops_it(blank: Database, number: int, name: str) -> None:
    await migrate(blank)
    ledger = blank.tables.migrations
    await blank.change(ledger.delete().where(ledger.number == number))
    await blank.change(ledger.insert(ledger(number=number, name=name, needs=1, applied_at=1)))
    with pytest.raises(SchemaError, match=name):
        await standing(blank)


async def test_later_steps_make_what_they_say_on_fresh_and_on_old_databases_alike(
    blank: Database,
) -> None:
    for steps in (STEPS, NEXT, AFTER_NEXT):
        await migrate(blank, steps)
    grown = await catalogue.read(blank)
    for table in ("identra_emails", "identra_identities", "identra_credentials"):
        await blank.change(QueryString(f'DROP TABLE "{table}"'))
    for table in sorted(set(grown), key=lambda name: name == "identra_users"):
        await blank.change(QueryString(f'DROP TABLE IF EXISTS "{table}"'))
    assert await migrate(blank, AFTER_NEXT) == list(AFTER_NEXT)
    assert await catalogue.read(blank) == grown
    assert {name: found.names for name, found in grown.items()} == {
        name: {column[0] for column in declared}
        for name, declared in _declared_by(AFTER_NEXT).items()
    }


COLLISIONS = {
    'ALTER TABLE "identra_sessions" ADD COLUMN "theirs" INTEGER': (
        'ALTER TABLE "identra_sessions" DROP COLUMN "theirs"'
    ),
    'ALTER TABLE "identra_users" ADD COLUMN "tongue" VARCHAR(8)': (
        'ALTER TABLE "identra_users" DROP COLUMN "tongue"'
    ),
    'CREATE TABLE "identra_pets" ("theirs" INTEGER)': 'DROP TABLE "identra_pets"',
}
"""Others' columns and tables where the next release makes its own, and how they go again."""


async def test_a_collision_with_a_new_column_or_table_stops_it_having_changed_nothing(
    blank: Database,
) -> None:
    await migrate(blank)
    for collision, undo in COLLISIONS.items():
        await blank.change(QueryString(collision))
        before = await catalogue.read(blank)
        with pytest.raises(SchemaError, match="did not make"):
            await migrate(blank, NEXT)
        assert await catalogue.read(blank) == before
        await blank.change(QueryString(undo))
    assert await migrate(blank, NEXT) == [EXPANDS]


async def test_a_lost_table_is_told_and_not_made_again(blank: Database) -> None:
    await migrate(blank)
    await blank.change(QueryString('DROP TABLE "identra_events"'))
    with pytest.raises(SchemaError, match="lost its table identra_events"):
        await migrate(blank, NEXT)


async def test_an_index_of_our_name_elsewhere_is_not_taken_for_ours(blank: Database) -> None:
    await migrate(blank)
    await blank.change(QueryString("CREATE TABLE theirs (motto INTEGER)"))
    await blank.change(QueryString('CREATE INDEX "identra_users_motto_once" ON theirs (motto)'))
    if blank.dialect == "mariadb":  # there an index's name is its table's own
        assert await migrate(blank, NEXT) == [EXPANDS]
        return
    with pytest.raises(SchemaError, match="has a name of ours"):
        await migrate(blank, NEXT)
    assert (await standing(blank, NEXT)).pending == (EXPANDS,)


async def test_rows_that_are_there_twice_stop_a_unique_index(blank: Database) -> None:
    await migrate(blank)
    t = blank.tables.events
    rows = [t(id=key, at=1, name="same", user_id=None, data="{}") for key in "ab"]
    await blank.change(t.insert(*rows))
    once = Step(
        len(STEPS) + 1, "once", needs=1, changes=(Index("identra_events", ("name",), unique=True),)
    )
    with pytest.raises(SchemaError, match="twice"):
        await migrate(blank, [*STEPS, once])
    await blank.change(t.delete().where(t.id == "b"))
    assert await migrate(blank, [*STEPS, once]) == [once]


async def test_a_step_that_fails_leaves_those_before_it_taken(blank: Database) -> None:
    await migrate(blank)
    t = blank.tables.events
    rows = [t(id=key, at=1, name="same", user_id=None, data="{}") for key in "ab"]
    await blank.change(t.insert(*rows))
    once = Step(
        len(NEXT) + 1, "once", needs=1, changes=(Index("identra_events", ("name",), unique=True),)
    )
    with pytest.raises(SchemaError, match="twice"):
        await migrate(blank, [*NEXT, once])
    assert (await standing(blank, [*NEXT, once])).pending == (once,)


async def test_the_ledger_says_when_a_step_was_taken(blank: Database) -> None:
    await migrate(blank)
    ledger = blank.tables.migrations
    (row,) = await blank.fetch(ledger.select(ledger.applied_at).where(ledger.number == 1))
    assert abs(row["applied_at"] - await blank.instant()) < 60_000_000


async def test_a_step_without_changes_marks_a_release(blank: Database) -> None:
    mark = Step(len(STEPS) + 1, "marks", needs=1, changes=())
    assert await migrate(blank, [*STEPS, mark]) == [*STEPS, mark]
    assert (await standing(blank)).newer == Taken(len(STEPS) + 1, "marks", 1)


@pytest.mark.parametrize("empty", ["postgres"], indirect=True)
async def test_cockroachdb_gets_each_statement_by_itself_and_a_broken_off_step_is_taken_up(
    empty: Persistence,
) -> None:
    """PostgreSQL in its place: it understands what CockroachDB is told, and shows what is kept."""
    db = await open_database(empty.model_copy(update={"driver": "cockroach"}))
    assert await migrate(db) == list(STEPS)
    t = db.tables.events
    rows = [t(id=key, at=1, name="same", user_id=None, data="{}") for key in "ab"]
    await db.change(t.insert(*rows))
    changes = (
        Column("identra_events", words("place", 9, default="here")),
        Index("identra_events", ("name", "place"), unique=True),
    )
    later = [*STEPS, Step(len(STEPS) + 1, "later", needs=1, changes=changes)]
    with pytest.raises(SchemaError, match="twice"):
        await migrate(db, later)
    assert [len(each.statements) for each in (await plan_of(db, later)).steps] == [2]
    await db.change(t.delete().where(t.id == "b"))
    assert await migrate(db, later) == later[-1:]
    assert await migrate(db, later) == []
    await db.close()

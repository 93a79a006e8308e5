"""The schema's history: numbered steps, taken in order, never back, by one process at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from piccolo.querystring import QueryString

from identra.db.migrations import m0001_initial
from identra.db.overtaken import Overtaken
from identra.db.schema import Field, Shape, instant, statements, words
from identra.db.statement import Duplicate
from identra.errors import OperatorError, StoreUnavailable

if TYPE_CHECKING:
    from identra.db.engine import Database

LEDGER = Shape(
    "identra_migrations",
    (Field("number", "integer"), words("name", 100), instant("applied_at")),
)
_MYSQL_LOCK = "SELECT GET_LOCK(CONCAT('identra.', SHA1(DATABASE())), 50) AS had"
LOCKS = {
    "postgres": "SELECT pg_advisory_xact_lock(1958522) IS NOT NULL AS had",
    "mysql": _MYSQL_LOCK,
    "mariadb": _MYSQL_LOCK,
}
"""Takes our lock among those of everything else on a shared server, until the transaction ends.

SQLite has one writer anyway, and CockroachDB undoes the later of two.
"""
TURNS = 3

_STANDARD = (
    "SELECT column_name AS name FROM information_schema.columns"
    " WHERE table_schema = {schema} AND table_name = {{}}"
)
_COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info({})",
    "postgres": _STANDARD.format(schema="current_schema()"),
    "cockroach": _STANDARD.format(schema="current_schema()"),
    "mysql": _STANDARD.format(schema="DATABASE()"),
    "mariadb": _STANDARD.format(schema="DATABASE()"),
}


class SchemaError(OperatorError):
    """The schema can't be brought to where this release needs it: what is wrong, and what to do.

    Its text is one line for the operator.
    """


@dataclass(frozen=True, slots=True)
class Step:
    """One migration."""

    number: int
    name: str
    shapes: tuple[Shape, ...]


STEPS = (Step(m0001_initial.NUMBER, m0001_initial.NAME, m0001_initial.SHAPES),)


async def pending(db: Database) -> list[Step]:
    """Tell the steps not yet taken, in order; change nothing.

    Raises SchemaError when the database is newer than this release or holds a foreign table.
    """
    names = await columns_of(db, LEDGER.name)
    if not names:
        return list(STEPS)
    _demand_ours(LEDGER, names)
    ledger = db.tables.migrations
    rows = await db.fetch(ledger.select(ledger.number, ledger.name).order_by(ledger.number))
    taken = {row["number"]: row["name"] for row in rows}
    _demand_known(taken)
    return [step for step in STEPS if step.number not in taken]


async def migrate(db: Database) -> list[Step]:
    """Take every pending step and tell which were taken here.

    All of them or none, but on MySQL and MariaDB, which can't undo a change of schema: there an
    interrupted step is taken up where it was left. Any number of processes may migrate at once:
    one takes the steps, the others find them taken. Raises SchemaError as `pending` does, having
    changed nothing.
    """
    for _ in range(TURNS):
        if not await pending(db):
            return []
        try:
            async with db.transaction(patient=True):
                return await _migrate(db)
        except (Duplicate, Overtaken):
            continue
    raise StoreUnavailable("others are migrating", retry_after=1)


async def _migrate(db: Database) -> list[Step]:
    if db.dialect in LOCKS:
        (lock,) = await db.fetch(QueryString(LOCKS[db.dialect]))
        if not lock["had"]:
            raise StoreUnavailable("another process is migrating and holds the lock", retry_after=1)
    steps = await pending(db)
    shapes = [shape for step in steps for shape in step.shapes]
    for shape in shapes:
        if names := await columns_of(db, shape.name):
            _demand_ours(shape, names)
    for shape in (LEDGER, *shapes):
        for statement in statements(db.dialect, shape):
            await db.change(QueryString(statement))
    ledger = db.tables.migrations
    for step in steps:
        now = await db.instant()
        taken = ledger(number=step.number, name=step.name, applied_at=now)
        await db.change(ledger.insert(taken))
    return steps


async def columns_of(db: Database, table: str) -> set[str]:
    """Tell the columns of the table of that name; none if there is no such table."""
    return {row["name"] for row in await db.fetch(QueryString(_COLUMNS[db.dialect], table))}


def _demand_ours(shape: Shape, names: set[str]) -> None:
    if names != {field.name for field in shape.fields}:
        raise SchemaError(
            f"the database has a table {shape.name} that Identra did not make;"
            " rename it, or give Identra a database (persistence.name) of its own"
        )


def _demand_known(taken: dict[int, str]) -> None:
    known = {step.number: step.name for step in STEPS}
    for number, name in taken.items():
        if number > STEPS[-1].number:
            raise SchemaError(
                f"the database is at step {number} ({name}), made by a newer release than this"
                f" one, which knows {STEPS[-1].number}; start that release"
            )
        if known.get(number) != name:
            raise SchemaError(
                f"the database took step {number} as {name!r}, here it is {known.get(number)!r};"
                " give Identra a database (persistence.name) of its own"
            )

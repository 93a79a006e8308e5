"""The schema's history: numbered steps, taken in order, never back, by one process at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from piccolo.querystring import QueryString

from identra.db.migrations import m0001_initial
from identra.db.schema import Field, Shape, instant, statements, words
from identra.errors import OperatorError

if TYPE_CHECKING:
    from identra.db.engine import Database

LEDGER = Shape(
    "identra_migrations",
    (Field("number", "integer"), words("name", 100), instant("applied_at")),
)
LOCK = 0x1DE27A
"""Names our advisory lock among those of everything else in a shared PostgreSQL database."""


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
    """Take every pending step and tell which were taken here; all of them, or none.

    Any number of processes may do so at once: one takes them, the others find them taken.
    Raises SchemaError as `pending` does, having changed nothing.
    """
    if not await pending(db):
        return []
    async with db.transaction(patient=True):
        if db.dialect == "postgres":
            await db.fetch(QueryString("SELECT pg_advisory_xact_lock({})", LOCK))
        steps = await pending(db)
        await _create(db, LEDGER)
        for step in steps:
            await _take(db, step)
    return steps


async def _take(db: Database, step: Step) -> None:
    for shape in step.shapes:
        names = await columns_of(db, shape.name)
        if names:
            _demand_ours(shape, names)
        await _create(db, shape)
    ledger = db.tables.migrations
    await db.change(
        ledger.insert(ledger(number=step.number, name=step.name, applied_at=await db.instant()))
    )


async def _create(db: Database, shape: Shape) -> None:
    for statement in statements(db.dialect, shape):
        await db.change(QueryString(statement))


async def columns_of(db: Database, table: str) -> set[str]:
    """Tell the columns of the table of that name; none if there is no such table."""
    asking = {
        "sqlite": "SELECT name FROM pragma_table_info({})",
        "postgres": "SELECT column_name AS name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = {}",
    }[db.dialect]
    return {row["name"] for row in await db.fetch(QueryString(asking, table))}


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

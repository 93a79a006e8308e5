"""The schema's history: numbered steps, taken in order, never back, by one process at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from piccolo.querystring import QueryString

from identra.db import catalogue
from identra.db.migrations import ledger, m0001_initial, plan
from identra.db.migrations.ledger import LEDGER, SchemaError, Standing
from identra.db.migrations.step import Step
from identra.db.overtaken import Overtaken
from identra.db.statement import Bound, Duplicate
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeAlias

    from identra.db.engine import Database
    from identra.db.migrations.plan import Plan, Planned

    Run: TypeAlias = Callable[[str], Awaitable[None]]

__all__ = [
    "LEDGER",
    "STEPS",
    "SchemaError",
    "Standing",
    "Step",
    "demand_workable",
    "migrate",
    "plan_from_nothing",
    "plan_of",
    "standing",
]

_MYSQL_LOCK = "SELECT GET_LOCK(CONCAT('identra.', SHA1(DATABASE())), 50) AS had"
LOCKS = {
    "postgres": "SELECT pg_advisory_xact_lock(1958522) IS NOT NULL AS had",
    "mysql": _MYSQL_LOCK,
    "mariadb": _MYSQL_LOCK,
}
"""Takes our lock among those of everything else on a shared server, until the transaction ends.

SQLite has one writer anyway.
"""
APART = frozenset({"cockroach"})
"""CockroachDB has no such lock, and wants each change of schema to be a transaction of its own:
every statement may be repeated there, and the ledger says who was first."""
TURNS = 3

STEPS = (m0001_initial.STEP,)


async def standing(db: Database, steps: Sequence[Step] = STEPS) -> Standing:
    """Tell where the database is beside these steps; change nothing.

    Raises SchemaError for a ledger that is not ours, and for a schema that is too new for a
    release of these steps.
    """
    names = await catalogue.columns_of(db, LEDGER.name)
    plan.demand_ledger({LEDGER.name: catalogue.Found(frozenset(names))})
    return ledger.judge(steps, await ledger.read(db) if names else [])


async def demand_workable(db: Database, steps: Sequence[Step] = STEPS) -> None:
    """Ask, in one query, whether a release of these steps can work with a migrated database still.

    Raises SchemaError if not, StoreUnavailable.
    """
    ledger.judge(steps, await ledger.read(db))


async def plan_of(db: Database, steps: Sequence[Step] = STEPS) -> Plan:
    """Every statement that the database lacks; change nothing.

    Raises SchemaError as `standing` does, and for a foreign table in the way.
    """
    found = await catalogue.read(db)
    plan.demand_ledger(found)
    taken = await ledger.read(db) if LEDGER.name in found else []
    return plan.make(db.dialect, steps, ledger.judge(steps, taken).pending, found)


def plan_from_nothing(dialect: str, steps: Sequence[Step] = STEPS) -> Plan:
    """Every statement that an empty database lacks."""
    return plan.make(dialect, steps, steps, {})


async def migrate(db: Database, steps: Sequence[Step] = STEPS) -> list[Step]:
    """Take every pending step and tell which were taken here.

    All of them or none on SQLite and PostgreSQL; the others can't undo a change of schema: there
    an interrupted step is taken up where it was left. Any number of processes may migrate at
    once: one takes the steps, the others find them taken. Raises SchemaError as `plan_of` does,
    having changed nothing, and where the rows that are there forbid a step.
    """
    taken: list[Step] = []
    for _ in range(TURNS):
        if not (await standing(db, steps)).pending:
            return taken
        try:
            await _migrate(db, steps, taken)
        except (_Noted, Overtaken):
            continue
        return taken
    raise StoreUnavailable("others are migrating", retry_after=1)


class _Noted(Exception):
    """Another process has taken the step meanwhile."""


async def _migrate(db: Database, steps: Sequence[Step], taken: list[Step]) -> None:
    if db.dialect in APART:
        await _follow(db, steps, taken, partial(_change_apart, db))
        return
    here: list[Step] = []
    async with db.transaction(patient=True):
        await _lock(db)
        await _follow(db, steps, here, partial(_change, db))
    taken += here


async def _follow(db: Database, steps: Sequence[Step], taken: list[Step], run: Run) -> None:
    todo = await plan_of(db, steps)
    for sql in todo.ledger:
        await run(sql)
    for planned in todo.steps:
        await _take(db, planned, run)
        taken.append(planned.step)


async def _lock(db: Database) -> None:
    if db.dialect in LOCKS:
        (lock,) = await db.fetch(QueryString(LOCKS[db.dialect]))
        if not lock["had"]:
            raise StoreUnavailable("another process is migrating and holds the lock", retry_after=1)


async def _take(db: Database, planned: Planned, run: Run) -> None:
    """Change, look whether all of it is there, and only then say so in the ledger."""
    *changes, entry = planned.statements
    for sql in changes:
        await run(sql)
    plan.demand_done(db.dialect, planned.step, await catalogue.read(db))
    await run(entry)


async def _change(db: Database, sql: str) -> None:
    try:
        await db.change(Bound(sql, ()))
    except Duplicate as error:
        if sql.startswith("INSERT"):
            raise _Noted from error
        raise SchemaError(f"rows that are there twice forbid `{sql}`: keep one of each") from error


async def _change_apart(db: Database, sql: str) -> None:
    async with db.transaction(patient=True):
        await _change(db, sql)

"""The schema's history: numbered steps, taken in order, never back, by one process at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from piccolo.querystring import QueryString

from identra.db import catalogue
from identra.db.migrations import (
    ledger,
    m0001_initial,
    m0002_attempts,
    m0003_account,
    m0004_locale,
    m0005_webhooks,
    m0006_admin_keys,
    plan,
)
from identra.db.migrations.ledger import LEDGER, SchemaError, Standing
from identra.db.migrations.step import Step
from identra.db.overtaken import Overtaken
from identra.db.statement import Bound, Duplicate
from identra.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeAlias

    from identra.db.engine import Database
    from identra.db.migrations.plan import Plan

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

STEPS = (
    m0001_initial.STEP,
    m0002_attempts.STEP,
    m0003_account.STEP,
    m0004_locale.STEP,
    m0005_webhooks.STEP,
    m0006_admin_keys.STEP,
)


async def standing(db: Database, steps: Sequence[Step] = STEPS) -> Standing:
    """Tell where the database is beside these steps; change nothing.

    Raises SchemaError for a ledger that is not ours, and for a schema that is too new for a
    release of these steps.
    """
    return ledger.judge(steps, await _taken(db, await catalogue.look_at(db, LEDGER.name)))


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
    taken = await _taken(db, found.get(LEDGER.name, catalogue.ABSENT))
    return plan.make(db.dialect, steps, ledger.judge(steps, taken).pending, found)


async def _taken(db: Database, found: catalogue.Found) -> list[ledger.Taken]:
    plan.demand_ledger(db.dialect, found)
    return await ledger.read(db) if found.columns else []


def plan_from_nothing(dialect: str, steps: Sequence[Step] = STEPS) -> Plan:
    """Every statement that an empty database lacks."""
    return plan.make(dialect, steps, steps, {})


async def migrate(db: Database, steps: Sequence[Step] = STEPS) -> list[Step]:
    """Take every pending step and tell which were taken here.

    Each step is taken whole or not at all on SQLite and PostgreSQL; the others can't undo a change
    of schema: there an interrupted step is taken up where it was left. Any number of processes
    may migrate at once: one takes a step, the others find it taken. Raises SchemaError as
    `plan_of` does, having changed nothing, and where the rows that are there forbid a step;
    StoreUnavailable where somebody holds a table for longer than requests can wait.
    """
    taken: list[Step] = []
    turns = 0
    while (await standing(db, steps)).pending:
        try:
            taken += await _take_next(db, steps)
        except (_Noted, Overtaken) as error:
            turns += 1
            if turns == TURNS:
                raise StoreUnavailable("others are migrating", retry_after=1) from error
    return taken


class _Noted(Exception):
    """Another process has taken the step meanwhile."""


async def _take_next(db: Database, steps: Sequence[Step]) -> list[Step]:
    if db.dialect in APART:
        return await _take(db, await plan_of(db, steps), partial(_change_apart, db))
    async with db.transaction(patient=True):
        await _lock(db)
        return await _take(db, await plan_of(db, steps), partial(_change, db))


async def _lock(db: Database) -> None:
    """Have the migrating to ourselves, and no table for long before it is ours."""
    if db.dialect in LOCKS:
        (lock,) = await db.fetch(QueryString(LOCKS[db.dialect]))
        if not lock["had"]:
            raise StoreUnavailable("another process is migrating and holds the lock", retry_after=1)
        await db.change(Bound(plan.BRIEF[db.dialect], ()))


async def _take(db: Database, todo: Plan, run: Run) -> list[Step]:
    """Take one step: change, look whether all of it is there, and only then note it."""
    for planned in todo.steps[:1]:
        *changes, entry = planned.statements
        for sql in (*todo.ledger, *changes):
            await run(sql)
        plan.demand_done(db.dialect, planned.step, await catalogue.read(db))
        await run(entry)
    return [planned.step for planned in todo.steps[:1]]


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

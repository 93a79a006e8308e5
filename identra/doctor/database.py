"""The database: its version and schema, what we may do there, how it compares, its clock."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from piccolo.querystring import QueryString

from identra.copying import demand_whole
from identra.db.migrations import SchemaError, plan_of, standing
from identra.db.statement import Bound
from identra.doctor.finding import Kind
from identra.errors import IdentraError, OperatorError
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.db import Database
    from identra.db.migrations import Standing
    from identra.doctor.finding import Finding
    from identra.settings import Persistence
    from identra.values import Clock

READY: Final = Kind("DATABASE_READY", "ok")
NEW: Final = Kind("DATABASE_NEW", "note", "Start the service: it makes its file by itself.")
UNREACHED: Final = Kind(
    "DATABASE_UNREACHED", "error", "Look at the settings that are named, and at the server's log."
)
BEHIND: Final = Kind("SCHEMA_BEHIND", "error", "Run `identra migrate`.")
NEWER: Final = Kind(
    "SCHEMA_NEWER", "note", "Upgrade this node too: a newer release changed the tables."
)
FOREIGN: Final = Kind(
    "SCHEMA_FOREIGN", "error", "Give Identra a database (persistence.name) of its own."
)
PARTIAL: Final = Kind(
    "DATABASE_PARTIAL", "error", "Finish the copy with `identra copy`, or empty the database."
)
DENIED: Final = Kind(
    "DATABASE_PRIVILEGE",
    "error",
    "Grant SELECT, INSERT, UPDATE and DELETE on every table that begins with identra_.",
)
COLLATION: Final = Kind(
    "DATABASE_COLLATION",
    "error",
    "Restore the column as `identra migrate` makes it: addresses are compared as bytes.",
)
NO_ROOM: Final = Kind(
    "DATABASE_NO_ROOM", "error", "Make room on that disk: until then whatever writes is refused."
)
APART: Final = Kind(
    "CLOCKS_APART", "warning", "Have both machines keep their time by NTP; codes lean on it."
)
FAR_APART: Final = Kind(
    "CLOCKS_FAR_APART", "error", "Have both machines keep their time by NTP: tokens are refused."
)
KINDS: Final = (
    *(READY, NEW, UNREACHED, BEHIND, NEWER, FOREIGN, PARTIAL, DENIED, COLLATION),
    *(NO_ROOM, APART, FAR_APART),
)

NEAR: Final = 2 * SECOND
FAR: Final = 30 * SECOND
"""Clocks that are no further apart are near; beyond the other, tokens are refused."""

ENOUGH: Final = 16 << 20
"""Bytes of a disk that are few for a database which is written to."""

_VERSION: Final = {
    "sqlite": "SELECT sqlite_version() AS said",
    "postgres": "SELECT current_setting('server_version') AS said",
    "cockroach": "SELECT version() AS said",
    "mysql": "SELECT version() AS said",
    "mariadb": "SELECT version() AS said",
}
_OTHERWISE: Final = """
SELECT table_name AS place, column_name AS named, collation_name AS found
FROM information_schema.columns
WHERE table_schema = current_schema() AND left(table_name, 8) = 'identra_'
AND data_type = 'character varying' AND collation_name IS DISTINCT FROM 'C'
"""
_TRIED: Final = {
    "SELECT": 'SELECT 1 AS found FROM "{0}" WHERE 1 = 0',
    "INSERT": 'INSERT INTO "{0}" SELECT * FROM "{0}" WHERE 1 = 0',
    "UPDATE": 'UPDATE "{0}" SET "{1}" = "{1}" WHERE 1 = 0',
    "DELETE": 'DELETE FROM "{0}" WHERE 1 = 0',
}
"""Each right is asked for by a statement that meets no row."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A database that was asked. `apart` is its clock before ours, in microseconds.

    `unsure` is how far that may be wrong. `denied` are tables with what may not be done there,
    `otherwise` columns that do not compare as bytes.
    """

    dialect: str
    version: str
    standing: Standing
    apart: int
    unsure: int
    denied: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    partial: str = ""


def is_new(place: Persistence) -> bool:
    """Whether there is no file yet; looking into it would make one."""
    return place.driver == "sqlite" and not Path(place.name).exists()


def look_at_room(place: Persistence) -> Iterator[Finding]:
    """What is to be said of the disk that SQLite's file is on; another server's is out of sight."""
    if place.driver != "sqlite":
        return
    free = shutil.disk_usage(Path(place.name).resolve().parent).free
    if free < ENOUGH:
        yield NO_ROOM.of(f"{free >> 10} KiB are free where {place.name} is")


async def look(db: Database, clock: Clock) -> Seen:
    """Ask a database; nothing in it is changed. Raises SchemaError, StoreUnavailable."""
    row = await db.first(QueryString(_VERSION[db.dialect]))
    apart, unsure = await _compare_clocks(db, clock)
    found = await standing(db)
    if found.pending:
        await plan_of(db)  # another program's table in the way is what to say then
    whole = not found.pending
    return Seen(
        dialect=db.dialect,
        version=str(row["said"]) if row else "",
        standing=found,
        apart=apart,
        unsure=unsure,
        denied=await _denied(db) if whole else (),
        otherwise=await _otherwise(db),
        partial=await _part_of(db) if whole else "",
    )


def judge(seen: Seen) -> Iterator[Finding]:
    """What is to be said of a database."""
    known = f"{seen.dialect} {seen.version}".partition("\n")[0]
    if seen.standing.pending:
        lacking = ", ".join(map(str, seen.standing.pending))
        yield BEHIND.of(f"{known}: its tables lack {lacking}")
    if seen.standing.newer:
        yield NEWER.of(f"a newer release took step {seen.standing.newer}")
    if seen.partial:
        yield PARTIAL.of(seen.partial)
    for one in seen.denied:
        yield DENIED.of(one)
    for one in seen.otherwise:
        yield COLLATION.of(one)
    yield from _judge_clocks(seen)
    if not (seen.standing.pending or seen.partial or seen.denied or seen.otherwise):
        yield READY.of(f"{known}, tables up to date, all rights there")


def _judge_clocks(seen: Seen) -> Iterator[Finding]:
    beyond = abs(seen.apart) - seen.unsure
    way = "ahead of" if seen.apart > 0 else "behind"
    cause = f"the database's clock is {abs(seen.apart) / SECOND:.1f} s {way} this machine's"
    if beyond >= FAR:
        yield FAR_APART.of(cause)
    elif beyond >= NEAR:
        yield APART.of(cause)


def unreached(fault: OperatorError | IdentraError) -> Finding:
    """What is to be said of one that could not be asked."""
    if isinstance(fault, SchemaError):
        return FOREIGN.of(str(fault))
    said = fault.detail if isinstance(fault, IdentraError) else str(fault)
    return UNREACHED.of(said)


async def _compare_clocks(db: Database, clock: Clock) -> tuple[int, int]:
    before = clock()
    theirs = await db.instant()
    after = clock()
    return theirs - (before + after) // 2, (after - before) // 2 + SECOND


async def _denied(db: Database) -> tuple[str, ...]:
    denied = []
    for table in db.tables.every():
        meta = table._meta  # noqa: SLF001 - Piccolo tells a table's columns nowhere else
        key = meta.primary_key._meta.db_column_name  # noqa: SLF001 - as above
        for right, sql in _TRIED.items():
            if right == "SELECT" or table is not db.tables.migrations:
                denied += await _tried(db, right, sql.format(meta.tablename, key), meta.tablename)
    return tuple(denied)


async def _tried(db: Database, right: str, sql: str, table: str) -> list[str]:
    ask = db.fetch if right == "SELECT" else db.change
    try:
        await ask(Bound(sql, ()))
    except IdentraError as fault:
        return [f"{right} on {table}: {fault.detail}"]
    return []


async def _otherwise(db: Database) -> tuple[str, ...]:
    if db.dialect != "postgres":  # SQLite keeps what the table says; MySQL's are seen in opening
        return ()
    rows = await db.fetch(QueryString(_OTHERWISE))
    return tuple(f"{row['place']}.{row['named']} is {row['found'] or 'default'}" for row in rows)


async def _part_of(db: Database) -> str:
    try:
        await demand_whole(db)
    except OperatorError as fault:
        return str(fault)
    except IdentraError:  # which the privileges tell
        return ""
    return ""

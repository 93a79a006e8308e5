"""Everything from one database into another, whatever engines they are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from piccolo.querystring import QueryString

from identra.db import Bound
from identra.errors import OperatorError
from identra.nodes import AFTER, PREFIX, Nodes
from identra.secret import digest
from identra.values import DAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from identra.db import Database
    from identra.db.statement import Row
    from identra.master import MasterKeys

BATCH: Final = 500
PIECE: Final = 100
"""Rows of one insert: with a longer text asyncpg would have it prepared anew each time (15 KiB)."""
MARK: Final = "copy:source"
MARK_LIVES: Final = 30 * DAY
KEPT_APART: Final = ("identra_migrations",)
SEALED: Final = frozenset({"sealed", "sealed_by"})
"""What a copy writes anew: the same key, closed by another master key."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database and the master keys that open its ring."""

    db: Database
    master: MasterKeys


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows a table has, and a checksum that does not ask for their order."""

    count: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as it is copied: its name, its columns, the first of them its key."""

    name: str
    columns: tuple[str, ...]

    @property
    def key(self) -> str:
        """The column of the primary key."""
        return self.columns[0]


class Copying:
    """Copies table by table in the order of the keys, so that it goes on where it stopped."""

    def __init__(self, source: Place, target: Place) -> None:
        self._source = source
        self._target = target
        self.sheets = tuple(_sheets(source.db))
        self._inserting: dict[tuple[Sheet, int], str] = {}
        """What is compiled once for all full pieces: thousands of places take a while."""

    async def check(self) -> None:
        """Raise OperatorError unless the source rests and the target is empty or this copy's."""
        if (await Nodes(self._source.db).live()).writing:
            raise OperatorError(
                "a node is live on this database; stop it, or start it with --read-only"
            )
        if (await Nodes(self._target.db).live()).all:
            raise OperatorError("a node is live on the other database; stop it")
        mark = await self._mark()
        if mark is None and await self._is_used():
            raise OperatorError("the other database holds an Identra of its own; copy to a new one")
        if mark not in (None, await self._name()):
            raise OperatorError("the other database holds part of a copy of something else")

    async def count(self) -> int:
        """How many rows there are to copy."""
        return sum([await _count(self._source.db, sheet) for sheet in self.sheets])

    async def run(self) -> AsyncIterator[int]:
        """Copy, telling after each batch how many rows it was. Raises StoreUnavailable."""
        await self._set_mark()
        for sheet in self.sheets:
            after = await self._go_on_after(sheet)
            if after:
                yield await _count(self._target.db, sheet)
            while rows := await _page(self._source.db, sheet, after):
                await self._write(sheet, [self._sealed_anew(row) for row in rows])
                yield len(rows)
                after = rows[-1][sheet.key]

    async def verify(self) -> None:
        """Compare both, counts and checksums. Raises OperatorError naming what differs."""
        for sheet in self.sheets:
            here, there = await asyncio.gather(
                _sum(self._source.db, sheet), _sum(self._target.db, sheet)
            )
            if here != there:
                raise OperatorError(
                    f"{sheet.name} differs: {here.count} rows here, {there.count} there; the copy"
                    " is not good, empty the other database and copy again"
                )
        await self._forget_mark()

    async def _name(self) -> str:
        """What tells this source from others: its keys."""
        t = self._source.db.tables.keys
        rows = await self._source.db.fetch(t.select(t.id).order_by(t.created_at, t.id).limit(2))
        return digest("copy source", " ".join(row["id"] for row in rows))

    async def _mark(self) -> str | None:
        return await _mark_of(self._target.db)

    async def _set_mark(self) -> None:
        if await self._mark() is None:
            t, db = self._target.db.tables.state, self._target.db
            ends = await db.instant() + MARK_LIVES
            mark = t(id=MARK, value=await self._name(), tally=0, expires_at=ends)
            await db.change(t.insert(mark))

    async def _forget_mark(self) -> None:
        t = self._target.db.tables.state
        await self._target.db.change(t.delete().where(t.id == MARK))

    async def _is_used(self) -> bool:
        used = [await _count(self._target.db, sheet) for sheet in self.sheets]
        return any(used)

    async def _go_on_after(self, sheet: Sheet) -> Any:
        db = self._target.db
        if sheet.name == db.tables.state._meta.tablename:  # noqa: SLF001 - Piccolo says it nowhere else
            await db.change(db.tables.state.delete().where(db.tables.state.id != MARK))
            return ""
        last = f'SELECT MAX("{sheet.key}") AS last FROM "{sheet.name}"'  # noqa: S608 - our own names
        row = await db.first(QueryString(last))
        return (row and row["last"]) or ""

    def _sealed_anew(self, row: Row) -> Row:
        if not row.get("sealed"):
            return row  # no key, or one whose private part was forgotten
        target = self._target.master.first
        plain = self._source.master.open(row["sealed"], row["sealed_by"])
        return row | {"sealed": target.seal(plain), "sealed_by": target.key_id}

    async def _write(self, sheet: Sheet, rows: Sequence[Row]) -> None:
        async with self._target.db.transaction(patient=True):
            for first in range(0, len(rows), PIECE):
                piece = rows[first : first + PIECE]
                given = [row[name] for row in piece for name in sheet.columns]
                await self._target.db.change(Bound(self._insert(sheet, len(piece)), given))

    def _insert(self, sheet: Sheet, count: int) -> str:
        sql = self._inserting.get((sheet, count))
        if sql is None:
            sql = self._target.db.prepare(_insert(sheet, count)).sql
            self._inserting[sheet, count] = sql
        return sql


async def demand_whole(db: Database) -> None:
    """Raise OperatorError for a database that holds part of a copy.

    Served, it would take those who did not come yet for strangers, and be of no use to the copy.
    """
    if await _mark_of(db):
        raise OperatorError(
            "the database holds part of a copy; finish it with `identra copy`, or empty it"
        )


async def _mark_of(db: Database) -> str | None:
    t = db.tables.state
    row = await db.first(t.select(t.value).where(t.id == MARK))
    return row["value"] if row else None


def _sheets(db: Database) -> list[Sheet]:
    sheets = []
    for table in db.tables.every():
        meta = table._meta  # noqa: SLF001 - Piccolo tells a table's columns nowhere else
        if meta.tablename not in KEPT_APART:
            key = meta.primary_key._meta.db_column_name  # noqa: SLF001 - as above
            others = [column._meta.db_column_name for column in meta.columns]  # noqa: SLF001 - as above
            others.remove(key)
            sheets.append(Sheet(meta.tablename, (key, *others)))
    return sheets


def _insert(sheet: Sheet, count: int) -> QueryString:
    places = ", ".join("{}" for _ in sheet.columns)
    names = ", ".join(f'"{name}"' for name in sheet.columns)
    values = ", ".join([f"({places})"] * count)
    insert = f'INSERT INTO "{sheet.name}" ({names}) VALUES {values}'  # noqa: S608 - our own names
    return QueryString(insert, *[None] * (count * len(sheet.columns)))


async def _page(db: Database, sheet: Sheet, after: Any) -> list[Row]:
    names = ", ".join(f'"{name}"' for name in sheet.columns)
    page = f'SELECT {names} FROM "{sheet.name}"{_ours(sheet)} AND "{sheet.key}" > {{}}'  # noqa: S608 - our own names
    return await db.fetch(QueryString(f'{page} ORDER BY "{sheet.key}" LIMIT {BATCH}', after))


async def _count(db: Database, sheet: Sheet) -> int:
    counting = f'SELECT COUNT(*) AS n FROM "{sheet.name}"{_ours(sheet)}'  # noqa: S608 - our own names
    async with db.transaction(patient=True):
        row = await db.first(QueryString(counting))
    return int(row["n"]) if row else 0


async def _sum(db: Database, sheet: Sheet) -> Sum:
    count, checksum, after = 0, 0, ""
    names = [name for name in sheet.columns if name not in SEALED]
    while rows := await _page(db, sheet, after):
        for row in rows:
            told = json.dumps([row[name] for name in names], separators=(",", ":"))
            checksum = (checksum + int(digest(sheet.name, told), 16)) % 2**256
        count, after = count + len(rows), rows[-1][sheet.key]
    return Sum(count, checksum)


def _ours(sheet: Sheet) -> str:
    """All rows, but of the short-lived state none that speaks of nodes and copies."""
    if sheet.name != "identra_state":
        return " WHERE 1 = 1"
    return f" WHERE id <> '{MARK}' AND (id < '{PREFIX}' OR id >= '{AFTER}')"

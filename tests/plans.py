"""What a database is asked, and how it would run that, read from its own EXPLAIN."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from identra import nodes
from identra.db import Bound, open_database
from identra.db.migrations import STEPS
from identra.db.schema import Index, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from identra.db import Database
    from identra.db.schema import Field
    from identra.db.statement import Row
    from identra.settings import Persistence

SHAPES = {
    change.name: change for step in STEPS for change in step.changes if isinstance(change, Shape)
}
INDEXES = {
    change.name: change.fields
    for step in STEPS
    for change in step.changes
    if isinstance(change, Index)
}
BESIDE = ("identra_attempts", "identra_keys", "identra_migrations")
"""What is written and read beside the requests, now and again."""
FEW = 10
"""Rows of a MariaDB range that is a list of keys; one that is wider is read through."""


Heard: TypeAlias = "dict[str, dict[str, Sequence[Any]]]"
"""Each statement and its last values, by what was done meanwhile."""


@dataclass
class Listening:
    """The engine, or a transaction of it, and what it was asked while what was done."""

    engine: Any
    heard: Heard = field(default_factory=dict)
    doing: Callable[[], str] = lambda: "nothing"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    async def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        self._hear(sql, args)
        rows: list[Row] = await self.engine.rows(sql, args)
        return rows

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        self._hear(sql, args)
        return int(await self.engine.affected(sql, args))

    async def begin(self, *, patient: bool) -> Listening:
        return Listening(await self.engine.begin(patient=patient), self.heard, self.doing)

    def _hear(self, sql: str, args: Sequence[Any]) -> None:
        self.heard.setdefault(self.doing(), {})[sql] = args


@dataclass
class Counting:
    """How often each statement was sent, by the name of what was done meanwhile."""

    name: str = ""
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def demand_alike(self, names: Sequence[str]) -> None:
        """Fail unless the same was sent for each of these, and something was."""
        done = self.counts[names[0]]
        assert done
        assert {name: self.counts[name] for name in names} == dict.fromkeys(names, done)


@dataclass
class Counted(Listening):
    """The engine, or a transaction of it, whose statements are counted."""

    counting: Counting = field(default_factory=Counting)

    async def begin(self, *, patient: bool) -> Counted:
        return Counted(await self.engine.begin(patient=patient), counting=self.counting)

    def _hear(self, sql: str, args: Sequence[Any]) -> None:
        announcing = any(str(value).startswith(nodes.PREFIX) for value in args)
        if not announcing and not any(table in sql for table in BESIDE):
            self.counting.counts[self.counting.name][sql] += 1


@contextmanager
def counted(db: Database) -> Iterator[Counting]:
    """Count what a database is asked meanwhile."""
    engine, counting = db._engine, Counting()
    db._engine = Counted(engine, counting=counting)  # type: ignore[assignment]
    try:
        yield counting
    finally:
        db._engine = engine


@dataclass(frozen=True)
class Access:
    """How a table is reached: by which columns set equal, none where it is read through.

    `ranged` are those of an index that are bounded but not set, of which a part is read.
    """

    table: str
    columns: tuple[str, ...] = ()
    ranged: tuple[str, ...] = ()

    @property
    def once(self) -> bool:
        """Whether it is one row, or none, for each key."""
        shape = SHAPES[self.table]
        keys = [(shape.fields[0].name,), *shape.unique]
        return any(set(key) <= set(self.columns) for key in keys)


@dataclass(frozen=True)
class Plan:
    """Every table that a statement reaches, and whether what was found is sorted."""

    reached: tuple[Access, ...]
    sorts: bool


async def plans(place: Persistence, bound: Bound) -> list[Plan]:
    """How this database would run it; PostgreSQL in both of its ways."""
    if place.driver == "postgres":
        return await _of_postgres(place, bound)
    db = await open_database(place)
    try:
        asking = "EXPLAIN QUERY PLAN" if place.driver == "sqlite" else "EXPLAIN"
        rows = await db.fetch(Bound(f"{asking} {bound.sql}", bound.args))
    finally:
        await db.close()
    read = _read_sqlite if place.driver == "sqlite" else _read_mariadb
    return [read(rows, _called(bound.sql))]


def _called(sql: str) -> dict[str, str]:
    """The tables by the names that a statement gives them, and by their own."""
    others = dict(re.findall(r"(identra_\w+) AS (\w+)", sql))
    return {table: table for table in SHAPES} | {name: table for table, name in others.items()}


def _read_sqlite(rows: list[dict[str, Any]], called: dict[str, str]) -> Plan:
    said = [row["detail"] for row in rows]
    reached = [
        Access(called[found[2]], *(tuple(re.findall(rf"(\w+){sign}\?", line)) for sign in "=>"))
        for line in said
        if (found := re.match(r"(SCAN|SEARCH) (\w+)", line)) and found[2] in called
    ]
    known = len(reached) + sum(_PASSING.match(line) is not None for line in said)
    assert known == len(said), f"not understood: {said}"
    return Plan(tuple(reached), any("TEMP B-TREE" in line for line in said))


_PASSING = re.compile(
    r"SCAN (\d+ )?CONSTANT ROW|USE TEMP B-TREE|LIST SUBQUERY"
    r"|COMPOUND QUERY|LEFT-MOST SUBQUERY|UNION ALL|CORRELATED SCALAR SUBQUERY|CO-ROUTINE"
    r"|SCAN those"
)


async def _of_postgres(place: Persistence, bound: Bound) -> list[Plan]:
    """For these values, and for any: what a statement prepared once is run by later on."""
    connection = await asyncpg.connect(
        host=place.host,
        port=place.port,
        user=place.user,
        password=place.password.get_secret_value() if place.password else None,
        database=place.name,
    )
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE asked AS {bound.sql}")
        values = f"({', '.join(['NULL'] * len(bound.args))})" if bound.args else ""
        for_any = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{values}")
        for_these = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {bound.sql}", *bound.args)
    finally:
        await connection.close()
    return [_read_postgres(json.loads(said)[0]["Plan"]) for said in (for_any, for_these)]


def _read_postgres(whole: dict[str, Any]) -> Plan:
    nodes = list(_nodes(whole, None))
    scans = [(node, table) for node, table in nodes if "Scan" in node["Node Type"] and table]
    reached = [
        Access(table, *(_conditions(node.get("Index Cond", ""), sign) for sign in ("=", "[<>]=?")))
        for node, table in scans
        if node["Node Type"] not in {"Bitmap Heap Scan", "Values Scan"}
    ]
    return Plan(tuple(reached), any("Sort" in node["Node Type"] for node, _ in nodes))


def _conditions(said: str, sign: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.findall(rf"\(+(\w+)\)?(?:::text)? {sign} ", said)))


def _nodes(node: dict[str, Any], table: str | None) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Every node, with the table that it or the bitmap above it reads."""
    table = node.get("Relation Name", table)
    yield node, table
    for inner in node.get("Plans", ()):
        yield from _nodes(inner, table)


def _read_mariadb(rows: list[dict[str, Any]], called: dict[str, str]) -> Plan:
    tables = [row | {"table": called[row["table"]]} for row in rows if row["table"] in called]
    reached = [
        Access(row["table"], _bound_columns(row), _ranged_columns(row))
        for row in tables
        if row["select_type"] != "INSERT"
    ]
    extra = " ".join(row["Extra"] or "" for row in rows)
    return Plan(tuple(reached), "filesort" in extra or "temporary" in extra)


def _ranged_columns(row: dict[str, Any]) -> tuple[str, ...]:
    """Of a wide range, the columns that bound it."""
    return _used_columns(row) if row["type"] == "range" and int(row["rows"]) > FEW else ()


def _bound_columns(row: dict[str, Any]) -> tuple[str, ...]:
    """The columns of the key that are used, told by their length in bytes."""
    if row["type"] in {"ALL", "index"} or (row["type"] == "range" and int(row["rows"]) > FEW):
        return ()
    if row["key"] is None:
        assert "const" in (row["Extra"] or ""), row  # nothing was there to be read at all
        return (SHAPES[row["table"]].fields[0].name,)
    return _used_columns(row)


def _used_columns(row: dict[str, Any]) -> tuple[str, ...]:
    columns, left = [], int(row["key_len"])
    for part in _fields(row["table"], row["key"]):
        if left > 0:
            columns.append(part.name)
            left -= (4 * part.length + 2 if part.kind == "words" else 8) + part.null
    assert left == 0, row
    return tuple(columns)


def _fields(table: str, key: str) -> list[Field]:
    shape = SHAPES[table]
    named = {field.name: field for field in shape.fields}
    if key == "PRIMARY":
        return [shape.fields[0]]
    unique = {columns[0]: columns for columns in shape.unique}
    if key in unique:
        return [named[name] for name in unique[key]]
    # InnoDB's other indexes end with the primary key.
    if key in INDEXES:
        return [*(named[name] for name in INDEXES[key]), shape.fields[0]]
    return [named[key.removeprefix(f"{table}_")], shape.fields[0]]

"""What a database says of our tables: which are there, with which columns and indexes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from piccolo.querystring import QueryString

from identra.db.schema import Column, Field, Fill, Index, NoColumn, NoIndex, NoTable, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.db.engine import Database
    from identra.db.schema import Change, Kind

_STANDARD: Final = (
    "SELECT table_name AS place, column_name AS name, data_type AS kind,"
    " character_maximum_length AS length, is_nullable AS nullable"
    " FROM information_schema.columns WHERE table_schema = {schema} AND {{where}}"
)
_HERE: Final = _STANDARD.format(schema="current_schema()")
_THERE: Final = _STANDARD.format(schema="DATABASE()")
_COLUMNS: Final = {
    "sqlite": "SELECT place, name, kind, NULL AS length, nullable FROM (SELECT t.name AS place,"
    " c.name AS name, c.type AS kind,"
    " CASE c.\"notnull\" WHEN 0 THEN 'YES' ELSE 'NO' END AS nullable"
    " FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table')"
    " WHERE {where}",
    "postgres": _HERE,
    "cockroach": _HERE,
    "mysql": _THERE,
    "mariadb": _THERE,
}
_PLACE: Final = {"sqlite": "place"}

_KINDS: Final[dict[str, Kind]] = {
    "character varying": "words",
    "varchar": "words",
    "text": "text",
    "longtext": "text",
    "bigint": "bigint",
    "integer": "integer",
    "int": "integer",
}
_FOREIGN: Final = -1
"""The length of a column of a type that no table of ours has."""

_PG_INDEXES: Final = (
    "SELECT tablename AS place, indexname AS name FROM pg_indexes"
    " WHERE schemaname = current_schema() AND LEFT(tablename, 8) = 'identra_'"
)
_STATISTICS: Final = (
    "SELECT DISTINCT table_name AS place, index_name AS name FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() AND LEFT(table_name, 8) = 'identra_'"
)
_INDEXES: Final = {
    "sqlite": "SELECT tbl_name AS place, name FROM sqlite_master"
    " WHERE type = 'index' AND substr(tbl_name, 1, 8) = 'identra_'",
    "postgres": _PG_INDEXES,
    "cockroach": _PG_INDEXES,
    "mysql": _STATISTICS,
    "mariadb": _STATISTICS,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A table as it is: its columns, without their defaults, and the names of its indexes.

    One without columns is not there.
    """

    columns: frozenset[Field] = frozenset()
    indexes: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The names of its columns."""
        return frozenset(column.name for column in self.columns)


ABSENT: Final = Found()
Catalogue: TypeAlias = "Mapping[str, Found]"


async def read(db: Database) -> dict[str, Found]:
    """Every table whose name begins with `identra_`, by name."""
    place = _PLACE.get(db.dialect, "table_name")
    columns = _COLUMNS[db.dialect].format(where=f"substr({place}, 1, 8) = 'identra_'")
    found: dict[str, Found] = {}
    for row in await db.fetch(QueryString(columns)):
        table = found.get(row["place"], ABSENT)
        found[row["place"]] = replace(table, columns=table.columns | {_field(row)})
    for row in await db.fetch(QueryString(_INDEXES[db.dialect])):
        table = found.get(row["place"], ABSENT)
        found[row["place"]] = replace(table, indexes=table.indexes | {row["name"]})
    return found


async def look_at(db: Database, table: str) -> Found:
    """The columns of the table of that name; ABSENT if there is no such table."""
    place = _PLACE.get(db.dialect, "table_name")
    asking = _COLUMNS[db.dialect].format(where=f"{place} = {{}}")
    rows = await db.fetch(QueryString(asking, table))
    return Found(frozenset(_field(row) for row in rows))


def are_alike(dialect: str, one: Found, other: Found) -> bool:
    """Whether two tables have the same columns."""
    if dialect == "cockroach":  # every integer is one of 64 bits there, and told so
        return one.names == other.names
    return one.columns == other.columns


def is_done(part: Change, found: Found) -> bool:  # noqa: PLR0911 - one answer for each kind
    """Whether a table is already as one statement of a change makes it.

    What fills a column is never known to be done; it may be repeated.
    """
    match part:
        case Shape():
            return bool(found.columns)
        case Column(_, field):
            return field.name in found.names
        case Index():
            return part.name in found.indexes
        case Fill():
            return False
        case NoTable():
            return not found.columns
        case NoColumn(_, name):
            return name not in found.names
        case NoIndex(index):
            return index.name not in found.indexes


def after(part: Change, found: Found) -> Found:
    """The table as one statement of a change leaves it."""
    columns, indexes = found.columns, found.indexes
    match part:
        case Shape():
            columns = frozenset(replace(field, default=None) for field in part.fields)
            indexes = frozenset(Index(part.name, (name,)).name for name in part.indexes)
        case Column(_, field):
            columns |= {replace(field, default=None)}
        case Index():
            indexes |= {part.name}
        case Fill():
            pass
        case NoTable():
            return ABSENT
        case NoColumn(_, name):
            columns = frozenset(column for column in columns if column.name != name)
        case NoIndex(index):
            indexes -= {index.name}
    return Found(columns, indexes)


def _field(row: Mapping[str, Any]) -> Field:
    """A column as the database tells it; SQLite tells a length with the type."""
    told = re.fullmatch(r"([^(]*)(?:\((\d+)\))?", row["kind"].lower())
    kind = _KINDS.get(told[1]) if told else None
    null = row["nullable"] == "YES"
    if kind is None or told is None:
        return Field(row["name"], "text", _FOREIGN, null)
    length = int(row["length"] or told[2] or 0) if kind == "words" else 0
    return Field(row["name"], kind, length, null)

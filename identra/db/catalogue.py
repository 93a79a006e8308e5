"""What a database says of our tables: which are there, with which columns and indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from piccolo.querystring import QueryString

from identra.db.schema import Column, Fill, Index, NoColumn, NoIndex, NoTable, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.db.engine import Database
    from identra.db.schema import Change

_STANDARD: Final = (
    "SELECT table_name AS place, column_name AS name FROM information_schema.columns"
    " WHERE table_schema = {schema} AND {{where}}"
)
_HERE: Final = _STANDARD.format(schema="current_schema()")
_THERE: Final = _STANDARD.format(schema="DATABASE()")
_COLUMNS: Final = {
    "sqlite": "SELECT place, name FROM (SELECT t.name AS place, c.name AS name"
    " FROM sqlite_master AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table')"
    " WHERE {where}",
    "postgres": _HERE,
    "cockroach": _HERE,
    "mysql": _THERE,
    "mariadb": _THERE,
}
_PLACE: Final = {"sqlite": "place"}

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
    """A table as it is: the names of its columns and indexes. One without columns is not there."""

    columns: frozenset[str] = frozenset()
    indexes: frozenset[str] = frozenset()


ABSENT: Final = Found()
Catalogue: TypeAlias = "Mapping[str, Found]"


async def read(db: Database) -> dict[str, Found]:
    """Every table whose name begins with `identra_`, by name."""
    place = _PLACE.get(db.dialect, "table_name")
    columns = _COLUMNS[db.dialect].format(where=f"substr({place}, 1, 8) = 'identra_'")
    found: dict[str, tuple[set[str], set[str]]] = {}
    for index, asking in enumerate((columns, _INDEXES[db.dialect])):
        for row in await db.fetch(QueryString(asking)):
            found.setdefault(row["place"], (set(), set()))[index].add(row["name"])
    return {name: Found(frozenset(c), frozenset(i)) for name, (c, i) in found.items()}


async def columns_of(db: Database, table: str) -> set[str]:
    """Tell the columns of the table of that name; none if there is no such table."""
    place = _PLACE.get(db.dialect, "table_name")
    asking = _COLUMNS[db.dialect].format(where=f"{place} = {{}}")
    return {row["name"] for row in await db.fetch(QueryString(asking, table))}


def is_done(part: Change, found: Found) -> bool:  # noqa: PLR0911 - one answer for each kind
    """Whether a table is already as one statement of a change makes it.

    What fills a column is never known to be done; it may be repeated.
    """
    match part:
        case Shape():
            return bool(found.columns)
        case Column(_, field):
            return field.name in found.columns
        case Index():
            return part.name in found.indexes
        case Fill():
            return False
        case NoTable():
            return not found.columns
        case NoColumn(_, name):
            return name not in found.columns
        case NoIndex(index):
            return index.name not in found.indexes


def after(part: Change, found: Found) -> Found:
    """The table as one statement of a change leaves it."""
    columns, indexes = found.columns, found.indexes
    match part:
        case Shape():
            columns = frozenset(field.name for field in part.fields)
            indexes = frozenset(Index(part.name, (name,)).name for name in part.indexes)
        case Column(_, field):
            columns |= {field.name}
        case Index():
            indexes |= {part.name}
        case Fill():
            pass
        case NoTable():
            return ABSENT
        case NoColumn(_, name):
            columns -= {name}
        case NoIndex(index):
            indexes -= {index.name}
    return Found(columns, indexes)

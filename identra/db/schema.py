"""The schema and its changes, declared once in the portable subset, written for each dialect.

Keys are bounded and compare as bytes everywhere; instants and counts are 64-bit; what has no
bound is text. A change is taken apart into single statements (`parts`), of which each is either
safe to repeat or known to be done by a look at the database (`identra.db.catalogue`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["words", "text", "bigint", "integer"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its kind, the most characters it holds, whether it may be empty.

    With a default, a row of somebody who does not know the column gets that.
    """

    name: str
    kind: Kind
    length: int = 0
    null: bool = False
    default: str | int | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A new table: the first field is its primary key."""

    name: str
    fields: tuple[Field, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[str, ...] = ()
    belongs_to: str | None = None
    """The table whose `id` this one's `user_id` names, deleted along with it."""

    @property
    def table(self) -> str:
        """What it changes."""
        return self.name


@dataclass(frozen=True, slots=True)
class Column:
    """A new column of a table; rows that are there get its default, or NULL."""

    table: str
    field: Field

    def __post_init__(self) -> None:
        """Raise ValueError for one that an older release's rows, or those there, can't have."""
        if not self.field.null and self.field.default is None:
            raise ValueError(f"{self.table}.{self.field.name} may be null or has a default")


@dataclass(frozen=True, slots=True)
class Index:
    """A new index over columns of a table; a unique one is refused if rows are there twice."""

    table: str
    fields: tuple[str, ...]
    unique: bool = False

    @property
    def name(self) -> str:
        """Its own name, of table and columns."""
        return "_".join((self.table, *self.fields, *(("once",) if self.unique else ())))


@dataclass(frozen=True, slots=True)
class Fill:
    """A column's value, as portable SQL over the row's others, wherever it is NULL yet.

    One statement, which has a minute. Rows that an older release writes afterwards have NULL
    again: whoever reads the column knows what NULL means.
    """

    table: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class NoTable:
    """A table that is no longer used is dropped."""

    table: str


@dataclass(frozen=True, slots=True)
class NoColumn:
    """A column that is no longer used is dropped; none of a key, a unique or an index."""

    table: str
    field: str


@dataclass(frozen=True, slots=True)
class NoIndex:
    """An index is dropped; none that a `Shape` declares unique: SQLite could not."""

    index: Index

    @property
    def table(self) -> str:
        """What it changes."""
        return self.index.table


Change: TypeAlias = "Shape | Column | Index | Fill | NoTable | NoColumn | NoIndex"
CONTRACTS = (NoTable, NoColumn)
"""The changes that a release which still uses what they remove does not survive."""


def words(name: str, length: int = 36, *, null: bool = False, default: str | None = None) -> Field:
    """Bounded words, compared as bytes."""
    return Field(name, "words", length, null, default)


def text(name: str, *, null: bool = False, default: str | None = None) -> Field:
    """Words without a bound, never searched by."""
    return Field(name, "text", null=null, default=default)


def instant(name: str, *, null: bool = False, default: int | None = None) -> Field:
    """Unix microseconds, or a count."""
    return Field(name, "bigint", null=null, default=default)


_COLLATE = {"sqlite": " COLLATE BINARY", "postgres": ' COLLATE "C"'}
"""How words come to compare as bytes; CockroachDB's do so already, MySQL's by their table."""

_INNODB = " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE "
_TABLE = {"mysql": f"{_INNODB}utf8mb4_0900_bin", "mariadb": f"{_INNODB}utf8mb4_nopad_bin"}

_ASKS = frozenset({"postgres", "cockroach", "mariadb"})
"""Dialects that know IF [NOT] EXISTS of a column; of tables all do."""


def statements(dialect: str, change: Change) -> tuple[str, ...]:
    """Write out a change, whole."""
    return tuple(statement(dialect, part) for part in parts(dialect, change))


def parts(dialect: str, change: Change) -> tuple[Change, ...]:
    """Take a change apart into those of one statement each.

    A table's indexes stand within its statement where a dialect could not repeat theirs.
    """
    if not isinstance(change, Shape) or dialect in _TABLE:
        return (change,)
    indexes = (Index(change.name, (name,)) for name in change.indexes)
    return (replace(change, indexes=()), *indexes)


def statement(dialect: str, part: Change) -> str:  # noqa: PLR0911 - one answer for each kind
    """Write out a part."""
    asks = dialect in _ASKS
    match part:
        case Shape():
            return _create(dialect, part)
        case Column(table, field):
            unless = "IF NOT EXISTS " if asks else ""
            return f'ALTER TABLE "{table}" ADD COLUMN {unless}{_column(dialect, field)}'
        case Index():
            return _index(dialect, part)
        case Fill(table, field, value):
            return f'UPDATE "{table}" SET "{field}" = {value} WHERE "{field}" IS NULL'  # noqa: S608 - our own words
        case NoTable(table):
            return f'DROP TABLE IF EXISTS "{table}"'
        case NoColumn(table, field):
            return f'ALTER TABLE "{table}" DROP COLUMN {"IF EXISTS " if asks else ""}"{field}"'
        case NoIndex(index):
            return _no_index(dialect, index)


def literal(value: str | int) -> str:
    """A value as SQL."""
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def _create(dialect: str, shape: Shape) -> str:
    lines = [_column(dialect, field) for field in shape.fields]
    lines.append(f'PRIMARY KEY ("{shape.fields[0].name}")')
    lines += [f"UNIQUE ({_quoted(names)})" for names in shape.unique]
    if dialect in _TABLE:
        lines += [f'INDEX "{shape.name}_{name}" ("{name}")' for name in shape.indexes]
    if shape.belongs_to:
        lines.append(
            f'FOREIGN KEY ("user_id") REFERENCES "{shape.belongs_to}" ("id") ON DELETE CASCADE'
        )
    table = f'CREATE TABLE IF NOT EXISTS "{shape.name}" ({", ".join(lines)})'
    return table + _TABLE.get(dialect, "")


def _index(dialect: str, index: Index) -> str:
    unique = "UNIQUE " if index.unique else ""
    unless = "" if dialect == "mysql" else "IF NOT EXISTS "
    return (
        f'CREATE {unique}INDEX {unless}"{index.name}" ON "{index.table}" ({_quoted(index.fields)})'
    )


def _no_index(dialect: str, index: Index) -> str:
    if dialect in _TABLE:
        asks = "IF EXISTS " if dialect in _ASKS else ""
        return f'DROP INDEX {asks}"{index.name}" ON "{index.table}"'
    # CockroachDB takes a unique index for a constraint, and wants to be told twice.
    cascade = " CASCADE" if dialect == "cockroach" and index.unique else ""
    return f'DROP INDEX IF EXISTS "{index.name}"{cascade}'


def _column(dialect: str, field: Field) -> str:
    null = "" if field.null else " NOT NULL"
    default = _default(dialect, field)
    return f'"{field.name}" {_type(dialect, field)}{null}{default}{_bound(dialect, field)}'


def _default(dialect: str, field: Field) -> str:
    if field.default is None:
        return ""
    value = literal(field.default)
    # MySQL lets a text without a bound have an expression for its default, and no plain value.
    return (
        f" DEFAULT ({value})" if field.kind == "text" and dialect in _TABLE else f" DEFAULT {value}"
    )


def _type(dialect: str, field: Field) -> str:
    if field.kind == "words":
        return f"VARCHAR({field.length}){_COLLATE.get(dialect, '')}"
    if field.kind == "text" and dialect in _TABLE:
        return "LONGTEXT"
    return field.kind.upper()


def _bound(dialect: str, field: Field) -> str:
    # SQLite alone reads the length and does not keep to it.
    if dialect == "sqlite" and field.kind == "words":
        return f' CHECK (length("{field.name}") <= {field.length})'
    return ""


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)

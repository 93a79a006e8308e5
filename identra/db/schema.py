"""Tables declared once, in the portable subset, and written out for each dialect.

Keys are bounded and compare as bytes everywhere; instants and counts are 64-bit; what has no
bound is text. Each table is one statement, its indexes others, or, where a dialect could not
repeat those, within the table's: all of them are safe to repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["words", "text", "bigint", "integer"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its kind, the most characters it holds, whether it may be empty."""

    name: str
    kind: Kind
    length: int = 0
    null: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: the first field is its primary key."""

    name: str
    fields: tuple[Field, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[str, ...] = ()
    belongs_to: str | None = None
    """The table whose `id` this one's `user_id` names, deleted along with it."""


def words(name: str, length: int = 36, *, null: bool = False) -> Field:
    """Bounded words, compared as bytes."""
    return Field(name, "words", length, null)


def text(name: str) -> Field:
    """Words without a bound, never searched by."""
    return Field(name, "text")


def instant(name: str, *, null: bool = False) -> Field:
    """Unix microseconds, or a count."""
    return Field(name, "bigint", null=null)


_COLLATE = {"sqlite": " COLLATE BINARY", "postgres": ' COLLATE "C"'}
"""How words come to compare as bytes; CockroachDB's do so already, MySQL's by their table."""

_INNODB = " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE "
_TABLE = {"mysql": f"{_INNODB}utf8mb4_0900_bin", "mariadb": f"{_INNODB}utf8mb4_nopad_bin"}


def statements(dialect: str, shape: Shape) -> tuple[str, ...]:
    """Write out a table and its indexes for a dialect."""
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
    if dialect in _TABLE:
        return (table + _TABLE[dialect],)
    indexes = (
        f'CREATE INDEX IF NOT EXISTS "{shape.name}_{name}" ON "{shape.name}" ("{name}")'
        for name in shape.indexes
    )
    return (table, *indexes)


def _column(dialect: str, field: Field) -> str:
    null = "" if field.null else " NOT NULL"
    return f'"{field.name}" {_type(dialect, field)}{null}{_bound(dialect, field)}'


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

"""What is in a sealed dump, read from it as it will be for a restore; nothing else is believed."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import archive
from database import ENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

USERS, KEYS = "identra_users", "identra_keys"
COPY = re.compile(rb'COPY (?:\w+\.)?"?(\w+)"? \(([^)]*)\) FROM stdin;')
INSERT = re.compile(rb"INSERT INTO `(\w+)` \(([^)]*)\) VALUES ?(.*)", re.DOTALL)
ROW = re.compile(rb"\((?:'(?:[^'\\]|\\.|'')*'|[^'()])*\)", re.DOTALL)
VALUE = re.compile(rb"'((?:[^'\\]|\\.|'')*)'|([^',()]+)", re.DOTALL)


@dataclass
class Content:
    """How many users there are, and the rows of the key ring."""

    users: int = 0
    keys: list[dict[str, Any]] = field(default_factory=list)

    def take(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        held = list(rows)
        if table == USERS:
            self.users += len(held)
        elif table == KEYS:
            self.keys += held


def look(driver: str, file: Path, identity: Path, room: Path) -> Content:
    """Read a sealed dump to its end. Raises Failed where it is no whole dump of Identra's."""
    if driver == "sqlite":
        return _sqlite(archive.opened(file, identity), room / "opened.db")
    if driver == "postgres":
        return _postgres(_lines(archive.opened(file, identity, ["pg_restore", "--file=-"])))
    return _mysql(_lines(archive.opened(file, identity)))


def _sqlite(stream: Iterable[bytes], copy: Path) -> Content:
    try:
        with copy.open("wb") as out:
            out.writelines(stream)
        with closing(sqlite3.connect(copy)) as db:
            db.row_factory = sqlite3.Row
            if (told := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise archive.Failed(f"the copy of the database is damaged: {told}")
            found = Content(db.execute(f"SELECT count(*) FROM {USERS}").fetchone()[0])  # noqa: S608 - a constant
            found.take(KEYS, map(dict, db.execute(f"SELECT * FROM {KEYS}")))  # noqa: S608 - a constant
            return found
    except sqlite3.Error as fault:
        raise archive.Failed(f"the copy of the database can't be read: {fault}") from fault
    finally:
        copy.unlink(missing_ok=True)


def _postgres(lines: Iterator[bytes]) -> Content:
    found = Content()
    for line in lines:
        if begun := COPY.match(line):
            table = begun[1].decode()
            names = [name.strip(' "') for name in begun[2].decode().split(",")]
            for row in iter(lambda: next(lines, b"\\."), b"\\."):
                found.take(table, [dict(zip(names, map(_copied, row.split(b"\t")), strict=True))])
    return found


def _mysql(lines: Iterator[bytes]) -> Content:
    found, last = Content(), b""
    for line in lines:
        last = line or last
        if begun := INSERT.match(line):
            names = [name.strip(" `") for name in begun[2].decode().split(",")]
            for row in _rows(begun[3], lines):
                found.take(begun[1].decode(), [dict(zip(names, row, strict=True))])
    if not last.startswith(ENDED):
        raise archive.Failed("the dump of the database ends before its end")
    return found


def _rows(line: bytes, lines: Iterator[bytes]) -> Iterator[list[str | None]]:
    """The rows of a statement, which has one on each line, or all on one, up to its semicolon."""
    while True:
        for row in ROW.finditer(line):
            yield [_inserted(value) for value in VALUE.finditer(row[0])]
        if line.endswith(b";"):
            return
        line = next(lines, b";")


def _lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in stream:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _copied(value: bytes) -> str | None:
    if value == b"\\N":
        return None
    return re.sub(rb"\\(.)", lambda found: ESCAPED.get(found[1], found[1]), value).decode()


def _inserted(value: re.Match[bytes]) -> str | None:
    if value[1] is None:
        bare = value[2].strip()
        return None if bare == b"NULL" else bare.decode()
    text = value[1].replace(b"''", b"'")
    return re.sub(rb"\\(.)", lambda found: ESCAPED.get(found[1], found[1]), text).decode()


ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"0": b"\0"}

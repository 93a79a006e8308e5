"""The users' file: a first line that says what it is, a user a line, a last line that counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias

from pydantic import ValidationError

from identra.errors import OperatorError
from identra.portable.record import read_line, write_line
from identra.secret import digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from identra.portable.record import Record

FIRST: Final = '{"identra_users":1}'
Entry: TypeAlias = "tuple[int, Record | str]"
"""A user with the number of its line or row, or what is wrong there."""

MARK: Final = 24
"""Characters of a digest by which a name is known again: two alike by chance are out of reach."""


class FileFault(OperatorError):
    """The file can't be read as a whole: it is something else, or was cut short."""


async def write(to: TextIO, users: AsyncIterator[Record]) -> int:
    """Write a whole file; how many users it holds."""
    count = 0
    to.write(FIRST + "\n")
    async for record in users:
        to.write(write_line(record) + "\n")
        count += 1
    to.write(_last(count) + "\n")
    return count


def read(file: Path) -> Iterator[Entry]:
    """The users of a file, each with the number of its line; a text says what is wrong there.

    Raises FileFault if it is no users' file or was cut short.
    """
    for number, line in _lines(file):
        try:
            yield number, read_line(line)
        except (ValueError, RecursionError) as fault:
            yield number, told(fault)


class Register:
    """Knows who was named before, so that no user comes twice from one source."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def faults(self, number: int, said: Record | str) -> list[str]:
        """What is wrong with an entry, by itself or because of those before it."""
        if isinstance(said, str):
            return [said]
        again = []
        for what, key in _keys(said):
            first = self._seen.setdefault(digest("users file", key)[:MARK], number)
            if first != number:
                again.append(f"{what} of line {first} again")
        return again


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    count, last = 0, ""
    with file.open(encoding="utf-8", newline="\n") as opened:
        try:
            _demand_first(file, opened.readline())
            for number, line in enumerate(opened, 2):
                if last:
                    yield number - 1, last
                    count += 1
                last = line.rstrip("\n")
        except UnicodeDecodeError:
            raise FileFault(f"{file}: is not UTF-8 text") from None
    if last != _last(count):
        raise FileFault(f"{file}: was cut short: its last line does not count its users")


def _demand_first(file: Path, line: str) -> None:
    if line.rstrip("\n") != FIRST:
        raise FileFault(f"{file}: is no file of users; its first line would be {FIRST}")


def _last(count: int) -> str:
    return json.dumps({"users": count}, separators=(",", ":"))


def _keys(record: Record) -> Iterator[tuple[str, str]]:
    yield "the user_id", f"user {record.user_id}"
    for own in record.addresses:
        yield "an address", f"address {own.email}"
    for one in record.identities:
        yield "an identity", f"identity {one.provider} {one.provider_user_id}"


def told(fault: Exception) -> str:
    """What is wrong with a record, without its values."""
    if isinstance(fault, ValidationError):
        first = fault.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        says = first["msg"].removeprefix("Value error, ")
        return f"{where}: {says}" if where else says
    if isinstance(fault, json.JSONDecodeError):
        return "is not JSON"
    return str(fault)

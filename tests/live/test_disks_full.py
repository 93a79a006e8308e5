"""The database's disk is full: what only reads goes on, and nothing that was taken is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from disks import full, small_disk
from trials import Trial, small_town, town_on

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from identra.settings import Persistence

SAYS = (200, ("database",))
READS_ONLY = Trial(
    SAYS,
    goes_on=frozenset({"/me/login-info"}),
    stops=frozenset({"/password/login", "/email/login", "/email/code"}),
)
READS = Trial(SAYS, goes_on=READS_ONLY.goes_on)
"""A server has set room aside, in which this and that can be written still."""
SHORT = 2
"""Seconds."""
ENOUGH = 220
"""Megabytes for a server's own files and some of ours."""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mysql"])
def test_full_for_a_while(tmp_path: Path, kind: str) -> None:
    with small_disk(8 if kind == "sqlite" else ENOUGH) as disk:
        if kind == "sqlite":
            with small_town(tmp_path, disk=disk) as town:
                READS_ONLY.endure(town, filled(town.place, disk), SHORT)
        else:
            with town_on(kind, tmp_path, disk=disk) as there:
                READS.endure(there.town, full(disk), SHORT)


@contextmanager
def filled(place: Persistence, disk: Path) -> Iterator[None]:
    """Without the room that the write-ahead log has taken already, and would use again."""
    with closing(sqlite3.connect(place.name, timeout=10)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with full(disk):
        yield

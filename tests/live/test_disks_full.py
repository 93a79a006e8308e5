"""The database's disk is full: what only reads goes on, and nothing that was taken is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from crowd import HARD_TO_PLEASE
from disks import full, small_disk
from town import open_town
from trials import Trial

from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READS_ONLY = Trial(
    says=(200, ("database",)),
    goes_on=frozenset({"/me/login-info"}),
    stops=frozenset({"/password/login", "/email/login", "/email/code"}),
)
SHORT = 3
"""Seconds."""


def test_that_of_a_sqlite_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=8) as disk:
        place = Persistence(driver="sqlite", name=str(disk / "identra.db"))
        with open_town(tmp_path, place, None, HARD_TO_PLEASE) as town:
            READS_ONLY.endure(town, filled(place, disk), SHORT)


@contextmanager
def filled(place: Persistence, disk: Path) -> Iterator[None]:
    """Without the room that the write-ahead log has taken already, and would use again."""
    with closing(sqlite3.connect(place.name, timeout=10)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with full(disk):
        yield

"""The stores that Identra is measured on, started as the tests start theirs."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
import servers

from identra.settings import Persistence, Redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Store:
    """Where a service keeps what it keeps; `fresh` gives a new database, from a folder of ours.

    `copied_to`: whether a copy of SQLite into it is measured.
    """

    name: str
    fresh: Callable[[Path], AbstractContextManager[Persistence]]
    redis: Redis | None = None
    copied_to: bool = False


class Missing(Exception):
    """A server that is not installed."""


@contextmanager
def opened(name: str) -> Iterator[Store]:
    """Have a store's servers run meanwhile. Raises Missing, naming what is not installed."""
    with ExitStack() as running:
        try:
            store = running.enter_context(STORES[name]())
        except pytest.skip.Exception as skipped:
            raise Missing(str(skipped)) from None
        yield store


@contextmanager
def _sqlite() -> Iterator[Store]:
    yield Store("SQLite", _file)


@contextmanager
def _file(folder: Path) -> Iterator[Persistence]:
    yield Persistence(driver="sqlite", name=str(folder / "identra.db"))


@contextmanager
def _postgres() -> Iterator[Store]:
    """PostgreSQL that waits for its disk, as in production, and Redis."""
    with servers.postgres("-c", "fsync=on") as server, servers.redis() as redis:
        fresh = partial(_database, server)
        yield Store("PostgreSQL with Redis", fresh, redis, copied_to=True)


def _database(server: Persistence, _folder: Path) -> AbstractContextManager[Persistence]:
    return servers.fresh_database(server)


STORES = {"sqlite": _sqlite, "postgres": _postgres}

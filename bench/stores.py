"""The stores that Identra is measured on, started as the tests start theirs."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
    """Where a service keeps what it keeps; `fresh` gives a new database, from a folder of ours."""

    name: str
    fresh: Callable[[Path], AbstractContextManager[Persistence]]
    redis: Redis | None = None


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
        yield Store("PostgreSQL with Redis", lambda _: servers.fresh_database(server), redis)


STORES = {"sqlite": _sqlite, "postgres": _postgres}

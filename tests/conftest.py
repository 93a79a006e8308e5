"""What tests share: a clock to turn, and fresh stores on real servers."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import servers
from clock import FrozenClock

from identra.db import open_database
from identra.db.migrations import migrate
from identra.settings import Persistence, Redis
from identra.state.database import DatabaseState
from identra.state.redis import open_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from identra.db import Database
    from identra.state import State


SEED = 20_261_126
"""Of the mischief in tests/live/faults."""
DATABASES = ("sqlite", "postgres", "mysql")
USUAL = ("sqlite", "postgres")
ATTACKED = ("postgres",)
"""Where stories run, and where attacks do, unless told `--everywhere`; contracts run on all."""


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "run stories on every store, and what takes long"
    parser.addoption("--everywhere", action="store_true", help=told)
    told = "run the long trials of tests/live/faults, and nothing but them"
    parser.addoption("--chaos", action="store_true", help=told)
    told = "what is drawn from in tests/live/faults (with --chaos another one each time)"
    parser.addoption("--chaos-seed", type=int, help=told)
    told = "operations of a long trial (%(default)s)"
    parser.addoption("--chaos-operations", type=int, default=10_000, help=told)
    told = "how long the soak takes, as 20m (%(default)s)"
    parser.addoption("--chaos-soak", default="20m", help=told)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: much of a test's time is waiting for its servers."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Every worker of a run draws from the seed that its header shows."""
    if config.option.chaos_seed is None:
        config.option.chaos_seed = time.time_ns() % 10**9 if config.option.chaos else SEED


def pytest_report_header(config: pytest.Config) -> str:
    return f"chaos seed: {config.option.chaos_seed}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parts = metafunc.definition.path.parts
    usual = ATTACKED if "attack" in parts else USUAL
    every = "contract" in parts or metafunc.config.getoption("everywhere")
    kinds = DATABASES if every else usual
    for fixture in ("empty", "persistence", "target", "state_home"):
        if fixture in metafunc.fixturenames and not is_chosen(metafunc, fixture):
            more = ("redis",) if fixture == "state_home" else ()
            metafunc.parametrize(fixture, [*kinds, *more], indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless told `--everywhere`; and chaos, unless told `--chaos`."""
    chaos = config.getoption("chaos")
    left = [item for item in items if bool(item.get_closest_marker("chaos")) is not chaos]
    if not chaos and not config.getoption("everywhere"):
        left += [item for item in items if item.get_closest_marker("long")]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)


def is_chosen(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether the test says itself where it runs."""
    marks = metafunc.definition.iter_markers("parametrize")
    return any(fixture in _names(mark.args[0]) for mark in marks)


def _names(said: str | tuple[str, ...]) -> list[str] | tuple[str, ...]:
    return said.split(",") if isinstance(said, str) else said


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Persistence]:
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Persistence) -> Iterator[str]:
    with servers.fresh_database(postgres_server) as place:
        asyncio.run(_migrate(place))
        yield place.name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = Persistence(driver="sqlite", name=str(tmp_path_factory.mktemp("template") / "made.db"))
    asyncio.run(_migrate(place))
    return str(place.name)


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[Persistence]:
    with servers.mysql() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    with servers.redis() as store:
        yield store


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Persistence]:
    """A database of the test's own without any table."""
    if request.param == "sqlite":
        yield Persistence(driver="sqlite", name=str(tmp_path / "empty.db"))
        return
    with servers.fresh_database(request.getfixturevalue(f"{request.param}_server")) as place:
        yield place


@contextmanager
def _migrated(kind: str, request: pytest.FixtureRequest, directory: Path) -> Iterator[Persistence]:
    """A migrated database of its own, of any kind."""
    if kind == "sqlite":
        place = Persistence(driver="sqlite", name=str(directory / "identra.db"))
        shutil.copy(request.getfixturevalue("sqlite_template"), str(place.name))
        yield place
        return
    server = request.getfixturevalue(f"{kind}_server")
    if kind == "mysql":
        with servers.fresh_database(server) as place:
            asyncio.run(_migrate(place))
            yield place
        return
    template = request.getfixturevalue("postgres_template")
    with servers.fresh_database(server, template) as place:
        yield place


@pytest.fixture
def persistence(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Persistence]:
    """A migrated database of the test's own."""
    with _migrated(request.param, request, tmp_path) as place:
        yield place


@pytest.fixture
async def database(persistence: Persistence, clock: FrozenClock) -> AsyncIterator[Database]:
    """A migrated database, open, its time told by the `clock` fixture."""
    db = await open_database(persistence, clock=clock)
    yield db
    await db.close()


@pytest.fixture
def redis_place(redis_server: Redis) -> Redis:
    """The Redis server, under a prefix of the test's own."""
    return redis_server.model_copy(update={"key_prefix": f"test:{uuid4().hex}:"})


@pytest.fixture
def state_home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Persistence | Redis]:
    if request.param == "redis":
        yield request.getfixturevalue("redis_place")
        return
    with _migrated(request.param, request, tmp_path) as place:
        yield place


@pytest.fixture
async def state(state_home: Persistence | Redis) -> AsyncIterator[State]:
    """Short-lived state in each of its homes, by the home's own clock."""
    if isinstance(state_home, Redis):
        store = open_redis(state_home)
        yield store
        await store.close()
        return
    db = await open_database(state_home)
    yield DatabaseState(db)
    await db.close()


async def _migrate(place: Persistence) -> None:
    db = await open_database(place)
    try:
        await migrate(db)
    finally:
        await db.close()

"""Towns for the live tests: each started once and shared, since a start takes a second."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import servers
from town import client, open_town
from visitor import Visitor

from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from town import Town

    Build = Callable[..., AbstractContextManager[Town]]

DATABASES = ("sqlite", "postgres", "mysql")
HOMES = ["sqlite", "postgres and redis"]
EVERY = [f"{database}{store}" for database in DATABASES for store in ("", " and redis")]
FURTHER = [home for home in EVERY if home not in HOMES]
"""Where the town stands only when told `--everywhere`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    further = FURTHER if metafunc.config.getoption("everywhere") else []
    if "metered" in metafunc.fixturenames:
        metafunc.parametrize("metered", ["sqlite", *([*further, HOMES[1]] if further else [])])
    for fixture in ("town", "hasty_town"):
        if fixture in metafunc.fixturenames:
            homes = [*HOMES, *further]
            metafunc.parametrize(fixture, homes, indirect=True, scope="session")


@pytest.fixture(scope="session")
def build_town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds a town on the stores that are named, empty and its own."""

    @contextmanager
    def build(home: str, **sections: Any) -> Iterator[Town]:
        folder = tmp_path_factory.mktemp("town")
        with ExitStack() as opened:
            place = Persistence(driver="sqlite", name=str(folder / "identra.db"))
            if not home.startswith("sqlite"):
                server = request.getfixturevalue(f"{home.split(maxsplit=1)[0]}_server")
                place = opened.enter_context(servers.fresh_database(server))
            store = None
            if "redis" in home:
                store = request.getfixturevalue("redis_server")
                store = store.model_copy(update={"key_prefix": f"test:{uuid4().hex}:"})
            yield opened.enter_context(open_town(folder, place, store, sections))

    return build


@pytest.fixture(scope="session")
def town(request: pytest.FixtureRequest, build_town: Build) -> Iterator[Town]:
    with build_town(request.param) as town:
        yield town


@pytest.fixture(scope="session")
def hasty_town(request: pytest.FixtureRequest, build_town: Build) -> Iterator[Town]:
    """Where registration is immediate."""
    with build_town(request.param, password={"registration": "immediate"}) as town:
        yield town


@pytest.fixture(params=["", "/api"], ids=["root", "api"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def visitor(town: Town, prefix: str) -> Iterator[Visitor]:
    """Somebody whose every request another worker answers."""
    with client(town.service, prefix) as http:
        yield Visitor(http, town)
    town.github.answers_as = "asked"


@pytest.fixture
def hasty_visitor(hasty_town: Town, prefix: str) -> Iterator[Visitor]:
    with client(hasty_town.service, prefix) as http:
        yield Visitor(http, hasty_town)

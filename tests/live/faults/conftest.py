"""Two nodes behind nginx, built for each trial, and the seed of what is done to them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import servers
from chaos.nodes import open_nodes

from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from chaos.nodes import Nodes

    from identra.settings import Redis

    BuildNodes = Callable[..., AbstractContextManager[Nodes]]


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Shown when the test fails, to be given again by `--chaos-seed`."""
    seed = int(request.config.getoption("chaos_seed"))
    print(f"--chaos-seed {seed}")
    return seed


@pytest.fixture
def build_nodes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> BuildNodes:
    """Builds nodes on the stores that are named, as "postgres and redis"."""

    @contextmanager
    def build(home: str, store: Redis | None = None) -> Iterator[Nodes]:
        folder = tmp_path_factory.mktemp("nodes")
        kind, _, redis = home.partition(" and ")
        with ExitStack() as opened:
            place = Persistence(driver="sqlite", name=str(folder / "identra.db"))
            if kind != "sqlite":
                server = request.getfixturevalue(f"{kind}_server")
                place = opened.enter_context(servers.fresh_database(server))
            if redis and store is None:
                store = request.getfixturevalue("redis_server")
                store = store.model_copy(update={"key_prefix": f"test:{uuid4().hex}:"})
            yield opened.enter_context(open_nodes(folder, place, store))

    return build

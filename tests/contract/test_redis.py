"""Redis as operators run it: a cluster, a master that Sentinel watches, a password."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import redis
import servers
from pydantic import SecretStr

from identra.errors import StoreUnavailable
from identra.state.redis import open_redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from identra.settings import Redis


@pytest.fixture
def cluster() -> Iterator[Redis]:
    bus = str(servers.free_port())
    with servers.redis("--cluster-enabled", "yes", "--cluster-port", bus) as node:
        port = int(node.urls[0].split(":")[1])
        with redis.Redis(port=port) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            servers.until(lambda: b"cluster_state:ok" in _info(client), "the cluster")
        yield node.model_copy(update={"urls": (node.urls[0], f"localhost:{port}")})


def _info(client: redis.Redis) -> bytes:
    return client.execute_command("CLUSTER", "INFO", NEVER_DECODE=True)


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[Redis]:
    with servers.redis("--requirepass", "wonderful") as master:
        port = master.urls[0].split(":")[1]
        with servers.redis_sentinel(port, "wonderful") as watcher:
            yield watcher.model_copy(
                update={"sentinel_master": "ours", "password": SecretStr("wonderful")}
            )


@pytest.mark.parametrize("home", ["cluster", "sentinel"])
async def test_the_verbs_work_there(request: pytest.FixtureRequest, home: str) -> None:
    state = open_redis(request.getfixturevalue(home))
    await state.ping()
    for n in range(20):
        assert await state.put(f"k{n}", f"v{n}", ttl=60, replace=False)
        assert not await state.put(f"k{n}", "other", ttl=60, replace=False)
    assert await asyncio.gather(*(state.take(f"k{n}") for n in range(20))) == [
        f"v{n}" for n in range(20)
    ]
    counts = await asyncio.gather(*(state.count("c", ttl=60) for _ in range(20)))
    assert sorted(count.value for count in counts) == list(range(1, 21))
    await state.close()


async def test_a_wrong_password_is_unavailable_and_is_not_said(sentinel: Redis) -> None:
    state = open_redis(sentinel.model_copy(update={"password": SecretStr("hunter2")}))
    with pytest.raises(StoreUnavailable) as caught:
        await state.get("k")
    assert "hunter2" not in caught.value.detail
    await state.close()

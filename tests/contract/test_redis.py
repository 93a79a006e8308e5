"""Redis as operators run it: TLS, a cluster, a master that Sentinel watches, a password."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest
import redis
import redises
from authority import Authority
from cable import Cable
from machines import until
from pydantic import SecretStr

from identra.errors import StoreUnavailable
from identra.state.redis import open_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redises import Cluster

    from identra.settings import Redis
    from identra.state import State
    from identra.state.redis import RedisState

SOME, MANY = 24, 40
"""Callers at once."""
ELSEWHERE = "127.0.0.2"
"""A loopback address that no certificate of ours names."""


@pytest.fixture
def nodes() -> Iterator[Cluster]:
    with redises.redis_cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(nodes: Cluster) -> Redis:
    return nodes.place


@pytest.fixture
def sentinel() -> Iterator[Redis]:
    with redises.redis("--requirepass", "wonderful") as master:
        port = master.urls[0].split(":")[1]
        with redises.redis_sentinel(port, "wonderful") as watcher:
            yield watcher.model_copy(
                update={"sentinel_master": "ours", "password": SecretStr("wonderful")}
            )


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """It is one of the system's for once, among all that a system trusts."""
    made, file = Authority(tmp_path), tmp_path / "authorities.pem"
    file.write_bytes(made.file.read_bytes() + Path(certifi.where()).read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return made


@pytest.fixture
def secure(authority: Authority) -> Iterator[Redis]:
    with redises.redis(certificate=authority.server) as place:
        yield place.model_copy(update={"tls": True})


@pytest.fixture
def secure_sentinel(authority: Authority, secure: Redis) -> Iterator[Redis]:
    port = secure.urls[0].split(":")[1]
    with redises.redis_sentinel(port, certificate=authority.server) as watcher:
        yield watcher.model_copy(update={"sentinel_master": "ours", "tls": True})


async def meet(state: RedisState, many: int) -> None:
    """Connect for all who will come at once: on a busy machine a try may run out of its 250 ms."""
    for _ in range(TURNS):
        tries = (state.get("k") for _ in range(many))
        met = await asyncio.gather(*tries, return_exceptions=True)
        if not any(isinstance(one, StoreUnavailable) for one in met):
            return
    raise AssertionError(f"{many} were not answered at once in {TURNS} turns")


@pytest.mark.parametrize("home", ["cluster", "sentinel", "secure", "secure_sentinel"])
async def test_the_verbs_work_there(request: pytest.FixtureRequest, home: str) -> None:
    state = open_redis(request.getfixturevalue(home))
    await meet(state, 20)
    for n in range(20):
        assert await state.put(f"k{n}", f"v{n}", ttl=60, replace=False)
        assert not await state.put(f"k{n}", "other", ttl=60, replace=False)
    assert await asyncio.gather(*(state.take(f"k{n}") for n in range(20))) == [
        f"v{n}" for n in range(20)
    ]
    counts = await asyncio.gather(*(state.count("c", ttl=60) for _ in range(20)))
    assert sorted(count.value for count in counts) == list(range(1, 21))
    await state.close()


async def test_those_who_come_first_to_a_cluster_are_all_answered(cluster: Redis) -> None:
    """Nothing is known of its slots yet; learning it costs nobody the answer."""
    state = open_redis(cluster)
    assert await asyncio.gather(*(state.get(f"k{n}") for n in range(20))) == [None] * 20
    await state.close()


async def test_a_wrong_password_is_unavailable_and_is_not_said(sentinel: Redis) -> None:
    state = open_redis(sentinel.model_copy(update={"password": SecretStr("hunter2")}))
    with pytest.raises(StoreUnavailable) as caught:
        await state.get("k")
    assert "hunter2" not in caught.value.detail
    await state.close()


async def test_many_who_come_at_once_are_all_answered_over_tls(secure: Redis) -> None:
    """Each gets a connection of her own, and none waits for what another's costs."""
    state = open_redis(secure)
    counts = await asyncio.gather(*(state.count("c", ttl=60) for _ in range(SOME)))
    assert sorted(count.value for count in counts) == list(range(1, SOME + 1))
    await state.close()


TURNS = 20


async def is_refused(place: Redis, why: str) -> None:
    """Every try fails; one that a busy machine let run out of its 250 ms tells nothing of why."""
    state = open_redis(place)
    for _ in range(TURNS):
        with pytest.raises(StoreUnavailable) as refused:
            await state.get("k")
        if re.search(why, str(refused.value)) or "Timeout" not in str(refused.value):
            break
    await state.close()
    assert re.search(why, str(refused.value))


async def test_a_certificate_of_an_unknown_authority_is_refused(
    secure: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    await is_refused(secure, "certificate verify failed")


async def test_a_certificate_for_another_server_is_refused(secure: Redis) -> None:
    port = int(secure.urls[0].split(":")[1])
    async with Cable.to("127.0.0.1", port, at=ELSEWHERE) as cable:
        there = secure.model_copy(update={"urls": (f"{ELSEWHERE}:{cable.port}",)})
        await is_refused(there, "certificate verify failed")


async def test_it_never_falls_back_to_speaking_in_clear(redis_place: Redis) -> None:
    await is_refused(redis_place.model_copy(update={"tls": True}), "redis:")


async def test_each_key_has_the_prefix_and_nothing_else_is_touched(redis_server: Redis) -> None:
    place = redis_server.model_copy(update={"key_prefix": "ours:"})
    port = int(place.urls[0].split(":")[1])
    with redis.Redis(port=port, decode_responses=True) as client:
        before = set(client.keys())
        state = open_redis(place)
        await state.put("k", "v", ttl=60)
        await state.count("c", ttl=60)
        await state.ping()
        await state.close()
        made = set(client.keys()) - before
        client.delete(*made)
    assert {"ours:k", "ours:c"} <= made
    assert all(key.startswith("ours:") for key in made)


async def test_one_that_answers_and_takes_nothing_does_not_work() -> None:
    with redises.redis() as place:
        state = open_redis(place)
        await state.ping()
        with redis.Redis(port=int(place.urls[0].split(":")[1])) as client:
            client.config_set("maxmemory", "1")
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                await state.ping()
            client.config_set("maxmemory", "0")
        await state.ping()
        await state.close()


# The client leaves connections to nodes that it forgot to the collector of garbage.
@pytest.mark.filterwarnings("ignore:(?i)unclosed:ResourceWarning")
async def test_a_node_that_is_lost_is_unavailable_to_all_its_callers_and_nothing_else(
    nodes: Cluster,
) -> None:
    """The client closes connections beneath its callers then, of which no odd error may come."""
    state, over = open_redis(nodes.place), asyncio.Event()
    await state.ping()
    asking = [asyncio.create_task(keep_asking(state, n, over)) for n in range(MANY)]
    lost = nodes.machines[0]
    await asyncio.to_thread(lost.end, signal.SIGKILL)
    await asyncio.to_thread(until, lambda: not nodes.whole(), "the loss")
    with pytest.raises(StoreUnavailable):
        await state.ping()
    await asyncio.to_thread(lost.start)
    await asyncio.to_thread(until, nodes.whole, "the cluster")
    async with asyncio.timeout(5):
        while not await works(state):  # noqa: ASYNC110 - it asks servers, which send no word
            await asyncio.sleep(0.05)
    over.set()
    assert sum(await asyncio.gather(*asking)) > 0, "nobody felt it"
    await state.ping()
    await state.close()
    gc.collect()


async def keep_asking(state: State, number: int, over: asyncio.Event) -> int:
    """How often it was refused."""
    refused = turn = 0
    while not over.is_set():
        turn += 1
        try:
            await state.count(f"{number}-{turn}", ttl=60)
        except StoreUnavailable:
            refused += 1
        await asyncio.sleep(0)
    return refused


async def works(state: State) -> bool:
    try:
        await state.ping()
    except StoreUnavailable:
        return False
    return True

"""Short-lived state in Redis: one server, a cluster, or a master that Sentinel watches.

Each verb is one command or one script, so it is atomic. On a cluster a script has one key; `drop`
alone names several, which a cluster's client sends to each of its nodes.
Nothing is sent twice: a count whose answer was lost may have counted.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from identra.deadline import in_time
from identra.errors import StoreUnavailable
from identra.state import Addition, Count, checked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from identra.settings import Redis as RedisSettings

SOCKET = 0.25
"""Seconds to connect, and to wait for an answer."""
VERB = 1.0
"""Seconds for a verb in all: finding the server, connecting and asking."""
CONNECTIONS = 50
PORT = 6379

VALUE = "="
"""Marks a value, so that a counter is never read as one."""

TAKE = "local held = redis.call('GET', KEYS[1]) redis.call('DEL', KEYS[1]) return held"
COUNT = """
local dropped, told = tonumber(ARGV[1]), {}
for i = 1, dropped do redis.call('DEL', KEYS[i]) end
for i = 1, #KEYS - dropped do
  local key, by = KEYS[dropped + i], tonumber(ARGV[2 * i])
  local value
  if by == 0 then value = tonumber(redis.call('GET', key) or '0') or 0
  else value = redis.call('INCRBY', key, by) end
  local left = redis.call('PTTL', key)
  if left < 0 and by ~= 0 then
    left = tonumber(ARGV[2 * i + 1])
    redis.call('PEXPIRE', key, left)
  end
  told[2 * i - 1], told[2 * i] = value, left
end
return told
"""
"""Removes the first so many keys, and counts in the others: each has its addition and window."""


class RedisState:
    """Keeps the `State` contract by a Redis client, which it owns."""

    def __init__(self, client: Any, prefix: str, watchers: Sequence[Any] = ()) -> None:
        self._client = client
        self._watchers = watchers
        self._prefix = prefix
        self._room = asyncio.Semaphore(CONNECTIONS)
        self.used = 0
        """How many of the connections are used at this moment."""
        self.answered = True
        """Whether the last that was asked of it was answered."""

    async def put(self, key: str, value: str, *, ttl: int, replace: bool = True) -> bool:
        """Keep a value."""
        name = self._name(key)
        async with self._asking():
            return bool(await self._client.set(name, VALUE + value, ex=ttl, nx=not replace))

    async def get(self, key: str) -> str | None:
        """Read a value."""
        name = self._name(key)
        async with self._asking():
            return _value(await self._client.get(name))

    async def take(self, key: str) -> str | None:
        """Read a value and remove it."""
        name = self._name(key)
        async with self._asking():
            return _value(await self._client.eval(TAKE, 1, name))

    async def drop(self, *keys: str) -> None:
        """Remove what these hold."""
        names = [self._name(key) for key in keys]
        async with self._asking():
            await self._client.delete(*names)

    async def count(self, key: str, *, ttl: int, by: int = 1) -> Count:
        """Add to a counter."""
        (count,) = await self._count((Addition(key, ttl, by),), ())
        return count

    async def count_all(
        self, additions: Sequence[Addition], *, dropping: Sequence[str] = ()
    ) -> list[Count]:
        """Add to several: by one script where one server has them all."""
        if not isinstance(self._client, RedisCluster):
            return await self._count(additions, dropping)
        if dropping:
            await self.drop(*dropping)
        return [count for one in additions for count in await self._count((one,), ())]

    async def _count(self, additions: Sequence[Addition], dropping: Sequence[str]) -> list[Count]:
        names = [self._name(key) for key in (*dropping, *(one.key for one in additions))]
        said = [said for one in additions for said in (one.by, one.ttl * 1000)]
        async with self._asking():
            told = await self._client.eval(COUNT, len(names), *names, len(dropping), *said)
        pairs = zip(told[::2], told[1::2], strict=True)
        return [Count(int(value), max(-(-int(left) // 1000), 0)) for value, left in pairs]

    async def ping(self) -> None:
        """Raise StoreUnavailable unless Redis, each master of a cluster, answers and takes a value.

        One without room, and a replica that nobody writes to, answer all the same.
        """
        masters = {"target_nodes": RedisCluster.PRIMARIES}
        async with self._asking():
            await self._client.ping(**masters if isinstance(self._client, RedisCluster) else {})
            await self._client.set(self._name("ping"), VALUE, ex=1)

    async def policies(self) -> tuple[str, ...]:
        """What each master does when its memory is short. Raises StoreUnavailable.

        Read from INFO, which accounts may ask that may not read the configuration.
        """
        masters = {"target_nodes": RedisCluster.PRIMARIES}
        of_many = isinstance(self._client, RedisCluster)
        async with self._asking():
            told = await self._client.info("memory", **masters if of_many else {})
        nodes = told.values() if of_many and "maxmemory_policy" not in told else (told,)
        return tuple(str(node.get("maxmemory_policy", "")) for node in nodes)

    async def close(self) -> None:
        """Hang up."""
        for client in (self._client, *self._watchers):
            await client.aclose()

    def _name(self, key: str) -> str:
        return self._prefix + checked(key)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        async with in_time():
            try:
                async with asyncio.timeout(VERB), self._room:
                    with self._counted():
                        yield
                self.answered = True
            # A cluster's client closes connections beneath its other callers, who then find None
            # where a socket was: AttributeError, TypeError. Nothing here but the store can fail.
            except Exception as error:
                self.answered = False
                said = f"redis: {type(error).__name__}: {error}"
                raise StoreUnavailable(said, retry_after=1) from error

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.used += 1
        try:
            yield
        finally:
            self.used -= 1


def _value(held: str | None) -> str | None:
    return held[len(VALUE) :] if held is not None and held.startswith(VALUE) else None


def open_redis(settings: RedisSettings) -> RedisState:
    """Make the store; it connects when first asked, and again after every loss.

    With `sentinel_master` the urls are Sentinels'; else several urls are nodes of one cluster.
    """
    places = [_place(url) for url in settings.urls]
    limits = _limits(settings)
    login = _login(settings)
    client: Any
    watchers: Sequence[Any] = ()
    if settings.sentinel_master:
        make: Any = Sentinel
        sentinel = make(places, sentinel_kwargs=limits, **limits, **login)
        client, watchers = sentinel.master_for(settings.sentinel_master), sentinel.sentinels
    elif len(places) > 1:
        nodes = [ClusterNode(host, port) for host, port in places]
        # After a few slots that have moved, redis-py would close every connection, under whoever
        # waits for an answer. What it learns of each slot by itself is enough.
        client = RedisCluster(startup_nodes=nodes, reinitialize_steps=0, **limits, **login)
    else:
        host, port = places[0]
        client = Redis(host=host, port=port, **limits, **login)
    for one in (client, *watchers) if settings.tls else ():
        _share_context(one)
    return RedisState(client, settings.key_prefix, watchers)


def _share_context(client: Any) -> None:
    """Have all connections of a client share one TLS context.

    redis-py makes one for each, and reads the system's authorities for it while all others wait:
    a worker that connects many times at once would answer nobody in time.
    """
    if not isinstance(client, RedisCluster):
        pool = client.connection_pool
        pool.connection_class = _sharing(pool.connection_class)
        return
    kind = _sharing(client.connection_kwargs["connection_class"])
    client.connection_kwargs["connection_class"] = kind
    for node in client.startup_nodes:
        node.connection_class = kind


def _sharing(kind: Any) -> Any:
    """The same kind of connection; the context that the first one makes is used by all."""
    made: list[Any] = []

    class Sharing(kind):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self.ssl_context)  # type: ignore[has-type]
            self.ssl_context = made[0]
            self.ssl_context.get()  # reads the authorities before anybody's time to connect runs
            del made[1:]

    return Sharing


def _login(settings: RedisSettings) -> dict[str, Any]:
    password = settings.password.get_secret_value() if settings.password else None
    return {"username": settings.username, "password": password}


def _limits(settings: RedisSettings) -> dict[str, Any]:
    return {
        "socket_timeout": SOCKET,
        "socket_connect_timeout": SOCKET,
        "retry": Retry(NoBackoff(), 0),
        "ssl": settings.tls,
        "decode_responses": True,
        "protocol": 2,
    }


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(f"//{url}")
    return parts.hostname or "", parts.port or PORT

"""The four verbs mean the same in the database and in Redis."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from cable import Cable

from identra.db import open_database
from identra.errors import StoreUnavailable
from identra.state import Addition, Count
from identra.state.database import DatabaseState
from identra.state.redis import open_redis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from clock import FrozenClock

    from identra.db import Database
    from identra.settings import Persistence, Redis
    from identra.state import State

PATIENCE = 10.0


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + PATIENCE
    while not await holds():
        assert time.monotonic() < end, "it never came true"
        await asyncio.sleep(0.05)


async def test_what_is_put_is_read_until_it_is_taken(state: State) -> None:
    assert await state.get("k") is None
    assert await state.put("k", "value", ttl=60)
    assert await state.get("k") == "value"
    assert await state.take("k") == "value"
    assert await state.get("k") is None
    assert await state.take("k") is None


async def test_a_second_put_replaces_unless_told_not_to(state: State) -> None:
    assert await state.put("k", "one", ttl=60)
    assert not await state.put("k", "two", ttl=60, replace=False)
    assert await state.get("k") == "one"
    assert await state.put("k", "three", ttl=60)
    assert await state.get("k") == "three"


async def test_of_20_who_put_only_if_absent_one_does(state: State) -> None:
    won = await asyncio.gather(*(state.put("k", f"v{i}", ttl=60, replace=False) for i in range(20)))
    assert sum(won) == 1
    assert await state.get("k") == f"v{won.index(True)}"


async def test_several_are_counted_as_each_would_be_by_itself(state: State) -> None:
    await state.count("a", ttl=60, by=2)
    await state.count("old", ttl=60, by=7)
    asked = (Addition("a", 60), Addition("b", 30, 3), Addition("c", 60, 0), Addition("old", 60))
    counts = await state.count_all(asked, dropping=("old", "nothing"))
    assert [count.value for count in counts] == [3, 3, 0, 1]
    assert [count.left for count in counts] == [pytest.approx(n, abs=2) for n in (60, 30, 0, 60)]
    assert await state.count_all((), dropping=("a",)) == []
    assert [count.value for count in await state.count_all(asked[:3])] == [1, 6, 0]


async def test_of_20_takers_one_gets_it(state: State) -> None:
    await state.put("k", "value", ttl=60)
    got = await asyncio.gather(*(state.take("k") for _ in range(20)))
    assert sorted(got, key=str) == [None] * 19 + ["value"]


async def test_a_value_put_and_taken_over_and_over_is_never_taken_twice(state: State) -> None:
    async def taker() -> list[str]:
        return [value for _ in range(20) if (value := await state.take("k"))]

    async def putter() -> list[str]:
        values = [f"v{i}" for i in range(20)]
        return [v for v in values if await state.put("k", v, ttl=60, replace=False)]

    put, *took = await asyncio.gather(putter(), *(taker() for _ in range(4)))
    left = await state.take("k")
    assert sorted([v for some in took for v in some] + ([left] if left else [])) == sorted(put)


async def test_concurrent_counts_are_all_counted_and_each_sees_its_own(state: State) -> None:
    counts = await asyncio.gather(*(state.count("k", ttl=60) for _ in range(20)))
    assert sorted(count.value for count in counts) == list(range(1, 21))
    assert all(0 < count.left <= 60 for count in counts)


async def test_looking_at_a_counter_counts_nothing_and_opens_no_window(state: State) -> None:
    assert await state.count("k", ttl=60, by=0) == Count(0, 0)
    assert (await state.count("k", ttl=60, by=3)).value == 3
    assert (await state.count("k", ttl=60, by=0)).value == 3
    assert (await state.count("k", ttl=60, by=-1)).value == 2


async def test_a_counter_is_no_value_and_taking_it_removes_it(state: State) -> None:
    await state.count("k", ttl=60)
    assert await state.get("k") is None
    assert await state.take("k") is None
    assert (await state.count("k", ttl=60)).value == 1


async def test_what_is_dropped_is_gone_and_nothing_else(state: State) -> None:
    names = [f"many-{number}" for number in range(20)]
    for name in names:
        await state.count(name, ttl=60, by=3)
    await state.put("kept", "value", ttl=60)
    await state.put("dropped", "value", ttl=60)
    await state.drop(*names[1:], "dropped", "never was there")
    assert [(await state.count(name, ttl=60, by=0)).value for name in names] == [3] + [0] * 19
    assert (await state.get("kept"), await state.get("dropped")) == ("value", None)


async def test_a_put_over_a_counter_replaces_it(state: State) -> None:
    await state.count("k", ttl=60)
    assert not await state.put("k", "value", ttl=60, replace=False)
    assert await state.put("k", "value", ttl=60)
    assert await state.get("k") == "value"


async def test_what_has_expired_is_as_good_as_gone(state: State) -> None:
    """In real time, for all stores: the turned clock of the databases has its own test."""
    await state.put("v", "value", ttl=1)
    await state.put("t", "value", ttl=1)
    await state.count("c", ttl=1, by=5)

    async def gone() -> bool:
        return await state.get("v") is None

    await eventually(gone)
    await eventually(lambda: _is(state.take("t"), None))
    await eventually(lambda: _is(state.count("c", ttl=60, by=0), Count(0, 0)))
    assert await state.put("v", "again", ttl=60, replace=False)
    assert (await state.count("c", ttl=60)).value == 1


async def _is(asked: Awaitable[object], wanted: object) -> bool:
    return await asked == wanted


async def test_a_window_begins_at_the_first_count_and_is_not_prolonged(
    database: Database, clock: FrozenClock
) -> None:
    state = DatabaseState(database)
    assert await state.count("k", ttl=60) == Count(1, 60)
    clock.advance(30)
    assert await state.count("k", ttl=60) == Count(2, 30)
    clock.advance(29.5)
    assert await state.count("k", ttl=60) == Count(3, 1)
    clock.advance(0.5)
    assert await state.count("k", ttl=60, by=0) == Count(0, 0)
    assert await state.count("k", ttl=60) == Count(1, 60)


async def test_no_window_is_longer_than_it_was_opened_for(
    database: Database, clock: FrozenClock
) -> None:
    """Of two counts at once the later may go by the earlier instant: it waited for its turn."""
    state = DatabaseState(database)
    assert await state.count("k", ttl=60) == Count(1, 60)
    clock.advance(-0.001)
    assert await state.count("k", ttl=60) == Count(2, 60)


async def test_a_value_ends_exactly_at_its_ttl(database: Database, clock: FrozenClock) -> None:
    state = DatabaseState(database)
    await state.put("k", "value", ttl=60)
    clock.advance(59.999)
    assert await state.get("k") == "value"
    clock.advance(0.001)
    assert await state.get("k") is None
    assert await state.take("k") is None
    assert await state.put("k", "new", ttl=60, replace=False)


KEYS = ["k", "K", "ķ", "ﬀ", "ff", "k ", " k", "é", "e\u0301", "k%", "k_", "0", "00"]


async def test_keys_are_compared_as_bytes(state: State) -> None:
    for key in KEYS:
        assert await state.put(key, f"<{key}>", ttl=60, replace=False)
    for key in KEYS:
        assert await state.get(key) == f"<{key}>"


@pytest.mark.parametrize("value", ["=", "0", "1", "é€😀", "x" * 100_000, '{"a": "\\u0000"}'])
async def test_a_value_comes_back_as_it_was(state: State, value: str) -> None:
    await state.put("k", value, ttl=60)
    assert await state.get("k") == value
    assert await state.take("k") == value


async def test_keys_have_1_to_128_characters(state: State) -> None:
    longest = "€" * 128
    await state.put(longest, "value", ttl=60)
    assert await state.take(longest) == "value"
    for key in ("", "k" * 129):
        for asked in (state.put(key, "v", ttl=1), state.get(key), state.count(key, ttl=1)):
            with pytest.raises(ValueError, match="128"):
                await asked


async def test_a_cancelled_caller_never_leaves_its_answer_to_another(state: State) -> None:
    for i in range(10):
        await state.put(f"k{i}", f"v{i}", ttl=60)
    for i in range(100):
        asking = asyncio.create_task(state.get(f"k{i % 10}"))
        for _ in range(i % 5):
            await asyncio.sleep(0)
        asking.cancel()
        got = await asyncio.gather(*(state.get(f"k{n}") for n in range(10)))
        assert got == [f"v{n}" for n in range(10)]


async def test_redis_out_of_reach_is_said_and_found_again(redis_place: Redis) -> None:
    host, port = redis_place.urls[0].split(":")
    async with Cable.to(host, int(port)) as cable:
        state = open_redis(_by(cable, redis_place))
        await state.put("k", "value", ttl=60)
        cable.cut()
        for asked in (state.get("k"), state.take("k"), state.count("c", ttl=9), state.ping()):
            with pytest.raises(StoreUnavailable) as caught:
                await asked
            assert caught.value.retry_after == 1
        cable.mend()
        assert await state.get("k") == "value"
        await state.close()


async def test_a_redis_that_does_not_answer_is_given_up_in_time(
    redis_place: Redis,
) -> None:
    host, port = redis_place.urls[0].split(":")
    async with Cable.to(host, int(port)) as cable:
        state = open_redis(_by(cable, redis_place))
        await state.ping()
        cable.deaden()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await state.get("k")
        assert time.monotonic() - began < 1.5
        await state.close()


async def test_a_database_that_is_closed_is_unavailable(persistence: Persistence) -> None:
    db = await open_database(persistence)
    state = DatabaseState(db)
    await db.close()
    for asked in (state.get("k"), state.put("k", "v", ttl=1), state.ping()):
        with pytest.raises(StoreUnavailable):
            await asked


def _by(cable: Cable, place: Redis) -> Redis:
    return place.model_copy(update={"urls": (f"127.0.0.1:{cable.port}",)})

"""A process that must count alone keeps to the contract, within bounds, and asks again in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from identra.errors import StoreUnavailable
from identra.state import Addition, Count
from identra.state.counting import ProcessCounts, SteadyCounts

if TYPE_CHECKING:
    from collections.abc import Sequence


class Seconds:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


async def test_a_window_begins_at_the_first_count_and_is_not_prolonged(seconds: Seconds) -> None:
    counts = ProcessCounts(clock=seconds)
    assert await counts.count("k", ttl=60, by=0) == Count(0, 0)
    assert await counts.count("k", ttl=60) == Count(1, 60)
    seconds.now += 59.5
    assert await counts.count("k", ttl=60, by=3) == Count(4, 1)
    assert await counts.count("k", ttl=60, by=-1) == Count(3, 1)
    assert await counts.count("k", ttl=60, by=0) == Count(3, 1)
    seconds.now += 0.5
    assert await counts.count("k", ttl=60, by=0) == Count(0, 0)
    assert await counts.count("k", ttl=60) == Count(1, 60)
    assert await counts.take("k") is None
    assert await counts.count("k", ttl=60, by=0) == Count(0, 0)


async def test_a_flood_of_keys_frees_nobody_and_ends_with_its_windows(seconds: Seconds) -> None:
    counts = ProcessCounts(clock=seconds, room=3)
    for key in "abc":
        await counts.count(key, ttl=60, by=5)
    with pytest.raises(StoreUnavailable):
        await counts.count("d", ttl=60)
    assert (await counts.count("a", ttl=60)).value == 6
    seconds.now += 60
    assert await counts.count("d", ttl=60) == Count(1, 60)
    assert await counts.count("a", ttl=60) == Count(1, 60)


class Away:
    """A store that can be sent away, and tells how often it was asked."""

    def __init__(self, seconds: Seconds) -> None:
        self._counts = ProcessCounts(clock=seconds)
        self.away = False
        self.asked = 0

    async def count(self, key: str, *, ttl: int, by: int = 1) -> Count:
        self._answer()
        return await self._counts.count(key, ttl=ttl, by=by)

    async def count_all(
        self, additions: Sequence[Addition], *, dropping: Sequence[str] = ()
    ) -> list[Count]:
        self._answer()
        return await self._counts.count_all(additions, dropping=dropping)

    async def take(self, key: str) -> str | None:
        self._answer()
        return await self._counts.take(key)

    async def drop(self, *keys: str) -> None:
        self._answer()
        await self._counts.drop(*keys)

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("away")


async def test_a_store_that_failed_is_not_asked_for_a_second(seconds: Seconds) -> None:
    store = Away(seconds)
    counts = SteadyCounts(store, clock=seconds)
    assert (await counts.count("k", ttl=60, by=4)).value == 4
    store.away = True
    assert (await counts.count("k", ttl=60)).value == 1
    assert (await counts.count("k", ttl=60)).value == 2
    assert store.asked == 2
    await counts.take("k")
    assert (await counts.count("k", ttl=60)).value == 1
    store.away = False
    seconds.now += 1
    assert (await counts.count("k", ttl=60)).value == 5


async def test_what_is_counted_together_is_counted_here_while_the_store_is_away(
    seconds: Seconds,
) -> None:
    store = Away(seconds)
    counts = SteadyCounts(store, clock=seconds)
    await counts.count("a", ttl=60)
    store.away = True
    both = [Addition("a", 60), Addition("b", 60, 2)]
    assert await counts.count_all(both) == [Count(1, 60), Count(2, 60)]
    assert await counts.count_all(both[1:], dropping=("a", "b")) == [Count(2, 60)]
    assert await counts.count("a", ttl=60, by=0) == Count(0, 0)
    assert store.asked == 2

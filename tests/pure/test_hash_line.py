"""The line before the hashing threads: bounded, and nobody's alone."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.hashing import Asking, Hashing
from identra.hashing.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
ROOM = 10
NETWORKS = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3", None])
ADDRESSES = st.sampled_from(["ada@example.com", "eve@example.com", None])
ASKINGS = st.builds(Asking, NETWORKS, ADDRESSES)
STEPS = st.lists(st.one_of(ASKINGS, ASKINGS, ASKINGS, st.none()), min_size=ROOM, max_size=40)


@given(STEPS)
def test_no_side_takes_more_places_than_it_leaves_free(steps: list[Asking | None]) -> None:
    """Somebody asks, or somebody's turn is over; at any moment all is in bounds."""
    line: Line[Asking] = Line(ROOM)
    inside: list[Asking] = []
    for asking in steps:
        if asking is None:
            if gone := line.next():
                inside.remove(gone)
                line.leave(gone)
            continue
        held = {side: sum(side in one.sides for one in inside) for side in asking.sides}
        free = ROOM - len(inside)
        fair = free > 0 and all(count < free for count in held.values())
        assert (line.has_room(asking), line.crowded or fair) == (fair, True)
        assert line.take(asking) is fair
        if fair:
            line.wait(asking, asking)
            inside.append(asking)
        assert line.taken == len(inside) <= ROOM
    while gone := line.next():
        line.leave(gone)
    assert (line.taken, dict(line._held)) == (0, {})


def test_a_side_alone_gets_half_and_the_next_gets_in() -> None:
    line: Line[int] = Line(ROOM)
    flood, other = Asking("192.0.2.1"), Asking("192.0.2.2")
    assert sum(line.take(flood) for _ in range(ROOM)) == ROOM // 2
    assert line.take(other)


def test_an_operator_is_counted_with_nobody() -> None:
    line: Line[int] = Line(ROOM)
    assert all(line.take(Asking()) for _ in range(ROOM))
    assert not line.take(Asking())


def test_networks_take_turns_and_each_keeps_its_order() -> None:
    line: Line[str] = Line(ROOM)
    for name in ("a1", "a2", "a3", "b1", "c1", "b2"):
        line.wait(Asking(f"192.0.2.{ord(name[0])}"), name)
    assert [line.next() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", None]


def test_where_no_network_may_be_counted_addresses_take_turns() -> None:
    line: Line[str] = Line(ROOM)
    for address, name in (("ada", "a1"), ("ada", "a2"), ("eve", "e1")):
        line.wait(Asking(None, address), name)
    assert [line.next() for _ in range(3)] == ["a1", "e1", "a2"]


async def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    hashing, over, begun = _one_thread(), threading.Event(), threading.Event()
    first = asyncio.create_task(run(hashing, Asking(), over.wait))
    left = asyncio.create_task(run(hashing, Asking(), begun.set))
    await asyncio.sleep(0)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    over.set()
    await first
    await run(hashing, Asking(), lambda: None)
    assert not begun.is_set()
    assert hashing.busy == 0
    hashing.close()


async def test_a_room_that_closes_leaves_nobody_waiting() -> None:
    hashing, over = _one_thread(), threading.Event()
    first = asyncio.create_task(run(hashing, Asking(), over.wait))
    second = asyncio.create_task(run(hashing, Asking(), over.wait))
    await asyncio.sleep(0)
    hashing.close()
    with pytest.raises(asyncio.CancelledError):
        await second
    over.set()
    assert await first


async def test_what_fails_is_told_and_gives_its_place_back() -> None:
    hashing = _one_thread()
    with pytest.raises(ZeroDivisionError):
        await run(hashing, Asking("192.0.2.1"), lambda: 1 / 0)
    assert hashing.busy == 0
    hashing.close()


async def run(hashing: Hashing, asking: Asking, act: Callable[[], T]) -> T:
    with hashing.place(asking) as place:
        return await place.run(act)


def _one_thread() -> Hashing:
    return Hashing(memory_kib=19_456, time_cost=2, parallelism=1, threads=1)


async def test_a_place_that_was_not_used_is_free_again() -> None:
    hashing = _one_thread()
    with hashing.place(Asking()):
        assert hashing.busy == 1
    assert hashing.busy == 0
    hashing.close()

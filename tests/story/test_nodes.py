"""A node says that it is up, and anybody may ask whether that could be said."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from piccolo.querystring import QueryString

from identra.app.keeping import keep
from identra.errors import StoreUnavailable
from identra.nodes import Nodes

if TYPE_CHECKING:
    from identra.db import Database


class Counted(Nodes):
    """Tells how often it was written."""

    sayings = 0

    async def _say(self) -> None:
        self.sayings += 1
        await super()._say()


async def test_probes_at_once_share_what_they_have_written(database: Database) -> None:
    """A store in trouble is not written to for every stranger who asks how it fares.

    The first of them begins one try, and those who came while it was under way share the next.
    """
    node = Counted(database)
    await database.change(QueryString('ALTER TABLE "identra_state" RENAME TO "away"'))
    with pytest.raises(StoreUnavailable):
        await node.announce()
    told = await asyncio.gather(*(node.reassure() for _ in range(20)), return_exceptions=True)
    assert {type(each) for each in told} == {StoreUnavailable}
    assert node.sayings == 3
    await database.change(QueryString('ALTER TABLE "away" RENAME TO "identra_state"'))
    await asyncio.gather(*(node.reassure() for _ in range(20)))
    assert node.sayings == 4
    assert (await node.live()).all == 1


async def test_what_nobody_foresaw_ends_no_upkeep() -> None:
    """A node that says no more that it is up is taken for stopped, and copied under its feet."""
    turns, again = 0, asyncio.Event()

    async def act() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            raise RuntimeError
        again.set()

    async with AsyncExitStack() as opened:
        keep(0, act, opened)
        async with asyncio.timeout(5):
            await again.wait()

"""Holding the places of the line for hashes, so that there is room for few, or for nobody."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from identra.hashing import Asking, Hashing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from identra.app import App


NOBODYS = Asking()


@asynccontextmanager
async def held(app: App, places: int, asking: Asking = NOBODYS) -> AsyncIterator[None]:
    """So many places taken, those of all threads first, until the block is left."""
    hashing, over = app.login._hashing, threading.Event()
    hashes = [asyncio.create_task(_hold(hashing, asking, over)) for _ in range(places)]
    await asyncio.sleep(0)
    assert hashing.busy == places
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*hashes)


async def _hold(hashing: Hashing, asking: Asking, over: threading.Event) -> None:
    with hashing.place(asking) as place:
        await place.run(over.wait)


def full_queue(app: App) -> AbstractAsyncContextManager[None]:
    """No room for anybody, until the block is left."""
    return held(app, app.login._hashing.room)

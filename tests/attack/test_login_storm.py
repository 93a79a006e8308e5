"""A storm of logins that fills the hash queue locks nobody out of her account."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from homes import HERE, PASSWORD, code_for, open_home

from identra.errors import Busy, InvalidCredentials, RateLimited
from identra.limits import GUESSING, IN_ALL, SECRET

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence

ADA = "ada@example.com"
IMMEDIATE = {"password": {"registration": "immediate"}}


@asynccontextmanager
async def full_queue(app: App) -> AsyncIterator[None]:
    """Every hashing thread busy, and every place of the queue taken, until the block is left."""
    hashing, over = app.login._hashing, threading.Event()
    hashes = [asyncio.create_task(hashing._run(over.wait)) for _ in range(hashing._free)]
    await asyncio.sleep(0)
    assert hashing._free == 0
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*hashes)


async def test_a_try_that_was_not_judged_is_not_counted(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        async with full_queue(app):
            for _ in range(SECRET.most * IN_ALL + 1):
                with pytest.raises(Busy):
                    await app.login.by_secret("password", ADA, PASSWORD, HERE)
        await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_nor_does_a_full_queue_give_further_guesses(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        for _ in range(SECRET.most):
            with pytest.raises(InvalidCredentials):
                await app.login.by_secret("password", ADA, "wrong", HERE)
        async with full_queue(app):
            with pytest.raises(RateLimited):
                await app.login.by_secret("password", ADA, PASSWORD, HERE)
        with pytest.raises(RateLimited):
            await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_a_code_that_was_not_looked_at_is_no_guess(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        code = code_for(app, ADA)
        async with full_queue(app):
            for _ in range(GUESSING[0].most + 1):
                with pytest.raises(Busy):
                    await app.registration.confirm("password", ADA, code, PASSWORD, HERE)
        await app.registration.confirm("password", ADA, code, PASSWORD, HERE)

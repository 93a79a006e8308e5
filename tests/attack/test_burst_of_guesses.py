"""Attack: guess a password many times at once, so that the waits double for each guess.

The wait is the owner's too: one burst earns one wait, and the next burst the next longer one.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from homes import HERE, open_home

from identra.errors import InvalidCredentials, RateLimited

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.app import App
    from identra.settings import Persistence

ADA = "ada@example.com"


async def guess(app: App) -> None:
    await app.login.by_secret("password", ADA, "not hers", HERE)


async def test_a_burst_earns_one_wait(
    tmp_path: Path,
    persistence: Persistence,
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine with so many processors that hashes have room for the burst."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    async with open_home(tmp_path, persistence, clock=clock) as app:
        for wait in (60, 120, 240):
            burst = await asyncio.gather(*(guess(app) for _ in range(8)), return_exceptions=True)
            assert {type(outcome) for outcome in burst} <= {InvalidCredentials, RateLimited}
            with pytest.raises(RateLimited) as limited:
                await guess(app)
            assert limited.value.retry_after == wait
            clock.advance(wait)

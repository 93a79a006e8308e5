"""Finding users among many, as operators do: what a page takes, and what is held meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import population

from bench.growth import fill
from bench.served import resident
from bench.service import settle, write_settings
from identra.db import open_database
from identra.users import Finding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from bench.stores import Store
    from identra.settings import Persistence
    from identra.users import Page

TURNS: Final = 200
"""How often each is asked in a round."""
LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds that each answer took, by what was asked; MiB held after the first round and last."""

    took: Mapping[str, Sequence[float]]
    held: tuple[float, float]


def measure(store: Store, users: int, rounds: int) -> Found:
    """Fill a new database and ask it, each page at another place."""
    with tempfile.TemporaryDirectory(prefix="identra-bench-") as home:
        folder = Path(home)
        with store.fresh(folder) as place:
            settle(write_settings(folder, place))
            fill(place, users)
            return asyncio.run(_ask(place, users, rounds))


async def _ask(place: Persistence, users: int, rounds: int) -> Found:
    db = await open_database(place)
    took: dict[str, list[float]] = {}
    held = []
    try:
        for _ in range(rounds):
            for name, ask in _questions(Finding(db), users).items():
                took.setdefault(name, []).extend([await _timed(ask) for _ in range(TURNS)])
            held.append(resident(os.getpid()) or 0.0)
    finally:
        await db.close()
    return Found(took, (held[0], held[-1]))


def _questions(finding: Finding, users: int) -> dict[str, Callable[[], Awaitable[Page]]]:
    """What is asked, by name; `somebody` is another one each time."""

    def somebody() -> str:
        return population.email(random.randrange(users))  # noqa: S311 - no secret

    def someone() -> str:
        number = random.randrange(users)  # noqa: S311 - no secret
        return f"{number:08}-0000-7000-8000-000000000000"

    page, beginning = partial(finding.page, limit=LIMIT), partial(finding.beginning, limit=LIMIT)
    return {
        "all: first page": page,
        "all: any page": lambda: page(after=someone()),
        "prefix of one": lambda: beginning(somebody()),
        "prefix of some": lambda: beginning(somebody()[:5]),
        "prefix of all: first page": lambda: beginning("p"),
        "prefix of all: any page": lambda: beginning("p", after=somebody()),
        "prefix of nobody": lambda: beginning("nobody"),
    }


async def _timed(ask: Callable[[], Awaitable[Page]]) -> float:
    began = time.perf_counter()
    await ask()
    return time.perf_counter() - began

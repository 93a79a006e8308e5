"""Plugins that a test writes on the spot, and what they were asked."""

from __future__ import annotations

import asyncio
import json
from types import ModuleType
from typing import TYPE_CHECKING, Any

from identra.plugin import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from callers import House

AN_HOUR = 3600


def plugin(name: str, *hooks: Callable[..., Any], **held: Any) -> ModuleType:
    """A module with these hooks, each under the name of its function."""
    module = ModuleType(f"test_{name}")
    module.contract = 1  # type: ignore[attr-defined]
    for hook in hooks:
        setattr(module, hook.__name__, hookimpl(hook))
    for key, value in held.items():
        setattr(module, key, value)
    return module


def answering(hook: str, answer: Any) -> Callable[..., Any]:
    """A hook that gives an answer, or does what is told to by a function."""

    async def act() -> Any:
        return (await answer()) if callable(answer) else answer

    act.__name__ = hook
    return act


async def raises() -> Any:
    raise RuntimeError("a secret: hunter2")


async def exits() -> Any:
    raise SystemExit(3)


async def waits() -> Any:
    await asyncio.sleep(AN_HOUR)


async def clings() -> Any:
    """Waits for an hour, and another when told to end; the test's end is the second word."""
    for _ in range(2):
        try:
            await asyncio.sleep(AN_HOUR)
        except asyncio.CancelledError:
            continue


async def cancels_itself() -> Any:
    raise asyncio.CancelledError


async def gives_rubbish() -> Any:
    return object()


BAD = (raises, exits, waits, clings, cancels_itself, gives_rubbish)


async def events(house: House, name: str) -> list[Mapping[str, Any]]:
    """What the events of a name tell, oldest first."""
    db = house.app.database
    t = db.tables.events
    rows = await db.fetch(t.select().where(t.name == name).order_by(t.at))
    return [json.loads(row["data"]) | {"user_id": row["user_id"]} for row in rows]

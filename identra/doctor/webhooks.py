"""Webhooks: whether each target may be called where it is, and what did not arrive there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from identra.dispatches import DEAD, WAITING, Dispatches
from identra.doctor.finding import Kind
from identra.errors import IdentraError
from identra.upstream.outlet import CONNECT, Barred, fit_address
from identra.values import HOUR, rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from identra.db import Database
    from identra.dispatches import Count
    from identra.doctor.finding import Finding
    from identra.webhooks import Target

READY: Final = Kind("WEBHOOK_READY", "ok")
UNREACHED: Final = Kind(
    "WEBHOOK_UNREACHED",
    "error",
    "Look at the target's url and at DNS; within your own network it needs allow_private = true.",
)
GONE: Final = Kind(
    "WEBHOOK_GONE",
    "error",
    "Once it takes events again, run `identra webhooks replay`; or take its section out.",
)
DEAD_LETTERS: Final = Kind(
    "WEBHOOK_DEAD", "warning", "Once the target is mended, run `identra webhooks replay`."
)
BEHIND: Final = Kind(
    "WEBHOOK_BEHIND", "warning", "See what it answers by `identra webhooks show`; is a node up?"
)
LEFT: Final = Kind(
    "WEBHOOK_LEFT",
    "note",
    "Give the target its section again, or leave them: they are removed after 30 days.",
)
KINDS: Final = (READY, UNREACHED, GONE, DEAD_LETTERS, BEHIND, LEFT)

PATIENCE: Final = HOUR
"""Whoever waits longer has been tried several times, or nobody sends."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A target's queue. `gone` is since when it wants no more, or None."""

    waiting: Count
    dead: Count
    gone: int | None


async def look(targets: Sequence[Target], db: Database | None) -> list[Finding]:
    """Examine each target; nothing is sent to it. Without a database its queue is left out."""
    found: list[Finding] = []
    for target in targets:
        found.append(await _place(target))
        if db is not None:
            found += await _queue(target, db)
    if db is not None:
        found += await _left({target.name for target in targets}, db)
    return found


def judge(name: str, seen: Seen, now: int) -> Iterator[Finding]:
    """What is to be said of a target's queue."""
    if seen.gone is not None:
        yield GONE.of(f"{name}: it answered 410 at {rfc3339(seen.gone)}, and is called no more")
    if seen.dead.found:
        yield DEAD_LETTERS.of(f"{name}: {seen.dead.found} events were given up")
    oldest = seen.waiting.oldest
    if oldest is not None and now - oldest > PATIENCE:
        waits = f"{seen.waiting.found} events wait, the oldest since {rfc3339(oldest)}"
        yield BEHIND.of(f"{name}: {waits}")


async def _place(target: Target) -> Finding:
    host = urlsplit(target.url).hostname
    try:
        async with asyncio.timeout(CONNECT):
            address = await fit_address(target.url, target.grounds)
    except Barred:
        return UNREACHED.of(f"{target.name}: {host} leads to no address that may be called")
    except OSError as fault:  # a TimeoutError is one
        return UNREACHED.of(f"{target.name}: {host} is not found ({type(fault).__name__})")
    return READY.of(f"{target.name}: {host} leads to {address}")


async def _queue(target: Target, db: Database) -> list[Finding]:
    dispatches = Dispatches(db)
    try:
        seen = Seen(
            waiting=await dispatches.count(target.name, WAITING),
            dead=await dispatches.count(target.name, DEAD),
            gone=await dispatches.gone(target.name, target.place),
        )
        return list(judge(target.name, seen, await db.instant()))
    except IdentraError:  # which the database's findings tell
        return []


async def _left(known: set[str], db: Database) -> list[Finding]:
    try:
        names = set(await Dispatches(db).targets()) - known
    except IdentraError:  # as above
        return []
    said = "events are kept for it, which the settings do not name"
    return [LEFT.of(f"{name}: {said}") for name in sorted(names)]

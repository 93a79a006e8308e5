"""Redis: whether it answers, and whether it would throw our state away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.doctor.finding import Kind
from identra.errors import IdentraError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.doctor.finding import Finding
    from identra.state.redis import RedisState

READY: Final = Kind("REDIS_READY", "ok")
UNREACHED: Final = Kind(
    "REDIS_UNREACHED", "error", "Look at redis.urls, its password and tls, and at its log."
)
EVICTS: Final = Kind(
    "REDIS_EVICTS",
    "error",
    "Set maxmemory-policy noeviction: else codes and allowances vanish when memory is short.",
)
UNTOLD: Final = Kind(
    "REDIS_UNTOLD", "warning", "Look yourself that its maxmemory-policy is noeviction."
)
KINDS: Final = (READY, UNREACHED, EVICTS, UNTOLD)

KEEPS: Final = "noeviction"


@dataclass(frozen=True, slots=True)
class Seen:
    """What each server says of itself: its policy when memory is short, or "" if it is silent."""

    policies: tuple[str, ...]


async def look(redis: RedisState) -> Seen | str:
    """Ask Redis; why not, if it can't be asked."""
    try:
        await redis.ping()
    except IdentraError as fault:
        return fault.detail
    try:
        return Seen(await redis.policies())
    except IdentraError:
        return Seen(("",))


def judge(seen: Seen | str) -> Iterator[Finding]:
    """What is to be said of it."""
    if isinstance(seen, str):
        yield UNREACHED.of(seen)
        return
    others = sorted(set(seen.policies) - {KEEPS})
    for policy in others:
        if policy:
            yield EVICTS.of(f"maxmemory-policy is {policy}")
        else:
            yield UNTOLD.of("it does not tell its maxmemory-policy to this account")
    if not others:
        yield READY.of(f"maxmemory-policy is {KEEPS} on each of {len(seen.policies)}")

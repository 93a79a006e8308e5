"""Short-lived state: four atomic verbs and `drop`, kept in the database or in Redis.

A key has 1 to 128 characters, compared as bytes, and holds a value (a non-empty string) or a
counter, never both at a time. What has expired is as good as gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Count:
    """What a counter holds, and the seconds, rounded up, until its window ends (0: none open)."""

    value: int
    left: int


@dataclass(frozen=True, slots=True)
class Addition:
    """What `count` is to add to which counter; `by=0` looks."""

    key: str
    ttl: int
    by: int = 1


class Counts(Protocol):
    """The half of the contract that allowances need."""

    async def count(self, key: str, *, ttl: int, by: int = 1) -> Count:
        """Add to a counter and tell what it became.

        The window of `ttl` seconds begins at the first count and is not prolonged by the next.
        `by=0` looks without opening a window.
        """
        ...

    async def count_all(
        self, additions: Sequence[Addition], *, dropping: Sequence[str] = ()
    ) -> list[Count]:
        """Count several, in their order and each by itself, once those `dropping` are removed.

        One server of Redis is asked once for all of it.
        """
        ...

    async def take(self, key: str) -> str | None:
        """Read a value and remove it: of many takers one gets it. Removes a counter too."""
        ...

    async def drop(self, *keys: str) -> None:
        """Remove what these hold, each by itself, at the price of one verb."""
        ...


class State(Counts, Protocol):
    """The contract. Every verb raises StoreUnavailable when the store can't do its work now.

    `ttl` is in seconds and positive. A caller who is cancelled, or told StoreUnavailable, can't
    know whether the verb took effect; it did wholly or not at all.
    """

    async def put(self, key: str, value: str, *, ttl: int, replace: bool = True) -> bool:
        """Keep a value; with `replace=False` only where nothing is kept. True if it was."""
        ...

    async def get(self, key: str) -> str | None:
        """Read a value; None if there is none, or a counter."""
        ...

    async def ping(self) -> None:
        """Raise StoreUnavailable unless the store answers."""
        ...

    async def close(self) -> None:
        """Give up what was opened for this store alone."""
        ...


def checked(key: str) -> str:
    """Give the key back, or raise ValueError: a key of the wrong length is a mistake of ours."""
    if not 0 < len(key) <= KEY_LENGTH:
        raise ValueError(f"a key has 1 to {KEY_LENGTH} characters")
    return key

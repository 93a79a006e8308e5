"""What is there afterwards: the rows, and what becomes of the tokens that were given out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Row:
    """A session's."""

    user: str
    generation: int = 0
    revoked_for: str = ""
    """Empty while it is not revoked."""


@dataclass(frozen=True)
class Tried:
    """What a session's tokens were good for in the end.

    `alive`: its access token was taken. `advanced`: the generations whose refresh token was
    exchanged, the newest that anybody was told of first, then the one before it.
    """

    alive: bool = True
    advanced: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Records:
    """The rows were read before anything was tried.

    `owners` are the users that a finder leads to, `signed_in` who signs in by an address and the
    password, `published` the ids of the keys. Of `events`, a revocation counts its sessions.
    """

    users: frozenset[str] = frozenset()
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    secrets: Mapping[str, int] = field(default_factory=dict)
    sessions: Mapping[str, Row] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=Counter)
    tried: Mapping[str, Tried] = field(default_factory=dict)
    signed_in: Mapping[str, str] = field(default_factory=dict)
    published: frozenset[str] = frozenset()

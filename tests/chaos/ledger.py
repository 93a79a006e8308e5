"""What those who asked were told: one entry a call, kept the moment it is over and not before."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Act: TypeAlias = Literal[
    "ask",
    "confirm",
    "password",
    "code",
    "begin",
    "oauth",
    "bind",
    "refresh",
    "revoke",
    "revoke_all",
    "info",
    "keys",
]
OPENING: frozenset[Act] = frozenset({"confirm", "password", "code", "oauth", "bind"})
"""Acts that open a session."""


class Outcome(Enum):
    """What a call came to, as far as its caller knows."""

    acknowledged = "acknowledged"
    refused = "refused"
    unknown = "unknown"
    """No answer, or one that does not tell whether it was done."""


@dataclass(frozen=True)
class Entry:
    """One call. What it does not know is empty.

    `finders` are what a user is found by, such as `mail:ada@example.com`; `proof` is the code or
    state that was shown, which is good for one; `session` the one it opened, or was about, and
    `generation` the refresh token's that was shown.
    """

    act: Act
    outcome: Outcome
    began: float
    ended: float
    door: str = "rest"
    reason: str = ""
    says: str = ""
    finders: tuple[str, ...] = ()
    proof: str = ""
    user: str = ""
    session: str = ""
    generation: int = -1
    successor: int = -1
    key: str = ""
    kid: str = ""

    @property
    def acknowledged(self) -> bool:
        return self.outcome is Outcome.acknowledged

    @property
    def may_have_acted(self) -> bool:
        """Whether there may be an effect."""
        return self.outcome is not Outcome.refused


@dataclass
class Ledger:
    """The entries of all who asked, in the order in which they ended; `also` gets them as well."""

    entries: list[Entry] = field(default_factory=list)
    also: Ledger | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, entry: Entry) -> Entry:
        with self._lock:
            self.entries.append(entry)
        return self.also.write(entry) if self.also else entry

    def __len__(self) -> int:
        return len(self.entries)

    def of(self, *acts: Act) -> Iterator[Entry]:
        return (entry for entry in list(self.entries) if entry.act in acts)

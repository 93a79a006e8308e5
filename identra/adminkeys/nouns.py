"""An admin key, what it may be used for, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from identra.secret import token_bytes
from identra.values import DAY

Scope: TypeAlias = Literal[
    "users:read",
    "users:write",
    "users:prove",
    "users:delete",
    "limits:read",
    "limits:write",
    "providers:read",
    "keys:read",
    "events:read",
]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

PREFIX: Final = "identra_admin_"
"""By this a scanner for secrets knows a key that leaked."""
LONGEST_LIFE: Final = 3 * 365 * DAY
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_WRITTEN: Final = re.compile(rf"{PREFIX}([0-9a-f]{{16}})_[0-9a-f]{{64}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AdminKey:
    """What is kept of a key; nothing of it opens anything. `last_used_at` is coarse."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None = None
    last_used_at: int | None = None

    @property
    def by(self) -> str:
        """How the record names whoever acts with it."""
        return f"admin key {self.name}"

    def live(self, now: int) -> bool:
        """Whether it opens anything at this instant."""
        return self.revoked_at is None and now < self.expires_at

    def may(self, scope: Scope) -> bool:
        """Whether that is among what it was made for."""
        return scope in self.scopes


def write() -> tuple[str, str]:
    """A new key: its id, which is no secret, and all of it, with 256 random bits."""
    key_id = token_bytes(8).hex()
    return key_id, f"{PREFIX}{key_id}_{token_bytes().hex()}"


def read(written: str) -> str | None:
    """The id of a key in its one spelling; None for anything else."""
    found = _WRITTEN.fullmatch(written)
    return found[1] if found else None

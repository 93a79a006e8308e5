"""A user, and what is hers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from identra.locales import Locale


@dataclass(frozen=True, slots=True)
class Credential:
    """A hash we keep, whose it is, and since when its secret is hers."""

    user_id: str
    hash: str
    set_at: int


@dataclass(frozen=True, slots=True)
class Identity:
    """A user at a provider."""

    provider: str
    subject: str
    username: str
    linked_at: int


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An address of a user; `proved_at` is None while she merely claims it."""

    email: str
    proved_at: int | None


@dataclass(frozen=True, slots=True)
class User:
    """A user as she stands: addresses oldest first; `locale` is the language she asked mail in."""

    user_id: str
    created_at: int
    last_login_at: int | None
    disabled_at: int | None
    disabled_reason: str | None
    addresses: tuple[OwnAddress, ...]
    identities: tuple[Identity, ...]
    secrets: tuple[str, ...]
    locale: Locale | None = None

    @property
    def disabled(self) -> bool:
        """Whether she may not enter."""
        return self.disabled_at is not None

    @property
    def address(self) -> OwnAddress | None:
        """The oldest proved address, else the claimed one."""
        proved = [address for address in self.addresses if address.proved_at is not None]
        return min(
            proved or self.addresses, key=lambda own: (own.proved_at or 0, own.email), default=None
        )

"""A user, and what is hers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.locales import Locale


@dataclass(frozen=True, slots=True)
class Credential:
    """A hash we keep, whose it is, and since when its secret is hers.

    `change_required_at` is when an operator asked for another secret, which was not set yet.
    """

    user_id: str
    hash: str
    set_at: int
    change_required_at: int | None = None


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
class Holdings:
    """What the rows of a user's own things say, but for the hashes of her secrets."""

    addresses: tuple[dict[str, Any], ...]
    identities: tuple[dict[str, Any], ...]
    credentials: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some users of many. `next` is where the page after it begins, "" where there is none."""

    users: tuple[User, ...]
    next: str


@dataclass(frozen=True, slots=True)
class User:
    """A user as she stands: addresses oldest first.

    `primary_email` is the address that she chose, `locale` the language she asked mail in.
    """

    user_id: str
    created_at: int
    last_login_at: int | None
    disabled_at: int | None
    disabled_reason: str | None
    addresses: tuple[OwnAddress, ...]
    identities: tuple[Identity, ...]
    secrets: tuple[str, ...]
    primary_email: str | None = None
    locale: Locale | None = None

    @property
    def untouched(self) -> bool:
        """Whether nobody was ever in, nor set or bound anything by which to get in."""
        return self.last_login_at is None and not (self.proved or self.identities or self.secrets)

    @property
    def disabled(self) -> bool:
        """Whether she may not enter."""
        return self.disabled_at is not None

    @property
    def proved(self) -> tuple[OwnAddress, ...]:
        """The addresses that she proved, the first proved first."""
        proved = (own for own in self.addresses if own.proved_at is not None)
        return tuple(sorted(proved, key=lambda own: (own.proved_at or 0, own.email)))

    @property
    def known_as(self) -> Mapping[str, tuple[str, ...]]:
        """What an attempt about her may be about, by the provider that was asked.

        Under "" the addresses that she proved, whichever was asked. What she merely typed may be
        another's, and so may be what reads like her subject at another provider.
        """
        hers = tuple(own.email for own in self.proved)
        named: dict[str, tuple[str, ...]] = {"": hers} if hers else {}
        for one in self.identities:
            named[one.provider] = (*named.get(one.provider, ()), one.subject)
        return named

    @property
    def address(self) -> OwnAddress | None:
        """The primary address: the one she chose, else the oldest proved, else a claimed one."""
        chosen = (own for own in self.proved if own.email == self.primary_email)
        rest = self.proved or sorted(self.addresses, key=lambda own: own.email)
        return next(iter((*chosen, *rest)), None)


@dataclass(frozen=True, slots=True)
class InSession:
    """A user, None where there is none, and one of her sessions, as they are at one instant.

    `left` are the microseconds that the session goes on: none once it is over or was ended. None
    where it is not hers.
    """

    user: User | None
    left: int | None

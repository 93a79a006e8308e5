"""What the ring is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from identra.errors import OperatorError
from identra.values import MINUTE, SECOND

if TYPE_CHECKING:
    from jwcrypto.jwk import JWK

Algorithm: TypeAlias = Literal["RS256", "ES256", "EdDSA"]
KeyState: TypeAlias = Literal["passive", "active", "former", "retired", "revoked"]
Purpose: TypeAlias = Literal["sig", "mac"]

PUBLISHED: Final = frozenset({"passive", "active", "former"})
NEXT: Final = "next"
"""The slot of the one key that is published and does not sign yet."""

MARGIN: Final = 5 * MINUTE
"""How much longer than all it signed a former key is kept: for clocks that differ, and for
processes that learn late that it signs no more."""


class NoKeysError(OperatorError):
    """The database holds no key ring yet."""


class KeyRefused(OperatorError):
    """What was asked of a key can't be done now: why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair that signs or verifies. `jwk` holds the private part."""

    kid: str
    algorithm: Algorithm
    jwk: JWK = field(repr=False)


@dataclass(frozen=True, slots=True)
class RingSecret:
    """The 256 bits from which every keyed digest is split; its id travels in refresh tokens."""

    secret_id: str
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Jwks:
    """The published key set (RFC 7517, 5) as bytes, its strong entity tag, its algorithms."""

    body: bytes
    etag: str
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ring:
    """What one process holds of the ring, opened."""

    signer: SigningKey
    verifiers: dict[str, SigningKey]
    secret: RingSecret
    secrets: dict[str, RingSecret]
    jwks: Jwks
    rows: dict[str, dict[str, Any]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lives:
    """The longest that what a key signs, or a secret proves, may live; in seconds."""

    access: int
    session: int

    def under(self, purpose: str) -> int:
        """The longest life under a key of this purpose."""
        return self.access if purpose == "sig" else self.session


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of the ring as an operator may see it.

    `signs_from` is when a passive key is due to sign; `lives` the longest life, in seconds, of
    anything under it.
    """

    kid: str
    purpose: str
    algorithm: str
    state: str
    sealed_by: str
    created_at: int
    changed_at: int
    signs_from: int | None
    lives: int

    @property
    def needed_until(self) -> int:
        """When nothing that a former key signed can be alive any more."""
        return self.changed_at + self.lives * SECOND + MARGIN

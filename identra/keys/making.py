"""Making keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jwcrypto.jwk import JWK

from identra.secret import base64url, token_bytes, uuid7, uuid7_made_at
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from identra.keys.nouns import Algorithm, Purpose

STAMP_BYTES, NOISE_BYTES = 4, 4
"""A secret's id: the Unix second of its making, and noise."""

NEWEST: Final = DAY
"""How far the making of a key that is new to us may lie from our own time, in microseconds."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is in no ring yet."""

    kid: str
    purpose: Purpose
    algorithm: str
    public: str
    private: str = field(repr=False)


def new_pair(algorithm: Algorithm) -> NewKey:
    """A key pair to sign with. Finding primes takes a while: not for the event loop."""
    kid = uuid7()
    shape: dict[str, dict[str, Any]] = {
        "RS256": {"kty": "RSA", "size": 2048},
        "ES256": {"kty": "EC", "crv": "P-256"},
        "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    }
    jwk = JWK.generate(**shape[algorithm], kid=kid, alg=algorithm, use="sig")
    return NewKey(kid, "sig", algorithm, jwk.export_public(), jwk.export_private())


def new_secret() -> NewKey:
    """A secret to prove refresh tokens and codes with."""
    second = (uuid7_made_at(uuid7()) or 0) // 1_000
    secret_id = (second.to_bytes(STAMP_BYTES) + token_bytes(NOISE_BYTES)).hex()
    return NewKey(secret_id, "mac", "HS256", "", base64url(token_bytes()))


def may_be_new(key_id: str, now: int) -> bool:
    """Whether a key or secret of this id may have been made lately: others are not looked for."""
    made_at = _made_at(key_id)
    return made_at is not None and abs(now - made_at) < NEWEST


def _made_at(key_id: str) -> int | None:
    """Unix microseconds; None for an id that none of ours can have."""
    if len(key_id) != 2 * (STAMP_BYTES + NOISE_BYTES):
        milliseconds = uuid7_made_at(key_id)
        return None if milliseconds is None else milliseconds * 1_000
    try:
        return int.from_bytes(bytes.fromhex(key_id)[:STAMP_BYTES]) * SECOND
    except ValueError:
        return None

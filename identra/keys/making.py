"""Making keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from jwcrypto.jwk import JWK

from identra.secret import base64url, token_bytes, uuid7

if TYPE_CHECKING:
    from identra.keys.nouns import Algorithm, Purpose

SECRET_ID_BYTES: Final = 8


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
    secret_id = token_bytes(SECRET_ID_BYTES).hex()
    return NewKey(secret_id, "mac", "HS256", "", base64url(token_bytes()))

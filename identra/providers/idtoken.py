"""Checking an id_token, purely (OpenID Connect Core 1.0, 3.1.3.7; RFC 8725)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from identra.errors import ProviderRefused
from identra.secret import base64url, from_base64url, same
from identra.values import SUBJECT_LENGTH

LONGEST: Final = 16_384
LONGEST_KID: Final = 512
MOST_KEYS: Final = 100
SKEW: Final = 60
"""Seconds by which the place's clock may differ from ours."""

SHORTEST_RSA: Final = 2048
KEY_TYPES: Final = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
}
"""The algorithms that are believed, and the one kind of key that each goes with.

None of them shares a secret with us, and none is "none".
"""
TENANT: Final = "{tenantid}"
"""Stands in the issuer of a place whose every tenant is an issuer of its own."""

PUBLIC: Final = ("kty", "crv", "x", "y", "n", "e")


@dataclass(frozen=True, slots=True)
class Expected:
    """What an id_token must say. `now` in Unix seconds; the nonce and token are never shown."""

    issuer: str
    client_id: str
    now: int
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unverified:
    """An id_token that could be read. Nothing of it is believed yet."""

    token: str = field(repr=False)
    alg: str
    kid: str | None
    claims: dict[str, Any] = field(repr=False)


def read(token: object) -> Unverified:
    """Take an id_token apart, strictly. Raises ProviderRefused."""
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST or not token.isascii():
        raise refusal("missing, too long or not ASCII")
    parts = token.split(".")
    _demand(len(parts) == 3, "no compact JWS")  # noqa: PLR2004 - RFC 7515, 7.1
    try:
        header, claims = (_read_object(from_base64url(part)) for part in parts[:2])
    except (ValueError, RecursionError) as fault:
        raise refusal("can't be read") from fault
    alg, kid = header.get("alg"), header.get("kid")
    _demand(isinstance(alg, str) and alg in KEY_TYPES, "an algorithm that is not believed")
    _demand(kid is None or (isinstance(kid, str) and len(kid) <= LONGEST_KID), "kid is no string")
    _demand(not {"crit", "b64", "zip"} & set(header), "a header that changes what is signed")
    _demand(str(header.get("typ", "JWT")).upper() == "JWT", "a token of another type")
    return Unverified(token, str(alg), kid, claims)


def find_key(keys: object, read: Unverified) -> JWK | None:
    """The one key of a JWKS that may have signed it; None if there is none, or more than one.

    A key that names an issuer signs for that one alone: so a place of many tenants keeps them
    apart.
    """
    listed = keys.get("keys") if isinstance(keys, dict) else None
    fitting = [
        key
        for key in (listed if isinstance(listed, list) else [])[:MOST_KEYS]
        if isinstance(key, dict) and _fits(key, read) and _signs_for(key, read.claims)
    ]
    if len(fitting) != 1:
        return None
    try:
        found = JWK(**{name: fitting[0][name] for name in PUBLIC if name in fitting[0]})
    except (JWException, ValueError, TypeError) as fault:
        raise refusal("the place's key is none") from fault
    _demand(found["kty"] != "RSA" or _bits(found) >= SHORTEST_RSA, "the place's key is too short")
    return found


def verify(read: Unverified, key: JWK, expected: Expected) -> dict[str, Any]:
    """The claims, once signature and contents are what they must be. Raises ProviderRefused."""
    signed = JWS()
    signed.allowed_algs = [read.alg]
    try:
        signed.deserialize(read.token, key)
    except (JWException, ValueError) as fault:
        raise refusal("the signature does not match") from fault
    _demand_audience(read.claims, expected)
    _demand_times(read.claims, expected.now)
    nonce = read.claims.get("nonce")
    _demand(isinstance(nonce, str) and same(nonce, expected.nonce), "another nonce, or none")
    demand_subject(read.claims)
    if "at_hash" in read.claims:
        _demand(read.claims["at_hash"] == _half(read.alg, expected.access_token), "at_hash")
    return read.claims


def demand_subject(claims: dict[str, Any]) -> str:
    """The subject, if it is one. Raises ProviderRefused."""
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= SUBJECT_LENGTH:
        raise refusal("sub is no string of 1 to 255 characters")
    return sub


def refusal(cause: str) -> ProviderRefused:
    """A refusal whose private detail says what was wrong with the id_token."""
    return ProviderRefused(f"id_token: {cause}")


def _demand_audience(claims: dict[str, Any], expected: Expected) -> None:
    _demand(claims.get("iss") == expected.issuer, "another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    _demand(expected.client_id in audiences, "for another audience")
    if len(audiences) > 1 or "azp" in claims:
        _demand(claims.get("azp") == expected.client_id, "another azp, or none")


def _demand_times(claims: dict[str, Any], now: int) -> None:
    for name in ("exp", "iat"):
        _demand(type(claims.get(name)) in (int, float), f"{name} is no time")
    _demand(now < claims["exp"] + SKEW, "expired")
    _demand(claims["iat"] <= now + SKEW, "issued in the future")
    begins = claims.get("nbf", 0)
    _demand(type(begins) in (int, float) and begins <= now + SKEW, "not valid yet")


def _fits(key: dict[str, Any], read: Unverified) -> bool:
    kind = key.get("kty") if key.get("kty") == "RSA" else key.get("crv")
    return (
        kind == KEY_TYPES[read.alg]
        and (read.kid is None or key.get("kid") == read.kid)
        and key.get("use") in (None, "sig")
        and key.get("alg") in (None, read.alg)
    )


def _signs_for(key: dict[str, Any], claims: dict[str, Any]) -> bool:
    named = key.get("issuer")
    if named is None:
        return True
    return isinstance(named, str) and named.replace(TENANT, str(claims.get("tid"))) == claims.get(
        "iss"
    )


def _bits(key: JWK) -> int:
    size: int = key.get_op_key("verify").key_size
    return size


def _half(alg: str, access_token: str) -> str:
    """The left half of the access token's hash (3.1.3.6); Ed25519 hashes with SHA-512."""
    size = 512 if alg == "EdDSA" else int(alg[2:])
    hashed = hashlib.new(f"sha{size}", access_token.encode()).digest()
    return base64url(hashed[: len(hashed) // 2])


def _read_object(raw: bytes) -> dict[str, Any]:
    parsed = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_refuse)
    if not isinstance(parsed, dict):
        raise ValueError("no object")  # noqa: TRY004 - one family for all that can't be read
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _demand(holds: object, cause: str) -> None:
    if not holds:
        raise refusal(cause)

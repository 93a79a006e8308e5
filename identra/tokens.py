"""Access tokens: claims made and judged purely, signed and verified by the ring (RFC 9068)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from jwcrypto.common import JWException
from jwcrypto.jwa import JWA

from identra.errors import InvalidToken
from identra.secret import base64url, from_base64url, uuid7
from identra.values import SECOND, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.keys import Keys, SigningKey
    from identra.values import Clock

LONGEST: Final = 8192
LEEWAY: Final = 30
TYPE: Final = "at+jwt"
ES256_SIGNATURE: Final = 64
"""R and S of 32 bytes each (RFC 7518, 3.4); the library also reads wider ones."""
HEADER_NAMES: Final = frozenset({"alg", "kid", "typ"})
INTEGERS: Final = ("exp", "iat", "nbf")
STRINGS: Final = ("jti", "sub", "sid")


RESERVED: Final = frozenset(
    {
        *("iss", "sub", "aud", "exp", "nbf", "iat", "jti"),  # RFC 7519, 4.1
        *("client_id", "auth_time", "acr", "amr", "scope"),  # RFC 9068, 2.2
        *("roles", "groups", "entitlements"),  # RFC 9068, 2.2.3.1
        *("azp", "nonce", "at_hash", "c_hash", "s_hash", "sub_jwk"),  # OpenID Connect Core, 2, 3.3
        *("name", "given_name", "family_name", "middle_name", "nickname"),  # and 5.1
        *("preferred_username", "profile", "picture", "website", "email", "email_verified"),
        *("gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified"),
        *("address", "updated_at", "_claim_names", "_claim_sources"),
        *("cnf", "act", "may_act", "authorization_details", "events", "txn"),  # of its family
        *("sid", "idp", "typ", "uid", "user_id", "active", "username", "token_type"),  # ours
    }
)
"""Claims that no plugin may add: they say who somebody is, or what a token is worth."""


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """Who issues, for whom, and for how many seconds."""

    issuer: str
    lifetime: int
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token speaks of: the session and how it was opened. `auth_time` in seconds."""

    user_id: str
    session_id: str
    auth_time: int
    amr: tuple[str, ...]
    idp: str


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a token that passed every check."""

    user_id: str
    session_id: str
    told: dict[str, Any]
    """All of them, by their names."""


class Tokens:
    """Mints and checks access tokens."""

    def __init__(self, keys: Keys, policy: TokenPolicy, clock: Clock) -> None:
        self._keys = keys
        self._policy = policy
        self._clock = clock

    def mint(
        self, subject: Subject, signer: SigningKey, more: Mapping[str, Any] | None = None
    ) -> Token:
        """An access token, signed by a key that the ring gave out to sign.

        `more` are further claims; one of ours is never another's.
        """
        claims = make_claims(subject, self._policy, self._clock() // SECOND, token_id=uuid7())
        if more:
            claims = {**more, **claims}
        return Token(_sign(signer, claims), claims["exp"])

    async def check(self, token: str) -> Claims:
        """Check a token against our own ring and issuer alone (RFC 8725).

        Raises InvalidToken for every failure; which one it was is the error's private detail.
        """
        header, claims = split(token)
        kid = header["kid"]
        key = await self._keys.verifier(kid)
        if key is None:
            raise InvalidToken("unknown kid")
        if header["alg"] != key.algorithm:
            raise InvalidToken("another algorithm than the key's")
        _verify(key, token)
        judge_claims(claims, self._policy, self._clock() // SECOND)
        return Claims(claims["sub"], claims["sid"], claims)


def make_claims(
    subject: Subject, policy: TokenPolicy, now: int, *, token_id: str
) -> dict[str, Any]:
    """The claims of an access token issued at `now` (seconds)."""
    claims: dict[str, Any] = {
        "iss": policy.issuer,
        "sub": subject.user_id,
        "exp": now + policy.lifetime,
        "iat": now,
        "nbf": now,
        "jti": token_id,
        "sid": subject.session_id,
        "auth_time": subject.auth_time,
        "amr": list(subject.amr),
        "idp": subject.idp,
        "typ": "access",
        "uid": subject.user_id,
        "user_id": subject.user_id,
    }
    return claims | ({"aud": policy.audience} if policy.audience else {})


def judge_claims(claims: dict[str, Any], policy: TokenPolicy, now: int) -> None:
    """Demand every claim of a token of ours, valid at `now` (seconds). Raises InvalidToken."""
    for name in INTEGERS:
        _demand(type(claims.get(name)) is int, f"{name} is no integer")
    for name in STRINGS:
        _demand(isinstance(claims.get(name), str) and claims[name], f"{name} is missing")
    _demand(claims.get("typ") == "access", "not an access token")
    _demand(claims.get("iss") == policy.issuer, "another issuer")
    _demand(policy.audience is None or claims.get("aud") == policy.audience, "another audience")
    _demand(now < claims["exp"], "expired")
    _demand(claims["nbf"] <= now + LEEWAY and claims["iat"] <= now + LEEWAY, "not yet valid")


def split(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a compact JWS, read strictly but not yet verified."""
    _demand(len(token) <= LONGEST and token.isascii(), "too long, or not ASCII")
    parts = token.split(".")
    _demand(len(parts) == 3, "not a compact JWS")  # noqa: PLR2004 - RFC 7515, 7.1
    try:
        header, claims = (_read_object(from_base64url(part)) for part in parts[:2])
        from_base64url(parts[2])
    except (ValueError, RecursionError) as fault:
        raise InvalidToken(f"malformed: {fault}") from fault
    _demand(set(header) == HEADER_NAMES, "other header names than alg, kid, typ")
    _demand(all(isinstance(value, str) for value in header.values()), "a header is no string")
    _demand(header["typ"].lower() == TYPE, "another type")
    return header, claims


def _sign(key: SigningKey, claims: dict[str, Any]) -> str:
    header = {"alg": key.algorithm, "kid": key.kid, "typ": TYPE}
    signed = ".".join(base64url(_compact(part).encode()) for part in (header, claims))
    signature = JWA.signing_alg(key.algorithm).sign(key.jwk, signed.encode())
    return f"{signed}.{base64url(signature)}"


def _compact(value: dict[str, Any]) -> str:
    return _ENCODER.encode(value)


def _verify(key: SigningKey, token: str) -> None:
    """Demand the key's signature over a token that `split` has read (RFC 7515, 5.2).

    The library's `JWS` would read the token once more, and more generously, at twice the price.
    """
    signed, _, encoded = token.rpartition(".")
    signature = from_base64url(encoded)
    if key.algorithm == "ES256":
        _demand(len(signature) == ES256_SIGNATURE, "a signature of another length")
    try:
        JWA.signing_alg(key.algorithm).verify(key.jwk, signed.encode(), signature)
    except (InvalidSignature, JWException, ValueError) as fault:
        raise InvalidToken("the signature does not match") from fault


def _read_object(raw: bytes) -> dict[str, Any]:
    parsed = _DECODER.decode(raw.decode("utf-8"))
    if not isinstance(parsed, dict):
        message = "not an object"
        raise ValueError(message)  # noqa: TRY004 - one family for all that can't be read
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        message = "a name stands twice"
        raise ValueError(message)
    return names


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once)
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
"""Made once: `json.loads` and `json.dumps` make one for each call that asks for more than usual."""


def _demand(holds: object, cause: str) -> None:
    if not holds:
        raise InvalidToken(cause)

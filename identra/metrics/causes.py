"""Why a token was refused, in a word fit for a label."""

from __future__ import annotations

from typing import Final

OTHER: Final = "other"

_ACCESS: Final = {
    "too long, or not ASCII": "too_long",
    "not a compact JWS": "not_jws",
    "malformed": "malformed",
    "other header names than alg, kid, typ": "header_names",
    "a header is no string": "header_value",
    "another type": "type",
    "unknown kid": "unknown_kid",
    "another algorithm than the key's": "algorithm",
    "a signature of another length": "signature",
    "the signature does not match": "signature",
    "exp is no integer": "claim",
    "iat is no integer": "claim",
    "nbf is no integer": "claim",
    "jti is missing": "claim",
    "sub is missing": "claim",
    "sid is missing": "claim",
    "not an access token": "not_access",
    "another issuer": "issuer",
    "another audience": "audience",
    "expired": "expired",
    "not yet valid": "not_yet_valid",
    "no such session": "no_session",
    "the session is over": "session_over",
    "the user is gone or disabled": "user",
}
_REFRESH: Final = {
    "too long": "too_long",
    "malformed": "malformed",
    "unknown secret": "unknown_secret",
    "no such session": "no_session",
    "forged": "forged",
    "over": "session_over",
    "ahead": "ahead",
    "theft": "theft",
}

CAUSES: Final = {"access": _ACCESS, "refresh": _REFRESH}
"""Labels by the kind of token and a refusal's detail up to its first colon: what follows may be
anything."""

KINDS: Final = {"INVALID_TOKEN": "access", "INVALID_REFRESH_TOKEN": "refresh"}
"""The kinds of token by the reason that is answered."""


def cause_of(token: str, detail: str) -> str:
    """The label of a refusal; one that nobody named is "other"."""
    return CAUSES[token].get(detail.partition(":")[0], OTHER)


def every_label() -> tuple[tuple[str, str], ...]:
    """Every kind of token with every cause."""
    pairs = {(kind, cause) for kind, causes in CAUSES.items() for cause in causes.values()}
    return tuple(sorted(pairs | {(kind, OTHER) for kind in CAUSES}))

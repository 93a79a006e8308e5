"""Access tokens: every claim is demanded, every header is ours, nothing is believed unread."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.errors import InvalidToken
from identra.secret import base64url
from identra.tokens import (
    LEEWAY,
    LONGEST,
    Subject,
    TokenPolicy,
    judge_claims,
    make_claims,
    split,
)

POLICY = TokenPolicy("identra", 900)
ADA = Subject("u1", "s1", 900, ("pwd",), "password")
NOW = 1000


def claims(**changed: Any) -> dict[str, Any]:
    made = make_claims(ADA, POLICY, NOW, token_id="t1") | changed
    return {name: value for name, value in made.items() if value is not ...}


def test_the_claims_are_those_promised() -> None:
    assert claims() == {
        "iss": "identra",
        "sub": "u1",
        "uid": "u1",
        "user_id": "u1",
        "sid": "s1",
        "jti": "t1",
        "iat": 1000,
        "nbf": 1000,
        "exp": 1900,
        "auth_time": 900,
        "amr": ["pwd"],
        "idp": "password",
        "typ": "access",
    }


def test_an_audience_is_there_only_when_configured() -> None:
    spoken = TokenPolicy("identra", 900, audience="shop")
    assert make_claims(ADA, spoken, NOW, token_id="t")["aud"] == "shop"
    with pytest.raises(InvalidToken):
        judge_claims(claims(), spoken, NOW)


@pytest.mark.parametrize("now", [NOW - LEEWAY, NOW, NOW + 899])
def test_a_token_of_ours_passes_while_valid(now: int) -> None:
    judge_claims(claims(), POLICY, now)


@pytest.mark.parametrize(
    ("changed", "now"),
    [
        ({}, NOW + 900),
        ({}, NOW - LEEWAY - 1),
        ({"nbf": NOW + LEEWAY + 1}, NOW),
        ({"iss": "other"}, NOW),
        ({"iss": ["identra"]}, NOW),
        ({"typ": "refresh"}, NOW),
        ({"typ": ...}, NOW),
        *[({name: ...}, NOW) for name in ("exp", "iat", "nbf", "jti", "sub", "sid", "iss")],
        *[({name: "1500"}, NOW) for name in ("exp", "iat", "nbf")],
        *[({name: 1500.0}, NOW) for name in ("exp",)],
        *[({name: True}, NOW) for name in ("exp", "iat", "nbf")],
        *[({name: ""}, NOW) for name in ("jti", "sub", "sid")],
        *[({name: 7}, NOW) for name in ("jti", "sub", "sid")],
    ],
)
def test_any_other_token_is_refused(changed: dict[str, Any], now: int) -> None:
    with pytest.raises(InvalidToken):
        judge_claims(claims(**changed), POLICY, now)


def compact(header: str, payload: str = "{}", signature: bytes = b"x") -> str:
    return ".".join(base64url(part) for part in (header.encode(), payload.encode(), signature))


GOOD = {"alg": "RS256", "kid": "k", "typ": "at+jwt"}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b",
        "a.b.c.d",
        compact("[]"),
        compact("null"),
        compact('{"alg":"RS256","alg":"none","kid":"k","typ":"at+jwt"}'),
        compact(json.dumps(GOOD), '{"sub":"a","sub":"b"}'),
        compact(json.dumps(GOOD), "[" * 3000 + "]" * 3000),
        compact(json.dumps(GOOD | {"typ": "JWT"})),
        compact(json.dumps(GOOD | {"alg": 1})),
        compact(json.dumps({"alg": "RS256", "typ": "at+jwt"})),
        *[
            compact(json.dumps(GOOD | {name: "x"}))
            for name in ("jku", "jwk", "x5u", "x5c", "crit", "zip", "b64", "cty")
        ],
        compact(json.dumps(GOOD)) + "=",
        compact(json.dumps(GOOD)) + "\n",
        compact(json.dumps(GOOD), signature=b"x" * LONGEST),
    ],
)
def test_a_token_that_can_not_be_ours_is_refused_before_any_key_is_touched(token: str) -> None:
    with pytest.raises(InvalidToken):
        split(token)


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail_otherwise_than_by_its_own_error(noise: str) -> None:
    """Any other exception would pass through `suppress` and fail this test."""
    with suppress(InvalidToken):
        split(noise)

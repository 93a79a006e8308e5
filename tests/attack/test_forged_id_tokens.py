"""The attacker writes id_tokens, or brings one that was written for something else; none of them
opens an account, and each failure is one clean answer that leaves nothing behind.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from callers import House, access, open_house, reason, tokens
from clock import NOON, FrozenClock
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS
from standin.faults import REDIRECT, Instead
from standin.openid import GONE, OpenId, new_key, signed, unsigned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx

    from identra.settings import Persistence

NOW = NOON // 1_000_000
ADA = "ada@example.com"
TABLES = ("users", "emails", "identities", "sessions")
Claims = dict[str, Any]

pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@pytest.fixture
def openid() -> OpenId:
    person = {"sub": "u-7", "email": "mallory@example.com", "email_verified": True}
    return OpenId(now=lambda: NOW, person=person)


@asynccontextmanager
async def _house(
    folder: Path, place: Persistence, openid: OpenId, clock: FrozenClock | None = None
) -> AsyncIterator[House]:
    said = openid.section(plugin="oidc", issuer=openid.issuer, email_trust="claim")
    opened = open_house(
        folder,
        place,
        sections={"providers.corp": said},
        clock=clock or FrozenClock(),
        transport=openid.transport(),
    )
    async with opened as house:
        yield house


async def _sign_in(house: House, openid: OpenId) -> tuple[dict[str, str], httpx.Response]:
    prompt = await house.caller().ask("/oauth/url", provider="corp")
    back = openid.approve(prompt.json()["url"])
    return back, await house.caller().say("/oauth/login", back)


async def _demand_nobody(house: House, openid: OpenId, case: str, wanted: str) -> None:
    before = await house.rows(*TABLES)
    back, answer = await _sign_in(house, openid)
    assert reason(answer) == wanted, case
    assert set(answer.json()) == {"code", "reason", "message", "details", "request_id"}, case
    assert await house.rows(*TABLES) == before, case
    again = await house.caller().say("/oauth/login", back)
    assert reason(again) == "INVALID_STATE", case


CLAIMS: dict[str, Claims] = {
    "no nonce": {"nonce": GONE},
    "a nonce of its own": {"nonce": "A" * 43},
    "an empty nonce": {"nonce": ""},
    "a nonce that is none": {"nonce": True},
    "another issuer": {"iss": "https://evil.example"},
    "an issuer with a slash more": {"iss": "https://id.example/"},
    "an issuer in capitals": {"iss": "https://ID.example"},
    "no issuer": {"iss": GONE},
    "another audience": {"aud": "another-app"},
    "no audience": {"aud": GONE},
    "an empty audience": {"aud": []},
    "an audience within another": {"aud": "orders-web-2"},
    "audiences in one string": {"aud": "orders-web another"},
    "two audiences without azp": {"aud": ["orders-web", "another"]},
    "two audiences and another's azp": {"aud": ["orders-web", "another"], "azp": "another"},
    "another's azp": {"azp": "another"},
    "an azp that is null": {"azp": None},
    "expired": {"exp": NOW - 60},
    "expired long ago": {"exp": 0},
    "no expiry": {"exp": GONE},
    "an expiry in letters": {"exp": str(NOW + 300)},
    "an expiry that is true": {"exp": True},
    "issued in the future": {"iat": NOW + 61},
    "never issued": {"iat": GONE},
    "not valid yet": {"nbf": NOW + 61},
    "nobody": {"sub": GONE},
    "an empty subject": {"sub": ""},
    "a subject that is null": {"sub": None},
    "a subject that is a number": {"sub": 7},
    "a subject that is a list": {"sub": ["u-7"]},
    "a huge subject": {"sub": "u" * 256},
    "another access token's hash": {"at_hash": "A" * 22},
    "a hash that is null": {"at_hash": None},
}


async def test_a_token_with_one_claim_wrong_is_refused(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    async with _house(tmp_path, persistence, openid) as house:
        for case, claims in CLAIMS.items():
            openid.claims = claims
            openid.told = {"sub": claims["sub"]} if claims.get("sub", GONE) is not GONE else {}
            await _demand_nobody(house, openid, case, "PROVIDER_REFUSED")
        openid.claims = openid.told = {}
        tokens((await _sign_in(house, openid))[1])


async def test_a_subject_that_names_nobody_is_not_understood(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    async with _house(tmp_path, persistence, openid) as house:
        for sub in ("u\n7", " u-7", "null", "0"):
            openid.claims = openid.told = {"sub": sub}
            await _demand_nobody(house, openid, sub, "PROVIDER_UNAVAILABLE")


def _header(openid: OpenId, **more: Any) -> Claims:
    return {"alg": "RS256", "kid": openid.keys[0]["kid"], "typ": "JWT"} | more


def _hs256(openid: OpenId, claims: Claims, key: bytes) -> str:
    start = unsigned(_header(openid, alg="HS256"), claims).rpartition(".")[0]
    mac = hmac.digest(key, start.encode(), hashlib.sha256)
    return f"{start}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def _with_its_own_key(openid: OpenId, claims: Claims) -> str:
    key = new_key()
    jwk = key.export_public(as_dict=True)
    return signed(key, claims, kid=openid.keys[0]["kid"], jwk=jwk)


def _twice(openid: OpenId, claims: Claims) -> str:
    """Signed rightly, but every reader would see another address."""
    text = json.dumps(claims)[:-1] + f', "email": "{ADA}"}}'
    key = openid.keys[0]

    made = JWS(text)
    made.add_signature(key, protected=json.dumps(_header(openid)))
    return str(made.serialize(compact=True))


FORGED: dict[str, Callable[[OpenId, Claims], Any]] = {
    "alg none": lambda o, c: unsigned(_header(o, alg="none"), c),
    "alg None": lambda o, c: unsigned(_header(o, alg="nOnE"), c, b"x"),
    "no alg": lambda o, c: unsigned({"kid": o.keys[0]["kid"]}, c, b"x"),
    "no signature": lambda o, c: unsigned(_header(o), c),
    "HS256 by the client secret": lambda o, c: _hs256(o, c, o.client_secret.encode()),
    "HS256 by the public key": lambda o, c: _hs256(o, c, o.keys[0].export_to_pem()),
    "HS256 by nothing": lambda o, c: _hs256(o, c, b""),
    "a key it brings itself": _with_its_own_key,
    "another algorithm of the key": lambda o, c: signed(o.keys[0], c, alg="PS256"),
    "what must be understood": lambda o, c: unsigned(_header(o, crit=["exp"]), c, b"x"),
    "packed": lambda o, c: signed(o.keys[0], c, zip="DEF"),
    "of another type": lambda o, c: signed(o.keys[0], c, typ="at+jwt"),
    "changed afterwards": lambda o, c: _changed(signed(o.keys[0], c)),
    "a name twice": _twice,
    "no JWS": lambda *_: "a.b",
    "a JWE": lambda *_: "a.b.c.d.e",
    "no object": lambda o, _: unsigned(_header(o), ["sub"], b"x"),  # type: ignore[arg-type]
    "a deep nest": lambda o, _: f"{unsigned(_header(o), {}).split('.')[0]}.{'W1tb' * 3000}.AA",
    "a huge one": lambda o, c: signed(o.keys[0], c | {"more": "a" * 20_000}),
    "a huge kid": lambda o, c: unsigned(_header(o, kid="k" * 600), c, b"x"),
    "a kid that is none": lambda o, c: unsigned(_header(o, kid=7), c, b"x"),
    "null": lambda *_: None,
    "a number": lambda *_: 7,
    "nothing": lambda *_: "",
}


def _changed(token: str) -> str:
    head, body, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = unsigned({}, told | {"sub": "victim"}).split(".")[1]
    return f"{head}.{other}.{signature}"


async def test_a_token_that_the_place_did_not_sign_is_refused(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    unknown = {"another algorithm of the key"}
    async with _house(tmp_path, persistence, openid) as house:
        for case, forge in FORGED.items():
            openid.sign = forge
            wanted = "PROVIDER_UNAVAILABLE" if case in unknown else "PROVIDER_REFUSED"
            await _demand_nobody(house, openid, case, wanted)
        openid.sign = None
        tokens((await _sign_in(house, openid))[1])


async def test_a_key_of_another_use_or_kind_signs_nothing(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    """Nor one that names another issuer, is too short, or stands there twice."""
    members: dict[str, Claims] = {
        "to encrypt": {"use": "enc"},
        "for another algorithm": {"alg": "RS512"},
        "of another issuer": {"issuer": "https://evil.example"},
        "of no issuer": {"issuer": 7},
        "a secret": {"kty": "oct", "k": "c2VjcmV0"},
    }
    clock = FrozenClock()
    async with _house(tmp_path, persistence, openid, clock) as house:
        for case, said in members.items():
            openid.key_members = said
            await _demand_nobody(house, openid, case, "PROVIDER_UNAVAILABLE")
            clock.advance(601)
            openid.now = lambda: clock() // 1_000_000
        openid.key_members = {}
        openid.keys = [JWK.generate(kty="RSA", size=1024, kid="k", alg="RS256")]
        await _demand_nobody(house, openid, "too short", "PROVIDER_REFUSED")
        clock.advance(601)
        openid.keys = [openid.keys[0], openid.keys[0]]
        await _demand_nobody(house, openid, "twice", "PROVIDER_UNAVAILABLE")


async def test_unknown_keys_do_not_have_the_key_set_read_for_each(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    clock = FrozenClock()
    openid.now = lambda: clock() // 1_000_000
    openid.sign = lambda _, claims: signed(foreign, claims)
    foreign = new_key()
    async with _house(tmp_path, persistence, openid, clock) as house:
        for _ in range(20):
            await _demand_nobody(house, openid, "foreign", "PROVIDER_UNAVAILABLE")
        assert openid.count("/keys") == 1
        clock.advance(61)
        for _ in range(20):
            await _demand_nobody(house, openid, "foreign", "PROVIDER_UNAVAILABLE")
        assert openid.count("/keys") == 2


async def test_a_flood_of_keys_is_not_read_through(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    listed = [{"kty": "RSA", "kid": str(n), "n": "AQAB", "e": "AQAB"} for n in range(10_000)]
    own = openid.keys[0].export_public(as_dict=True)
    async with _house(tmp_path, persistence, openid) as house:
        for keys in ([*listed, own], "keys", {"kid": "x"}, [[own]], None):
            body = json.dumps({"keys": keys}).encode()
            openid.faults["/keys"] = Instead(body=body)
            await _demand_nobody(house, openid, str(keys)[:20], "PROVIDER_UNAVAILABLE")


OTHERS_WORD: dict[str, Claims] = {
    "another subject": {"sub": "victim"},
    "no subject": {"sub": GONE},
    "a number": {"sub": 7},
    "in capitals": {"sub": "U-7"},
}


async def test_userinfo_of_another_subject_is_refused(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    async with _house(tmp_path, persistence, openid) as house:
        for case, told in OTHERS_WORD.items():
            openid.told = told
            await _demand_nobody(house, openid, case, "PROVIDER_REFUSED")
        for body in (b"[]", b'"u-7"', b"null"):
            openid.faults["/userinfo"] = Instead(body=body)
            await _demand_nobody(house, openid, str(body), "PROVIDER_REFUSED")


VOUCHES_FOR_NOTHING: dict[str, tuple[Claims, Claims]] = {
    "not verified": ({"email": ADA, "email_verified": False}, {}),
    "in letters": ({"email": ADA, "email_verified": "true"}, {}),
    "by one": ({"email": ADA, "email_verified": 1}, {}),
    "by a list": ({"email": ADA, "email_verified": [True]}, {}),
    "unsaid": ({"email": ADA}, {}),
    "the token's word for userinfo's address": ({"email_verified": True}, {"email": ADA}),
    "userinfo's word for the token's address": (
        {"email": ADA},
        {"email": "mallory@example.com", "email_verified": True},
    ),
    "userinfo's word against the token's": (
        {"email": ADA, "email_verified": False},
        {"email": ADA, "email_verified": True},
    ),
    "in letters, in userinfo": ({}, {"email": ADA, "email_verified": "true"}),
}


async def test_an_address_that_is_not_plainly_verified_opens_no_account(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    async with _house(tmp_path, persistence, openid) as house:
        _, hers = await house.owner(ADA)
        victim = (await house.caller().info(access(hers))).json()
        for number, (case, (claims, told)) in enumerate(VOUCHES_FOR_NOTHING.items()):
            openid.person = {"sub": f"m-{number}", **claims}
            openid.in_userinfo = told
            _, answer = await _sign_in(house, openid)
            assert answer.json()["email"] == "", case
            info = (await house.caller().info(access(tokens(answer)))).json()
            assert info["user_id"] != victim["user_id"], case
        assert (await house.caller().info(access(hers))).json() == victim


async def test_a_redirecting_place_is_not_followed(
    tmp_path: Path, persistence: Persistence, openid: OpenId
) -> None:
    async with _house(tmp_path, persistence, openid) as house:
        for path in ("/token", "/keys", "/userinfo"):
            openid.faults = {path: REDIRECT}
            await _demand_nobody(house, openid, path, "PROVIDER_UNAVAILABLE")

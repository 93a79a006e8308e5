"""Signing in at any OpenID place: from its discovery to a session, through the REST door."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from callers import House, access, open_house, reason, tokens
from clock import FrozenClock
from standin import faults
from standin.openid import GONE, OpenId, signed

from identra.errors import ProviderUnavailable
from identra.providers.discovery import Kept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from identra.settings import Persistence

ADA = "ada@example.com"
VOUCHED = {"sub": "u-7", "email": ADA, "email_verified": True}
HOUR = 3600
SQLITE = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def openid(clock: FrozenClock) -> OpenId:
    return OpenId(now=lambda: clock() / 1_000_000, person=dict(VOUCHED))


@asynccontextmanager
async def house_of(
    folder: Path, place: Persistence, openid: OpenId, clock: FrozenClock, **more: Any
) -> AsyncIterator[House]:
    said = {"plugin": "oidc", "issuer": openid.issuer, "email_trust": "claim"} | more
    opened = open_house(
        folder,
        place,
        sections={"providers.corp": openid.section(**said)},
        clock=clock,
        transport=openid.transport(),
    )
    async with opened as house:
        yield house


def written(folder: Path) -> bytes:
    """All that the database wrote."""
    return b"".join(file.read_bytes() for file in folder.glob("identra.db*"))


async def begin(house: House, bearer: str | None = None) -> httpx.Response:
    return await house.caller().ask("/oauth/url", bearer=bearer, provider="corp")


async def sign_in(house: House, openid: OpenId) -> httpx.Response:
    prompt = await begin(house)
    assert prompt.status_code == 200, prompt.text
    return await house.caller().say("/oauth/login", openid.approve(prompt.json()["url"]))


async def test_a_person_is_her_subject_and_comes_back_as_herself(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    openid.person |= {"preferred_username": "ada", "picture": "https://id.example/7.png"}
    async with house_of(tmp_path, persistence, openid, clock) as house:
        first = await sign_in(house, openid)
        told = first.json()
        assert (told["username"], told["avatar_url"]) == ("ada", "https://id.example/7.png")
        assert told["email"] == ADA
        openid.person |= {"email": "married@example.com"}
        again = await sign_in(house, openid)
        infos = [(await house.caller().info(access(tokens(one)))).json() for one in (first, again)]
        assert infos[0]["user_id"] == infos[1]["user_id"]
        assert infos[1]["oauth_connections"] == [{"provider": "corp", "provider_user_id": "u-7"}]
        assert await house.rows("users", "identities") == {"users": 1, "identities": 1}


async def test_a_person_binds_it_to_the_account_she_has(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with house_of(tmp_path, persistence, openid, clock) as house:
        her, pair = await house.owner("other@example.com")
        back = openid.approve((await begin(house, access(pair))).json()["url"])
        bound = await her.say("/oauth/bind", back, bearer=access(pair))
        hers = (await her.info(access(tokens(bound)))).json()
        assert hers["oauth_connections"] == [{"provider": "corp", "provider_user_id": "u-7"}]
        again = (await her.info(access(tokens(await sign_in(house, openid))))).json()
        assert again["user_id"] == hers["user_id"]


@SQLITE
async def test_what_goes_out_is_state_pkce_and_a_nonce_each_time_another(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with house_of(tmp_path, persistence, openid, clock) as house:
        urls = [(await begin(house)).json()["url"] for _ in range(2)]
        asked = [parse_qs(urlsplit(url).query) for url in urls]
        for name in ("state", "nonce", "code_challenge"):
            assert len({one[name][0] for one in asked}) == 2, name
            assert len(asked[0][name][0]) >= 43
        assert asked[0]["scope"] == ["openid profile email"]
        assert asked[0]["state"][0] not in asked[0]["nonce"][0]


@SQLITE
async def test_discovery_is_asked_once_an_hour_and_not_before_it_is_needed(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with house_of(tmp_path, persistence, openid, clock) as house:
        assert openid.asked == []
        for _ in range(3):
            tokens(await sign_in(house, openid))
        assert openid.count("/openid-configuration") == 1
        assert openid.count("/keys") == 1
        clock.advance(HOUR + 1)
        tokens(await sign_in(house, openid))
        assert openid.count("/openid-configuration") == 2
        assert openid.count("/keys") == 2


@SQLITE
async def test_a_place_that_is_down_is_asked_again_after_some_seconds(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    """Nobody waits for it meanwhile, and nothing of ours depends on it."""
    openid.faults["/openid-configuration"] = faults.SERVER_ERROR
    async with house_of(tmp_path, persistence, openid, clock) as house:
        for _ in range(3):
            gone = await begin(house)
            assert reason(gone) == "PROVIDER_UNAVAILABLE"
            assert gone.headers["retry-after"] == "5"
        assert openid.count("/openid-configuration") == 1
        await house.owner(ADA)
        openid.faults.clear()
        clock.advance(6)
        tokens(await sign_in(house, openid))


async def test_a_place_that_is_silent_is_waited_for_once_and_not_by_every_visitor() -> None:
    asked = 0

    async def fetch() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(30)
        return "late"

    kept = Kept(fetch, FrozenClock(), HOUR, patience=0.05)
    waiting = [asyncio.create_task(kept.get()) for _ in range(5)]
    told = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in told] == [ProviderUnavailable] * 5
    assert asked == 1


@SQLITE
async def test_keys_rotate_while_people_sign_in(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with house_of(tmp_path, persistence, openid, clock) as house:
        tokens(await sign_in(house, openid))
        clock.advance(61)
        openid.rotate()
        tokens(await sign_in(house, openid))
        assert openid.count("/keys") == 2
        openid.forget()
        tokens(await sign_in(house, openid))
        assert openid.count("/keys") == 2


@SQLITE
async def test_a_token_that_names_no_key_is_read_by_the_only_one(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    """Of two keys none is guessed (OpenID Connect Core, 10.1)."""
    openid.sign = lambda place, claims: signed(place.keys[0], claims, kid=GONE)
    async with house_of(tmp_path, persistence, openid, clock) as house:
        tokens(await sign_in(house, openid))
        openid.rotate()
        clock.advance(601)
        assert reason(await sign_in(house, openid)) == "PROVIDER_UNAVAILABLE"


@SQLITE
async def test_a_clock_may_differ_by_a_minute(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    now = clock() // 1_000_000
    async with house_of(tmp_path, persistence, openid, clock) as house:
        for claims in ({"exp": now - 59}, {"iat": now + 60}, {"nbf": now + 60}):
            openid.claims = claims
            tokens(await sign_in(house, openid))


@SQLITE
async def test_what_the_token_does_not_say_userinfo_does(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    openid.person = {"sub": "u-7"}
    openid.in_userinfo = {"name": "Ada", "email": ADA, "email_verified": True}
    async with house_of(tmp_path, persistence, openid, clock) as house:
        told = (await sign_in(house, openid)).json()
        assert (told["username"], told["email"]) == ("Ada", ADA)
        openid.says = {"userinfo_endpoint": GONE}
        clock.advance(HOUR + 1)
        told = (await sign_in(house, openid)).json()
        assert (told["username"], told["email"]) == ("", "")


@SQLITE
async def test_userinfo_may_vouch_for_the_address_that_the_token_names(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    openid.person = {"sub": "u-7", "email": ADA}
    openid.in_userinfo = {"email": ADA, "email_verified": True}
    async with house_of(tmp_path, persistence, openid, clock) as house:
        assert (await sign_in(house, openid)).json()["email"] == ADA


@SQLITE
async def test_no_secret_of_a_sign_in_is_logged_or_kept(
    tmp_path: Path,
    persistence: Persistence,
    openid: OpenId,
    clock: FrozenClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secrets: set[str] = {openid.client_secret}

    def sign(place: OpenId, claims: dict[str, Any]) -> str:
        token = signed(place.keys[0], claims)
        secrets.add(token.rpartition(".")[2])
        return token

    openid.sign = sign
    async with house_of(tmp_path, persistence, openid, clock) as house:
        for claims in ({}, {"aud": "another"}, {"sub": 7}):
            openid.claims = claims
            await sign_in(house, openid)
    for request in openid.asked:
        said = parse_qs(request.url.query.decode() + "&" + request.content.decode())
        for name in ("code", "code_verifier", "nonce", "state", "client_secret"):
            secrets.update(said.get(name, ()))
        secrets.add(request.headers.get("authorization", "").removeprefix("Bearer "))
    secrets -= {""}
    assert len(secrets) > 12
    told = capsys.readouterr()
    kept = written(tmp_path)
    for secret in secrets:
        assert secret not in told.out + told.err
        assert secret.encode() not in kept


@SQLITE
async def test_an_operator_may_take_the_trust_away(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with house_of(tmp_path, persistence, openid, clock, email_trust="never") as house:
        assert (await sign_in(house, openid)).json()["email"] == ""


@SQLITE
async def test_several_audiences_need_an_azp_that_is_ours(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    openid.claims = {"aud": [openid.client_id, "another"], "azp": openid.client_id}
    async with house_of(tmp_path, persistence, openid, clock) as house:
        tokens(await sign_in(house, openid))


@SQLITE
async def test_a_redirect_that_names_its_issuer_is_believed_with_it(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    openid.names_issuer = True
    async with house_of(tmp_path, persistence, openid, clock) as house:
        tokens(await sign_in(house, openid))

"""The attacker brings a sign-in that she began to the victim's client, or one that the victim
began to her own; a state must open nothing but what it was begun for, by whom it was begun, once.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from callers import Caller, House, access, open_house, reason, section_of, tokens
from homes import code_for
from standin.github import Email, GitHub, Person

from identra.secret import pkce_challenge, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = Person(7, "ada", (Email("ada@example.com"),))
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
BOUND = {"code_challenge": pkce_challenge(VERIFIER), "code_challenge_method": "S256"}
SECOND = "http://localhost:3000/callback/second"
STRICT = {"auth": {"require_client_binding": True}}


@asynccontextmanager
async def _house(
    folder: Path, place: Persistence, github: GitHub, *, strict: bool = False, **more: Any
) -> AsyncIterator[House]:
    github.welcome(ADA)
    section = section_of(github, redirect_urls=[SECOND])
    sections = {"providers.github": section} | (STRICT if strict else {})
    opened = open_house(folder, place, sections=sections, transport=github.transport(), **more)
    async with opened as house:
        yield house


async def _there_and_back(
    who: Caller, github: GitHub, *, bearer: str | None = None, **query: str
) -> dict[str, str]:
    """Begin as this caller, say yes at GitHub; what then comes back to the client."""
    prompt = await who.ask("/oauth/url", bearer=bearer, **{"provider": "github", **query})
    assert prompt.status_code == 200, prompt.text
    return github.approve(prompt.json()["url"])


def _traded(github: GitHub) -> int:
    """How many codes were offered to GitHub."""
    return sum(request.url.path.endswith("/access_token") for request in github.asked)


@pytest.fixture
def github() -> GitHub:
    return GitHub()


async def test_a_state_bound_to_its_client_opens_nothing_elsewhere(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """Login CSRF: the victim's browser has no verifier of the attacker's, nor the other way."""
    wrong = ("", "x", VERIFIER[:-1], f"{VERIFIER}A", VERIFIER.swapcase(), "A" * 43)
    async with _house(tmp_path, persistence, github) as house:
        for verifier in (None, *wrong, BOUND["code_challenge"]):
            back = await _there_and_back(house.caller(), github, **BOUND)
            brought = {**back} if verifier is None else {**back, "code_verifier": verifier}
            refused = await house.caller().say("/oauth/login", brought)
            assert reason(refused) == "INVALID_STATE", verifier
            late = {**back, "code_verifier": VERIFIER}
            assert reason(await house.caller().say("/oauth/login", late)) == "INVALID_STATE"
        assert _traded(github) == 0
        assert await house.rows("users") == {"users": 0}


async def test_its_own_verifier_opens_a_bound_state(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        back = await _there_and_back(house.caller(), github, **BOUND)
        body = {**back, "code_verifier": VERIFIER}
        tokens(await house.caller().say("/oauth/login", body))


async def test_a_verifier_for_a_state_begun_without_is_a_mixed_up_client(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """PKCE downgrade (RFC 9700, 4.8.2): a client that sends one had a challenge stripped away."""
    async with _house(tmp_path, persistence, github) as house:
        back = await _there_and_back(house.caller(), github)
        body = {**back, "code_verifier": VERIFIER}
        assert reason(await house.caller().say("/oauth/login", body)) == "INVALID_STATE"
        assert _traded(github) == 0


async def test_a_state_begun_to_bind_never_logs_in(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        her, pair = await house.owner("ada@example.com")
        back = await _there_and_back(her, github, bearer=access(pair))
        for bearer in (None, access(pair)):
            answer = await her.say("/oauth/login", back, bearer=bearer)
            assert reason(answer) == "INVALID_STATE"
        assert _traded(github) == 0


async def test_a_state_begun_by_one_user_binds_nothing_to_another(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        mallory, hers = await house.owner("mallory@example.com")
        victim, pair = await house.owner("victim@example.com")
        back = await _there_and_back(mallory, github, bearer=access(hers))
        answer = await victim.say("/oauth/bind", back, bearer=access(pair))
        assert reason(answer) == "INVALID_STATE"
        assert _traded(github) == 0
        assert await house.rows("identities") == {"identities": 0}


async def test_with_client_binding_required_only_the_client_that_began_can_finish(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github, strict=True) as house:
        her, pair = await house.owner("victim@example.com")
        for query in ({}, {"code_challenge_method": "S256"}, {"code_challenge": VERIFIER}):
            bare = await her.ask("/oauth/url", **{"provider": "github", **query})
            assert reason(bare) == "INVALID_ARGUMENT"
        plain = BOUND | {"code_challenge_method": "plain"}
        refused = await her.ask("/oauth/url", provider="github", **plain)
        assert reason(refused) == "INVALID_ARGUMENT"
        back = await _there_and_back(her, github, **BOUND) | {"code_verifier": VERIFIER}
        unasked = await her.say("/oauth/bind", back, bearer=access(pair))
        assert reason(unasked) == "INVALID_STATE"
        back = await _there_and_back(her, github, bearer=access(pair), **BOUND)
        assert reason(await her.say("/oauth/bind", back, bearer=access(pair))) == "INVALID_STATE"
        back = await _there_and_back(her, github, bearer=access(pair), **BOUND)
        own = await her.say("/oauth/bind", back | {"code_verifier": VERIFIER}, bearer=access(pair))
        assert tokens(own)


async def test_a_replayed_state_is_over(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """With a fresh code of the attacker's own, too."""
    async with _house(tmp_path, persistence, github) as house:
        back = await _there_and_back(house.caller(), github)
        tokens(await house.caller().say("/oauth/login", back))
        fresh = await _there_and_back(house.caller(), github)
        for code in (back["code"], fresh["code"]):
            answer = await house.caller().say("/oauth/login", {**back, "code": code})
            assert reason(answer) == "INVALID_STATE"
        assert _traded(github) == 1


async def test_of_many_at_once_one_takes_the_state(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        back = await _there_and_back(house.caller(), github)
        many = [house.caller().say("/oauth/login", back) for _ in range(10)]
        told = sorted(map(reason, await asyncio.gather(*many)))
        assert told == ["200", *["INVALID_STATE"] * 9]
        assert _traded(github) == 1


async def test_a_failed_sign_in_spends_the_state(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """Guessing codes against one state is not possible."""
    async with _house(tmp_path, persistence, github) as house:
        back = await _there_and_back(house.caller(), github)
        wrong = await house.caller().say("/oauth/login", {**back, "code": "guessed"})
        assert reason(wrong) == "PROVIDER_REFUSED"
        assert reason(await house.caller().say("/oauth/login", back)) == "INVALID_STATE"


async def test_a_state_is_over_after_its_ten_minutes(
    tmp_path: Path, persistence: Persistence, github: GitHub, clock: FrozenClock
) -> None:
    async with _house(tmp_path, persistence, github, clock=clock) as house:
        back = await _there_and_back(house.caller(), github)
        clock.advance(601)
        assert reason(await house.caller().say("/oauth/login", back)) == "INVALID_STATE"


async def test_nothing_else_is_taken_for_a_state(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        her, pair = await house.owner("ada@example.com")
        await her.ask_code("bob@example.com")
        back = await _there_and_back(her, github)
        prefix, _, rest = back["state"].partition("_")
        others = (
            *("", "ids_", "*", back["state"][:-1], back["state"] + "A", back["state"].swapcase()),
            *(rest, f"{prefix}_{token()}", f" {back['state']}", "a" * 60_000),
            *(back["code"], code_for(house.app, "bob@example.com")),
            *(pair["access_token"]["token"], pair["refresh_token"]["token"]),
        )
        for state in others:
            answer = await her.say("/oauth/login", {**back, "state": state})
            assert reason(answer) == "INVALID_STATE", state[:80]
        tokens(await her.say("/oauth/login", back))


async def test_a_state_of_one_provider_never_carries_a_code_to_another(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """Mix-up (RFC 9700, 4.4): the code goes to the place where the state was begun, or nowhere."""
    github.welcome(ADA)
    evil = GitHub(client_id="Iv1.0000000000000001", client_secret="e" * 40)
    evil.welcome(Person(7, "mallory", ()))
    there = {"base_url": "https://ghe.evil.example", "api_url": "https://ghe.evil.example/api/v3"}
    sections = {
        "providers.github": section_of(github),
        "providers.ghe": section_of(evil, plugin="github", **there),
    }

    async def far(request: httpx.Request) -> httpx.Response:
        place = evil if request.url.host == "ghe.evil.example" else github
        return place.answer(request)

    opened = open_house(
        tmp_path, persistence, sections=sections, transport=httpx.MockTransport(far)
    )
    async with opened as house:
        victim = house.caller()
        honest = await _there_and_back(victim, github)
        prompt = await victim.ask("/oauth/url", provider="ghe")
        foreign = evil.approve(prompt.json()["url"])
        mixed = ({**honest, "code": foreign["code"]}, {**foreign, "code": honest["code"]})
        for body in mixed:
            assert reason(await victim.say("/oauth/login", body)) == "PROVIDER_REFUSED"
        assert await house.rows("users") == {"users": 0}
        asked = [request for request in github.asked if request.method == "POST"]
        assert honest["code"] not in asked[0].content.decode()
        hers = tokens(await victim.say("/oauth/login", await _there_and_back(victim, github)))
        prompt = await victim.ask("/oauth/url", provider="ghe")
        back = evil.approve(prompt.json()["url"])
        same_number = tokens(await victim.say("/oauth/login", back))
        people = [(await victim.info(access(p))).json()["user_id"] for p in (hers, same_number)]
        assert people[0] != people[1]


REDIRECTS = [
    "",
    "http://localhost:3000/callback/",
    "http://localhost:3000/callback?next=https://evil.example",
    "http://localhost:3000/callback#x",
    "http://localhost:3000/callback/third",
    "http://localhost:3000/callback/../callback",
    "http://localhost:3000/Callback",
    "http://LOCALHOST:3000/callback",
    "http://localhost:3000//callback",
    "http://localhost:3000/%63allback",
    "http://localhost/callback",
    "http://localhost:3001/callback",
    "https://localhost:3000/callback",
    "http://127.0.0.1:3000/callback",
    "http://localhost:3000@evil.example/callback",
    "http://localhost.evil.example:3000/callback",
    "http://evil.example/callback",
    " http://localhost:3000/callback",
    "http://localhost:3000/callback\n",
    "javascript:alert(1)",
    "//localhost:3000/callback",
    "*",
]


async def test_only_a_listed_redirect_url_is_asked_for_to_the_letter(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        for url in REDIRECTS:
            answer = await house.caller().ask("/oauth/url", provider="github", redirect_url=url)
            assert reason(answer) == "REDIRECT_NOT_ALLOWED", url
        twice = f"/oauth/url?provider=github&redirect_url={quote(SECOND)}&redirect_url=x"
        assert reason(await house.caller().ask(twice)) == "INVALID_ARGUMENT"
        for url in (github.callback, SECOND):
            prompt = await house.caller().ask("/oauth/url", provider="github", redirect_url=url)
            query = parse_qs(urlsplit(prompt.json()["url"]).query)
            assert query["redirect_uri"] == [url]


async def test_a_code_that_went_to_another_redirect_url_is_refused(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """The attacker changes redirect_uri on the way out, to a place where she reads along."""
    async with _house(tmp_path, persistence, github) as house:
        prompt = await house.caller().ask("/oauth/url", provider="github")
        url = prompt.json()["url"].replace(quote(github.callback, safe=""), quote(SECOND, safe=""))
        stolen = github.approve(url)
        answer = await house.caller().say("/oauth/login", stolen)
        assert reason(answer) == "PROVIDER_REFUSED"
        assert await house.rows("users") == {"users": 0}

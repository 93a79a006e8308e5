"""The attacker answers in the provider's place; whatever comes back there is one clean error and
nothing half-written, or a person who has no more than what was told of her properly.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from callers import House, access, open_house, reason, section_of, tokens
from standin import faults
from standin.faults import Instead
from standin.github import Email, GitHub, Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
TABLES = ("users", "emails", "identities", "credentials", "sessions")
TOKEN, USER, EMAILS = "/login/oauth/access_token", "/user", "/user/emails"
REFUSALS = {(401, "PROVIDER_REFUSED"), (503, "PROVIDER_UNAVAILABLE")}
PATIENCE = 10
SLACK = 8
RIGHT = {"id": 7, "login": "mallory", "access_token": "gho_1", "token_type": "bearer"}
"""What would be believed, if only it came properly."""


def _json(value: Any, status: int = 200) -> Instead:
    return Instead(status, body=json.dumps(value).encode())


def _user(number: Any, **more: Any) -> Instead:
    return _json({"id": number, "login": "mallory"} | more)


def _email(email: Any = ADA, **more: Any) -> dict[str, Any]:
    return {"email": email, "primary": True, "verified": True} | more


NO_ANSWERS: dict[str, faults.Fault] = {
    "HTML": faults.HTML,
    "nothing": faults.EMPTY,
    "an error with 200": faults.ERROR_WITH_STATUS_200,
    "a redirect": faults.REDIRECT,
    "a redirect with a body": _json(RIGHT, 302),
    "another redirect": Instead(307, headers={"Location": "https://evil.example/"}),
    "a server error": faults.SERVER_ERROR,
    "a server error with a body": _json(RIGHT, 500),
    "too many": faults.RATE_LIMITED,
    "too many, with a body": _json(RIGHT, 429),
    "no, with a body": _json(RIGHT, 403),
    "a hangup": faults.Hangup(),
    "no": _json({"message": "Bad credentials"}, 401),
    "gone": _json({"message": "Not Found"}, 404),
    "no content": Instead(204),
    "megabytes": _json(RIGHT | {"more": "a" * 3_000_000}),
    "a deep nest": Instead(body=b"[" * 500_000),
    "half an object": Instead(body=b'{"id": 7, "login": "mal'),
    "a name twice": Instead(body=b'{"id": 7, "id": 8, "access_token": "a", "access_token": "b"}'),
    "a number without end": Instead(body=b'{"id": ' + b"9" * 5000 + b"}"),
    "NaN": Instead(body=b'{"id": NaN}'),
    "compressed": Instead(
        body=gzip.compress(json.dumps(RIGHT).encode()), headers={"Content-Encoding": "gzip"}
    ),
    "null": _json(None),
    "true": _json(value=True),
    "a string": _json("mallory"),
    "a number": _json(7),
    "a list of lists": _json([[7]]),
}
NO_TOKENS = {
    "an empty object": {},
    "no token": {"token_type": "bearer"},
    "null": {"access_token": None},
    "a number": {"access_token": 7},
    "a list": {"access_token": ["a"]},
    "empty": {"access_token": ""},
    "another script": {"access_token": "gho_\u0430"},
    "a line break": {"access_token": "gho\r\nX-Evil: 1"},
    "very long": {"access_token": "a" * 10_000},
    "of another type": {"access_token": "gho_1", "token_type": "mac"},
    "of no type": {"access_token": "gho_1", "token_type": None},
    "an error beside": {"access_token": "gho_1", "error": "access_denied"},
    "an error": {"error": "bad_verification_code"},
    "an error that is none": {"error": {"code": 1}},
    "an error without end": {"error": "a" * 100_000},
}
NOBODY = (
    *(0, -1, None, True, False, "", "7", "0", 7.0, 7.5, 1e300, [], [7], {}, {"id": 7}),
    *(10**300, "../admin", "ada@example.com"),
)
NO_USERS = {
    "no id": _json({"login": "mallory"}),
    "another's name for it": _json({"ID": 7, "node_id": "x"}),
    "a login that is none": _user(7, login={"x": 1}),
    "a login that is a number": _user(7, login=7),
    "an avatar that is none": _user(7, avatar_url=["x"]),
}
NO_LISTS: dict[str, Any] = {
    "an object": {},
    "an object with one": _email(),
    "an empty string": "",
    "a string": ADA,
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "strings": [ADA],
    "nulls": [None],
    "no address": [{"primary": True, "verified": True}],
    "an address that is null": [_email(None)],
    "an address that is a list": [_email([ADA])],
    "an address that is a number": [_email(7)],
}
VOUCHES_FOR_NOTHING: dict[str, Any] = {
    "an empty list": [],
    "verified in words": [_email(verified="true")],
    "verified by one": [_email(verified=1)],
    "verified by a list": [_email(verified=[True])],
    "not verified": [_email(verified=False)],
    "verified unsaid": [{"email": ADA, "primary": True}],
    "two primaries": [_email(), _email("eve@example.com")],
    "the same primary twice": [_email(), _email()],
    "primary in words, of two": [_email(primary="true"), _email("eve@example.com", primary=1)],
    "no primary of two": [_email(primary=False), _email("eve@example.com", primary=False)],
    "another is primary": [_email(primary=False), _email("eve@example.com", verified=False)],
    "no address at all": [_email("ada")],
    "a list of addresses": [_email(f"{ADA},eve@example.com")],
    "an address with a name": [_email(f"Ada <{ADA}>")],
    "a line break": [_email(f"{ADA}\nBcc: eve@example.com")],
    "a full-width at": [_email("ada\uff20example.com")],
    "another script": [_email("\u0430da@example.com")],
    "quoted": [_email('"ada"@example.com')],
    "very long": [_email("a" * 300 + "@example.com")],
}


@asynccontextmanager
async def _house(folder: Path, place: Persistence, github: GitHub) -> AsyncIterator[House]:
    sections = {"providers.github": section_of(github)}
    opened = open_house(folder, place, sections=sections, transport=github.transport())
    async with opened as house:
        yield house


async def _sign_in(
    house: House, github: GitHub, path: str, fault: faults.Fault
) -> tuple[dict[str, str], httpx.Response]:
    """A sign-in at a GitHub that answers this at one of its three places."""
    github.faults.clear()
    prompt = await house.caller().ask("/oauth/url", provider="github")
    back = github.approve(prompt.json()["url"])
    github.faults[path] = fault
    return back, await house.caller().say("/oauth/login", back)


async def _demand_one_clean_error(
    house: House, github: GitHub, path: str, fault: faults.Fault, name: str
) -> None:
    before = await house.rows(*TABLES)
    back, answer = await _sign_in(house, github, path, fault)
    case = f"{path}: {name}"
    assert (answer.status_code, reason(answer)) in REFUSALS, case
    assert set(answer.json()) == {"code", "reason", "message", "details", "request_id"}, case
    assert answer.json()["details"] == [], case
    assert ("retry-after" in answer.headers) is (answer.status_code == 503), case
    assert await house.rows(*TABLES) == before, case
    github.faults.clear()
    again = await house.caller().say("/oauth/login", back)
    assert reason(again) == "INVALID_STATE", case


@pytest.fixture
def github() -> GitHub:
    made = GitHub()
    made.welcome(Person(7, "mallory", (Email("mallory@example.com"),)))
    return made


@pytest.mark.parametrize("path", [TOKEN, USER, EMAILS])
async def test_what_is_no_answer_leaves_nothing_behind(
    tmp_path: Path, persistence: Persistence, github: GitHub, path: str
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        for name, fault in NO_ANSWERS.items():
            await _demand_one_clean_error(house, github, path, fault, name)


async def test_what_is_no_token_leaves_nothing_behind(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        for name, told in NO_TOKENS.items():
            await _demand_one_clean_error(house, github, TOKEN, _json(told), name)


async def test_who_is_nobody_leaves_nothing_behind(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        for number in NOBODY:
            name = f"id {number!r}"[:40]
            await _demand_one_clean_error(house, github, USER, _user(number), name)
        for name, told in NO_USERS.items():
            await _demand_one_clean_error(house, github, USER, told, name)


async def test_what_is_no_list_of_addresses_leaves_nothing_behind(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    async with _house(tmp_path, persistence, github) as house:
        for name, told in NO_LISTS.items():
            await _demand_one_clean_error(house, github, EMAILS, _json(told), name)


async def test_an_address_that_is_not_plainly_vouched_for_opens_no_account(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """She gets in as herself, without an address; the victim's account is not touched."""
    async with _house(tmp_path, persistence, github) as house:
        _, hers = await house.owner(ADA)
        victim = (await house.caller().info(access(hers))).json()
        for number, (name, told) in enumerate(VOUCHES_FOR_NOTHING.items(), 1000):
            github.welcome(Person(number, "mallory"))
            _, answer = await _sign_in(house, github, EMAILS, _json(told))
            assert answer.json()["email"] == "", name
            info = (await house.caller().info(access(tokens(answer)))).json()
            assert info["user_id"] != victim["user_id"], name
            assert (info["email"], info["email_verified"]) == ("", False), name
        assert (await house.caller().info(access(hers))).json() == victim
        assert await house.rows("emails") == {"emails": 1}


async def test_a_profile_is_shown_without_what_could_be_acted_on(
    tmp_path: Path, persistence: Persistence, github: GitHub
) -> None:
    """A name loses its control characters, a picture that is no web address is left out."""
    async with _house(tmp_path, persistence, github) as house:
        for url in ("javascript:alert(1)", "data:text/html,x", "//evil", "http://a\nb", "https:x"):
            name = "mal\r\nlory\0\x1b[31m\u202e" + "x" * 5000
            fault = _user(7, login=name, avatar_url=url)
            _, answer = await _sign_in(house, github, USER, fault)
            assert answer.json()["avatar_url"] == "", url
            assert answer.json()["username"].startswith("mallory[31mx")
            assert len(answer.json()["username"]) == 255


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_slow_provider_is_left_at_ten_seconds_in_all(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Slow at once, or a little at each step; others are answered meanwhile."""
    silent, sluggish = GitHub(faults={USER: faults.Slow(60)}), GitHub()
    sluggish.faults = {path: faults.Slow(PATIENCE * 0.4) for path in (TOKEN, USER, EMAILS)}
    there = {"base_url": "https://ghe.example", "api_url": "https://ghe.example/api/v3"}
    sections = {
        "providers.github": section_of(silent),
        "providers.ghe": section_of(sluggish, plugin="github", **there),
    }
    places = {"github": silent, "ghe": sluggish}
    one, other = silent.transport(), sluggish.transport()

    async def far(request: httpx.Request) -> httpx.Response:
        way = other if request.url.host == "ghe.example" else one
        return await way.handle_async_request(request)

    async def sign_in(house: House, name: str) -> tuple[float, httpx.Response]:
        places[name].welcome(Person(7, "mallory"))
        prompt = await house.caller().ask("/oauth/url", provider=name)
        back, began = places[name].approve(prompt.json()["url"]), time.monotonic()
        answer = await house.caller().say("/oauth/login", back)
        return time.monotonic() - began, answer

    transport = httpx.MockTransport(far)
    async with open_house(tmp_path, persistence, sections=sections, transport=transport) as house:
        waiting = [asyncio.create_task(sign_in(house, name)) for name in places]
        await house.owner(ADA)
        assert not any(task.done() for task in waiting)
        for took, answer in await asyncio.gather(*waiting):
            assert reason(answer) == "PROVIDER_UNAVAILABLE"
            assert PATIENCE - 1 < took < PATIENCE + SLACK
        assert await house.rows("users") == {"users": 1}

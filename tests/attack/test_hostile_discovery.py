"""The attacker writes the discovery document: it must lead neither us nor the person anywhere but
to the hosts that the settings name, and stand for no other issuer.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from callers import House, open_house, reason, tokens
from clock import FrozenClock
from standin import faults
from standin.faults import Instead
from standin.openid import GONE, OpenId

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.settings import Persistence

pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
ELSEWHERE = (
    "https://evil.example/x",
    "https://169.254.169.254/latest/meta-data",
    "https://localhost/x",
    "https://127.0.0.1/x",
    "http://127.0.0.1:1/x",
    "https://id.example:8443/x",
    "https://id.example@evil.example/x",
    "https://evil.example#@id.example/x",
    "https://user@id.example/x",
    "http://id.example/x",
    "ftp://id.example/x",
    "javascript:alert(1)//id.example",
    "file:///etc/passwd",
    "//id.example/x",
    "/x",
    "",
    "https://id.example/\r\nX-Evil: 1",
    "https://id.example/" + "a" * 3000,
    "https://\u0456d.example/x",
    ["https://id.example/x"],
    7,
    True,
)
OTHER_ISSUERS = (
    "https://evil.example",
    "https://id.example/",
    "https://ID.example",
    "http://id.example",
    "https://id.example/tenant",
    None,
    GONE,
    ["https://id.example"],
)
NO_DOCUMENTS = {
    "HTML": faults.HTML,
    "nothing": faults.EMPTY,
    "a redirect": faults.REDIRECT,
    "gone": Instead(404, body=b"{}"),
    "a server error": faults.SERVER_ERROR,
    "a hangup": faults.Hangup(),
    "a list": Instead(body=b"[]"),
    "null": Instead(body=b"null"),
    "an issuer twice": Instead(body=b'{"issuer":"https://id.example","issuer":"https://evil"}'),
    "megabytes": Instead(body=json.dumps({"a": "a" * 2_000_000}).encode()),
}


@asynccontextmanager
async def _house(
    folder: Path, place: Persistence, openid: OpenId, clock: FrozenClock, **more: Any
) -> AsyncIterator[House]:
    said = openid.section(plugin="oidc", issuer=openid.issuer, email_trust="claim", **more)
    asked: list[str] = []

    async def far(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return await openid.transport().handle_async_request(request)

    sections = {"providers.corp": said}
    transport = httpx.MockTransport(far)
    opened = open_house(folder, place, sections=sections, clock=clock, transport=transport)
    async with opened as house:
        yield house
    assert set(asked) <= {"id.example"}


async def _demand_gone(house: House, clock: FrozenClock, case: object) -> None:
    answer = await house.caller().ask("/oauth/url", provider="corp")
    assert reason(answer) == "PROVIDER_UNAVAILABLE", case
    assert "evil" not in answer.text
    clock.advance(6)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def openid(clock: FrozenClock) -> OpenId:
    return OpenId(now=lambda: clock() // 1_000_000)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_an_endpoint_elsewhere_is_not_believed(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock, endpoint: str
) -> None:
    async with _house(tmp_path, persistence, openid, clock) as house:
        for url in ELSEWHERE:
            openid.says = {endpoint: url}
            await _demand_gone(house, clock, url)
        openid.says = {endpoint: GONE}
        if endpoint != "userinfo_endpoint":
            await _demand_gone(house, clock, "none")


async def test_another_issuer_is_not_believed(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with _house(tmp_path, persistence, openid, clock) as house:
        for issuer in OTHER_ISSUERS:
            openid.says = {"issuer": issuer}
            await _demand_gone(house, clock, issuer)


async def test_what_is_no_document_is_no_place(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with _house(tmp_path, persistence, openid, clock) as house:
        for case, fault in NO_DOCUMENTS.items():
            openid.faults = {"/openid-configuration": fault}
            await _demand_gone(house, clock, case)
        openid.faults = {}
        prompt = await house.caller().ask("/oauth/url", provider="corp")
        back = openid.approve(prompt.json()["url"])
        tokens(await house.caller().say("/oauth/login", back))


async def test_a_document_that_turns_bad_ends_a_sign_in_midway(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    async with _house(tmp_path, persistence, openid, clock) as house:
        await house.caller().ask("/oauth/url", provider="corp")
        clock.advance(3590)
        prompt = await house.caller().ask("/oauth/url", provider="corp")
        back = openid.approve(prompt.json()["url"])
        clock.advance(20)
        openid.says = {"token_endpoint": "https://evil.example/token"}
        answer = await house.caller().say("/oauth/login", back)
        assert reason(answer) == "PROVIDER_UNAVAILABLE"
        assert openid.count("/token") == 0


async def test_a_declared_host_is_believed(
    tmp_path: Path, persistence: Persistence, openid: OpenId, clock: FrozenClock
) -> None:
    openid.says = {"authorization_endpoint": "https://login.example/authorize"}
    hosts = ["login.example"]
    async with _house(tmp_path, persistence, openid, clock, hosts=hosts) as house:
        prompt = await house.caller().ask("/oauth/url", provider="corp")
        assert prompt.json()["url"].startswith("https://login.example/authorize?")

"""One table of calls through REST and gRPC: the same outcome, reason, and effects.

The service runs as two workers. Each door is used by people of its own from networks of their
own, and nothing but their names may differ in what becomes of them.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import doors
import npm
import pytest
from piccolo.querystring import QueryString
from standin.github import Email, Person

from identra.db import open_database
from identra.grpc.services import IDENTRA as SERVICE
from identra.secret import pkce_challenge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Build
    from doors import Door, Said, Told
    from town import Town

    from identra.db import Database

HOMES = ["sqlite", "postgres"]
PASSWORD = "correct horse battery staple"
VERIFIER = "v" * 43
TABLES = ("users", "emails", "identities", "credentials", "sessions", "spent", "events")
MASKED = {
    "token",
    "expires_at",
    "user_id",
    "url",
    "state",
    "provider_user_id",
    "github_id",
    "avatar_url",
}


@dataclass
class Visit:
    """Somebody at a door, and what she was told before."""

    door: Door
    town: Town
    person: Person
    network: str
    pairs: list[Said] = field(default_factory=list)
    trips: dict[str, Said] = field(default_factory=dict)
    mails: int = 0

    @property
    def email(self) -> str:
        return f"{self.door.name}@example.com"

    @property
    def access(self) -> str:
        token: str = self.pairs[-1]["access_token"]["token"]
        return token

    def refresh(self, back: int = 1) -> str:
        token: str = self.pairs[-back]["refresh_token"]["token"]
        return token

    def code(self) -> str:
        """The code of her next mail."""
        self.mails += 1
        letter = self.town.post.wait_for(self.email, count=self.mails)
        found = re.search(r"\b[0-9]{6}\b", letter.text)
        assert found
        return found[0]

    def trip(self, name: str) -> Said:
        """Where she came back from GitHub with, the first time she is asked; then the same."""
        if name not in self.trips:
            query: Said = {"provider": "github"}
            if "bound" in name:
                challenge = pkce_challenge(VERIFIER)
                query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
            told = self.door.ask("GetOAuthAuthorizationURL", query, self.metadata({}))
            self.town.github.welcome(self.person)
            back = self.town.github.approve(told.answer["url"])
            self.trips[name] = {"code": back["code"], "state": back["state"]}
        return dict(self.trips[name])

    def metadata(self, more: dict[str, str]) -> dict[str, str]:
        return {"x-forwarded-for": self.network} | more


@dataclass(frozen=True)
class Case:
    """A call of a method: what it is to show, what is said, and the reason expected."""

    method: str
    shows: str
    request: Callable[[Visit], Said] = lambda _: {}
    metadata: Callable[[Visit], dict[str, str]] = lambda _: {}
    reason: str = ""


def bearer(v: Visit) -> dict[str, str]:
    return {"authorization": f"Bearer {v.access}"}


def hers(**more: str) -> Callable[[Visit], Said]:
    return lambda v: {"email": v.email, **more}


def same(**request: Any) -> Callable[[Visit], Said]:
    return lambda _: dict(request)


TABLE = (
    Case("GetJWKS", "the keys"),
    Case("ListOAuthProviders", "the providers"),
    Case("RegisterByPassword", "nothing said", reason="INVALID_ARGUMENT"),
    Case("RegisterByPassword", "no password", hers(), reason="INVALID_ARGUMENT"),
    Case("RegisterByPassword", "no address", same(email="x", password=PASSWORD), reason="INVALID_ARGUMENT"),
    Case("RegisterByPassword", "a short one", hers(password="short"), reason="INVALID_ARGUMENT"),
    Case("RegisterByPassword", "NUL", hers(password=PASSWORD + "\0"), reason="INVALID_ARGUMENT"),
    Case("RegisterByPassword", "a mail leaves", hers(password=PASSWORD)),
    Case("LoginByPassword", "nobody yet", hers(password=PASSWORD), reason="INVALID_CREDENTIALS"),
    Case("ConfirmPasswordRegistration", "a wrong code", hers(code="x", password=PASSWORD), reason="INVALID_CODE"),
    Case("ConfirmPasswordRegistration", "nothing said", reason="INVALID_ARGUMENT"),
    Case("ConfirmPasswordRegistration", "the code", lambda v: {"email": v.email, "code": v.code(), "password": PASSWORD}),
    Case("ConfirmPasswordRegistration", "once", hers(code="000000", password=PASSWORD), reason="INVALID_CODE"),
    Case("LoginByPassword", "nothing said", reason="INVALID_ARGUMENT"),
    Case("LoginByPassword", "a wrong one", hers(password=PASSWORD[:-1]), reason="INVALID_CREDENTIALS"),
    Case("LoginByPassword", "in any case", lambda v: {"email": f" {v.email.upper()} ", "password": PASSWORD}),
    Case("GetCurrentUserLoginInfo", "no token", reason="MISSING_TOKEN"),
    Case("GetCurrentUserLoginInfo", "another scheme", metadata=lambda _: {"authorization": "Basic YTpi"}, reason="MISSING_TOKEN"),
    Case("GetCurrentUserLoginInfo", "no good token", metadata=lambda _: {"authorization": "Bearer x"}, reason="INVALID_TOKEN"),
    Case("GetCurrentUserLoginInfo", "by metadata", metadata=bearer),
    Case("GetCurrentUserLoginInfo", "by its field", lambda v: {"access_token": v.access}),
    Case("GetCurrentUserLoginInfo", "twice and differing", same(access_token="x"), bearer, "INVALID_ARGUMENT"),
    Case("RefreshToken", "nothing said", reason="INVALID_ARGUMENT"),
    Case("RefreshToken", "no good token", same(refresh_token="x"), reason="INVALID_REFRESH_TOKEN"),
    Case("RefreshToken", "a long one", same(refresh_token="x" * 600), reason="INVALID_REFRESH_TOKEN"),
    Case("RefreshToken", "beyond all bounds", same(refresh_token="x" * 66_000), reason="BODY_TOO_LARGE"),
    Case("RefreshToken", "a successor", lambda v: {"refresh_token": v.refresh()}, lambda _: {"idempotency-key": "k"}),
    Case("RefreshToken", "the same again", lambda v: {"refresh_token": v.refresh(2)}, lambda _: {"idempotency-key": "k"}),
    Case("SendLoginEmailCode", "nothing said", reason="INVALID_ARGUMENT"),
    Case("SendLoginEmailCode", "no address", same(email="a@b@c"), reason="INVALID_ARGUMENT"),
    Case("SendLoginEmailCode", "a mail leaves", lambda v: {"email": v.email, "use_html": True}),
    Case("LoginByEmailCode", "nothing said", reason="INVALID_ARGUMENT"),
    Case("LoginByEmailCode", "a wrong code", hers(code="x"), reason="INVALID_CODE"),
    Case("LoginByEmailCode", "a token that is none", hers(code="x"), lambda _: {"authorization": "Bearer x"}, "INVALID_TOKEN"),
    Case("LoginByEmailCode", "the code", lambda v: {"email": v.email, "code": v.code()}),
    Case("GetOAuthAuthorizationURL", "nothing said", reason="INVALID_ARGUMENT"),
    Case("GetOAuthAuthorizationURL", "nowhere", same(provider="nowhere"), reason="UNKNOWN_PROVIDER"),
    Case("GetOAuthAuthorizationURL", "back to elsewhere", same(provider="github", redirect_url="https://evil.example"), reason="REDIRECT_NOT_ALLOWED"),
    Case("GetOAuthAuthorizationURL", "half a challenge", same(provider="github", code_challenge="x"), reason="INVALID_ARGUMENT"),
    Case("GetOAuthAuthorizationURL", "a trip", same(provider="github")),
    Case("GetOAuthAuthorizationURL", "no good token", same(provider="github"), lambda _: {"authorization": "Bearer x"}, "INVALID_TOKEN"),
    Case("LoginByOAuth", "nothing said", reason="INVALID_ARGUMENT"),
    Case("LoginByOAuth", "no such trip", same(code="c", state="s"), reason="INVALID_STATE"),
    Case("LoginByOAuth", "without its verifier", lambda v: v.trip("bound"), reason="INVALID_STATE"),
    Case("LoginByOAuth", "with its verifier", lambda v: v.trip("bound 2") | {"code_verifier": VERIFIER}),
    Case("LoginByOAuth", "once", lambda v: v.trip("bound 2") | {"code_verifier": VERIFIER}, reason="INVALID_STATE"),
    Case("GetCurrentUserLoginInfo", "with GitHub", metadata=bearer),
    Case("BindUserByOAuth", "nothing said", reason="INVALID_ARGUMENT"),
    Case("BindUserByOAuth", "no token", lambda v: v.trip("to bind"), reason="MISSING_TOKEN"),
    Case("BindUserByOAuth", "hers already", lambda v: v.trip("to bind"), bearer),
    Case("BindUserByOAuth", "by its field", lambda v: v.trip("to bind 2") | {"access_token": v.access}),
    Case("RevokeRefreshToken", "nothing said", reason="INVALID_ARGUMENT"),
    Case("RevokeRefreshToken", "an unknown one", same(refresh_token="x")),
    Case("RevokeRefreshToken", "hers", lambda v: {"refresh_token": v.refresh()}),
    Case("RefreshToken", "of an ended session", lambda v: {"refresh_token": v.refresh()}, reason="INVALID_REFRESH_TOKEN"),
    Case("GetCurrentUserLoginInfo", "of an ended session", metadata=bearer, reason="INVALID_TOKEN"),
    *[Case("SendLoginEmailCode", "once more", hers()) for _ in range(4)],
    Case("SendLoginEmailCode", "once too often", hers(), reason="RATE_LIMITED"),
)  # fmt: skip
# ruff: noqa: E501 - a case, a line


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "proxied" in metafunc.fixturenames:
        further = ["mysql", "postgres and redis"]
        homes = [*HOMES, *(further if metafunc.config.getoption("everywhere") else [])]
        metafunc.parametrize("proxied", homes, indirect=True, scope="module")


@pytest.fixture(scope="module")
def proxied(request: pytest.FixtureRequest, build_town: Build) -> Iterator[Town]:
    """Behind a proxy on this machine, so that each door has a network of its own."""
    with build_town(request.param, http={"trusted_proxies": ["127.0.0.0/8"]}) as town:
        yield town


def test_every_door_tells_the_same_story(proxied: Town) -> None:
    town, service = proxied, proxied.service
    with (
        asyncio.Runner() as loop,
        doors.opened(service.url, service.grpc, npm.modules()) as there,
        _database(loop, town) as db,
    ):
        visits = [_visit(town, door, number) for number, door in enumerate(there)]
        stories = [_story(loop, db, visit) for visit in visits]
    rest, *others = stories
    for name, story in zip(("python", "node"), others, strict=True):
        for case, expected, found in zip(TABLE, rest, story, strict=True):
            assert found == expected, f"{case.method}, {case.shows}: {name}"
    log = service.log.read_text()
    for secret in (PASSWORD, VERIFIER, *(one for visit in visits for one in _secrets(visit))):
        assert secret not in log


def test_the_table_has_every_method_good_and_bad() -> None:
    free = {"GetJWKS", "ListOAuthProviders"}
    for name in SERVICE.methods_by_name:
        good = {not case.reason for case in TABLE if case.method == name}
        assert good == ({True} if name in free else {True, False}), name


def _visit(town: Town, door: Door, number: int) -> Visit:
    name = f"{door.name}@example.com"
    return Visit(door, town, Person(100 + number, "somebody", (Email(name),)), f"192.0.2.{number}")


def _story(loop: asyncio.Runner, db: Database, visit: Visit) -> list[tuple[Told, dict[str, int]]]:
    """What each case came to: what was told, and how many rows more there were of each kind."""
    story = []
    before = loop.run(_rows(db))
    for case in TABLE:
        request, metadata = case.request(visit), visit.metadata(case.metadata(visit))
        told = visit.door.ask(case.method, request, metadata)
        assert told.reason == case.reason, f"{case.method}, {case.shows}: {told}"
        assert {"x-request-id", "x-attempt-id"} <= set(told.headers), case
        if "token" in told.answer:
            visit.pairs.append(told.answer["token"])
        after = loop.run(_rows(db))
        story.append((_masked(told, visit), {t: after[t] - before[t] for t in after}))
        before = after
    refreshes = [pair["refresh_token"] for pair in visit.pairs[1:4]]
    assert refreshes[0] != refreshes[1] == refreshes[2], "the key gave another successor"
    return story


def _secrets(visit: Visit) -> Iterator[str]:
    """The tokens that she was given, the codes and states that she came back with."""
    for pair in visit.pairs:
        yield pair["access_token"]["token"]
        yield pair["refresh_token"]["token"]
    for trip in visit.trips.values():
        yield from trip.values()


def _masked(told: Told, visit: Visit) -> Told:
    """Without what is hers alone."""
    return doors.Told(
        told.code,
        _mask(told.answer, visit.door.name),
        told.reason,
        told.message,
        told.fields,
        told.waits,
    )


def _mask(said: Any, name: str) -> Any:
    if isinstance(said, dict):
        return {
            key: type(value).__name__
            if key in MASKED and not isinstance(value, dict)
            else _mask(value, name)
            for key, value in said.items()
        }
    if isinstance(said, list):
        return [_mask(one, name) for one in said]
    return said.replace(name, "her") if isinstance(said, str) else said


@contextmanager
def _database(loop: asyncio.Runner, town: Town) -> Iterator[Database]:
    db = loop.run(open_database(town.place))
    try:
        yield db
    finally:
        loop.run(db.close())


async def _rows(db: Database) -> dict[str, int]:
    counted = "(SELECT COUNT(*) FROM identra_{0}) AS {0}"
    counts = ", ".join(map(counted.format, TABLES))
    (row,) = await db.fetch(QueryString(f"SELECT {counts}"))
    return dict(row)

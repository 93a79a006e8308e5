"""Callers of the REST door of a house in the test's own loop, each from a network of her own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
from homes import PASSWORD, Sections, code_for, open_home
from running import door_of
from wires import certificates

from identra.secret import fingerprint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

    from standin.github import GitHub

    from identra.app import App
    from identra.settings import Persistence, Redis
    from identra.values import Clock, Mailer

EXPECTED: Sections = {
    "keys": {"algorithm": "ES256"},
    "http": {"trusted_proxies": ["127.0.0.1/32"]},
}
IMMEDIATE: Sections = {"password": {"registration": "immediate"}}
PATIENCE = 60
CLIENT = ("orders", "a secret of 256 bits that only this service and these tests have")
ASKED: Sections = {
    "introspection": {"clients": [{"id": CLIENT[0], "secret_sha256": fingerprint(CLIENT[1])}]}
}


@dataclass(frozen=True)
class Caller:
    """Somebody with an internet connection. Every answer is given back, a refusal too."""

    http: httpx.AsyncClient
    network: str

    async def say(
        self, path: str, body: Any = None, *, bearer: str | None = None, **headers: str
    ) -> httpx.Response:
        """POST a JSON body."""
        return await self.http.post(path, json=body, headers=self._headers(bearer) | headers)

    async def ask(self, path: str, *, bearer: str | None = None, **query: str) -> httpx.Response:
        """GET with arguments."""
        return await self.http.get(path, params=query, headers=self._headers(bearer))

    async def end(self, path: str, *, bearer: str | None = None, **query: str) -> httpx.Response:
        """DELETE."""
        return await self.http.delete(path, params=query, headers=self._headers(bearer))

    async def introspect(
        self, token: str, login: tuple[str, str] | None, **more: str
    ) -> httpx.Response:
        """Ask as a service would what a token is worth."""
        form = {"token": token, **more}
        auth = httpx.BasicAuth(*login) if login else None
        return await self.http.post(
            "/introspect", data=form, auth=auth, headers=self._headers(None)
        )

    async def sessions(self, bearer: str) -> list[dict[str, Any]]:
        """The caller's sessions as they are told to her."""
        answer = await self.ask("/me/sessions", bearer=bearer)
        assert answer.status_code == 200, answer.text
        listed: list[dict[str, Any]] = answer.json()["sessions"]
        return listed

    async def register(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.say("/password/register", {"email": email, "password": password})

    async def confirm(self, email: str, code: str, password: str = PASSWORD) -> httpx.Response:
        body = {"email": email, "code": code, "password": password}
        return await self.say("/password/register/confirm", body)

    async def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.say("/password/login", {"email": email, "password": password})

    async def ask_code(self, email: str) -> httpx.Response:
        return await self.say("/email/code", {"email": email})

    async def answer(self, email: str, code: str, *, bearer: str | None = None) -> httpx.Response:
        return await self.say("/email/login", {"email": email, "code": code}, bearer=bearer)

    async def refresh(self, refresh_token: str, **headers: str) -> httpx.Response:
        return await self.say("/token/refresh", {"refresh_token": refresh_token}, **headers)

    async def info(self, bearer: str) -> httpx.Response:
        return await self.say("/me/login-info", bearer=bearer)

    def _headers(self, bearer: str | None) -> dict[str, str]:
        said = {"X-Forwarded-For": self.network}
        return said | ({"Authorization": f"Bearer {bearer}"} if bearer is not None else {})


@dataclass(frozen=True)
class House:
    """An open house with its door. `networks` are addresses nobody has called from."""

    settings: Path
    app: App
    http: httpx.AsyncClient
    networks: Iterator[str]

    def caller(self) -> Caller:
        """Somebody from a network that was not heard of before."""
        return Caller(self.http, next(self.networks))

    async def owner(self, email: str) -> tuple[Caller, dict[str, Any]]:
        """Somebody who has proved her address by a mailed code, and her tokens."""
        her = self.caller()
        await her.ask_code(email)
        answer = await her.answer(email, code_for(self.app, email))
        return her, tokens(answer)

    async def rows(self, *tables: str) -> dict[str, int]:
        """How many rows these tables have."""
        db = self.app.database
        return {name: len(await db.fetch(getattr(db.tables, name).select())) for name in tables}


@asynccontextmanager
async def open_house(
    folder: Path,
    place: Persistence,
    store: Redis | None = None,
    *,
    sections: Sections | None = None,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    mailer: Mailer | None = None,
    plugins: Mapping[str, ModuleType] | None = None,
) -> AsyncIterator[House]:
    """A house on a migrated database with its REST door open behind a proxy on this machine."""
    said = {name: dict(section) for name, section in EXPECTED.items()}
    for name, section in (sections or {}).items():
        said[name] = said.get(name, {}) | section
    opened = open_home(
        folder,
        place,
        store,
        sections=said,
        clock=clock,
        transport=transport,
        mailer=mailer,
        plugins=plugins,
    )
    async with (
        opened as app,
        door_of(app) as url,
        httpx.AsyncClient(base_url=url, timeout=PATIENCE, verify=certificates()) as http,
    ):
        networks = (f"203.0.113.{number}" for number in count(1))
        yield House(folder / "identra.toml", app, http, networks)


def section_of(github: GitHub, **more: Any) -> dict[str, Any]:
    """The settings of GitHub's provider at this stand-in."""
    return {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "redirect_url": github.callback,
    } | more


def tokens(answer: httpx.Response) -> dict[str, Any]:
    """The token pair of an answer, or its refusal as a failure."""
    assert answer.status_code == 200, answer.text
    pair: dict[str, Any] = answer.json()["token"]
    return pair


def access(pair: dict[str, Any]) -> str:
    token: str = pair["access_token"]["token"]
    return token


def refresh(pair: dict[str, Any]) -> str:
    token: str = pair["refresh_token"]["token"]
    return token


def reason(answer: httpx.Response) -> str:
    """What a refusal says to programs; of a success its status."""
    said: str = answer.json()["reason"] if answer.is_error else str(answer.status_code)
    return said

"""A stand-in for GitHub that behaves as its public documentation says.

Sources: "Authorizing OAuth apps" (web application flow, with PKCE as announced in July 2025),
"Troubleshooting OAuth app access token request errors", "Troubleshooting authorization request
errors", and the REST pages of `GET /user` and `GET /user/emails`. One function from request to
response; `transport` puts it behind httpx, `sites.open_site` behind a loopback port.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from standin.faults import Fault, Hangup, Instead, Slow

if TYPE_CHECKING:
    from collections.abc import Callable

CODE_LIFETIME = 600
DOCS = "https://docs.github.com/rest"
TROUBLE = "/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/#"
EMAIL_SCOPES = {"user", "user:email"}
SAID = {
    "incorrect_client_credentials": "The client_id and/or client_secret passed are incorrect.",
    "redirect_uri_mismatch": (
        "The redirect_uri MUST match the registered callback URL for this application."
    ),
    "bad_verification_code": "The code passed is incorrect or expired.",
    "access_denied": "The user has denied your application access.",
}


@dataclass(frozen=True)
class Email:
    """One entry of /user/emails; only a primary one has a visibility."""

    email: str
    verified: bool = True
    primary: bool = True
    visibility: Literal["public", "private"] | None = "private"


@dataclass(frozen=True)
class Person:
    """An account. `email` is the public one, None for most people."""

    id: int
    login: str
    emails: tuple[Email, ...] = ()
    email: str | None = None
    avatar_url: str | None = None


@dataclass(frozen=True)
class Grant:
    """What a code or a token stands for."""

    person: int
    scopes: tuple[str, ...]
    redirect_uri: str | None = None
    challenge: str | None = None
    until: float = 0


@dataclass
class GitHub:
    """`people` by their number; `visitor` is the one at the browser, None declines.

    `faults` by path ("/user") stand in for the right answer; `answers_as` is the token
    endpoint's form, "asked" obeying Accept; `asked` keeps what came in.
    """

    client_id: str = "Iv1.8a61f9b3a7aba766"
    client_secret: str = "9f2c4e6a8b0d1f3e5c7a9b2d4f6e8a0c1b3d5f7e"
    callback: str = "http://localhost:3000/callback"
    people: dict[int, Person] = field(default_factory=dict)
    visitor: int | None = None
    answers_as: Literal["asked", "form", "json"] = "asked"
    faults: dict[str, Fault] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    asked: list[httpx.Request] = field(default_factory=list)
    _codes: dict[str, Grant] = field(default_factory=dict)
    _tokens: dict[str, Grant] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def welcome(self, person: Person) -> Person:
        """Put a person into the world, or change one, and before the browser."""
        self.people[person.id] = person
        self.visitor = person.id
        return person

    def approve(self, url: str) -> dict[str, str]:
        """What the client's redirect URL is called with when the visitor says yes to `url`."""
        response = self.answer(httpx.Request("GET", url))
        assert response.status_code == 302, response.text
        query = parse_qs(urlsplit(response.headers["location"]).query)
        return {name: values[0] for name, values in query.items()}

    def transport(self) -> httpx.MockTransport:
        """Every host is this GitHub. Slowness is real, a hangup is a read error."""

        async def handle(request: httpx.Request) -> httpx.Response:
            fault = self.fault(request)
            if isinstance(fault, Hangup):
                raise httpx.ReadError("the far side hung up", request=request)
            if isinstance(fault, Slow):
                await asyncio.sleep(fault.seconds)
            return self.answer(request)

        return httpx.MockTransport(handle)

    def fault(self, request: httpx.Request) -> Fault | None:
        return self.faults.get(_path(request))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The right answer, or the one that stands in for it."""
        with self._lock:
            self.asked.append(request)
            fault = self.fault(request)
            if isinstance(fault, Instead):
                return fault.response()
            return self._route(request)

    def _route(self, request: httpx.Request) -> httpx.Response:
        routes = {
            ("GET", "/login/oauth/authorize"): self._authorize,
            ("POST", "/login/oauth/access_token"): self._token,
            ("GET", "/user"): self._user,
            ("GET", "/user/emails"): self._emails,
        }
        handle = routes.get((request.method, _path(request)))
        return handle(request) if handle else _api_error(404, "Not Found")

    def _authorize(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        if query.get("client_id") != self.client_id:
            return httpx.Response(404, html="<title>Page not found</title>")
        back = query.get("redirect_uri") or self.callback
        state = {"state": query["state"]} if "state" in query else {}
        if not _within(back, self.callback):
            return _send_back(self.callback, _error("redirect_uri_mismatch") | state)
        if "code_challenge" in query and query.get("code_challenge_method") != "S256":
            return httpx.Response(400, html="<title>Only S256 is accepted</title>")
        if self.visitor is None:
            return _send_back(back, _error("access_denied") | state)
        return _send_back(back, {"code": self._grant_code(self.visitor, query)} | state)

    def _grant_code(self, person: int, query: dict[str, str]) -> str:
        code = secrets.token_hex(10)
        self._codes[code] = Grant(
            person,
            tuple(query.get("scope", "").split()),
            query.get("redirect_uri"),
            query.get("code_challenge"),
            self.now() + CODE_LIFETIME,
        )
        return code

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        told = self._redeem(dict(request.url.params) | form)
        asked = "json" if "application/json" in request.headers.get("accept", "") else "form"
        way = asked if self.answers_as == "asked" else self.answers_as
        if way == "json":
            return httpx.Response(200, json=told)
        media = "application/x-www-form-urlencoded; charset=utf-8"
        return httpx.Response(200, headers={"Content-Type": media}, text=urlencode(told))

    def _redeem(self, form: dict[str, str]) -> dict[str, str]:
        client = (form.get("client_id"), form.get("client_secret"))
        if client != (self.client_id, self.client_secret):
            return _error("incorrect_client_credentials")
        grant = self._codes.pop(form.get("code", ""), None)
        if grant is None or grant.until < self.now():
            return _error("bad_verification_code")
        if "redirect_uri" in form and form["redirect_uri"] != grant.redirect_uri:
            return _error("redirect_uri_mismatch")
        if grant.challenge and _challenge(form.get("code_verifier", "")) != grant.challenge:
            return _error("bad_verification_code")
        token = f"gho_{secrets.token_hex(18)}"
        self._tokens[token] = grant
        return {"access_token": token, "scope": ",".join(grant.scopes), "token_type": "bearer"}

    def _user(self, request: httpx.Request) -> httpx.Response:
        grant = self._grant_of(request)
        if isinstance(grant, httpx.Response):
            return grant
        person = self.people[grant.person]
        avatar = f"https://avatars.githubusercontent.com/u/{person.id}?v=4"
        told = {
            "login": person.login,
            "id": person.id,
            "node_id": base64.b64encode(f"04:User{person.id}".encode()).decode(),
            "avatar_url": avatar if person.avatar_url is None else person.avatar_url,
            "type": "User",
            "site_admin": False,
            "name": None,
            "email": person.email,
        }
        return httpx.Response(200, json=told)

    def _emails(self, request: httpx.Request) -> httpx.Response:
        grant = self._grant_of(request)
        if isinstance(grant, httpx.Response):
            return grant
        if not EMAIL_SCOPES & set(grant.scopes):
            return _api_error(404, "Not Found")
        entries = [
            {
                "email": one.email,
                "primary": one.primary,
                "verified": one.verified,
                "visibility": one.visibility if one.primary else None,
            }
            for one in self.people[grant.person].emails
        ]
        return httpx.Response(200, json=entries)

    def _grant_of(self, request: httpx.Request) -> Grant | httpx.Response:
        if not request.headers.get("user-agent"):
            return httpx.Response(403, text="Request forbidden by administrative rules.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"}:
            return _api_error(401, "Requires authentication")
        return self._tokens.get(token) or _api_error(401, "Bad credentials")


def _path(request: httpx.Request) -> str:
    """The path as on api.github.com; an Enterprise Server keeps its API under /api/v3."""
    return request.url.path.removeprefix("/api/v3")


def _within(asked: str, callback: str) -> bool:
    """Host and port as registered, the path in or below; on loopback the port is free."""
    there, here = urlsplit(asked), urlsplit(callback)
    loopback = here.hostname in {"localhost", "127.0.0.1"} and there.hostname == here.hostname
    same = (there.scheme, there.netloc) == (here.scheme, here.netloc)
    below = there.path == here.path or there.path.startswith(here.path.rstrip("/") + "/")
    return (same or loopback) and below


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _send_back(url: str, query: dict[str, str]) -> httpx.Response:
    joint = "&" if urlsplit(url).query else "?"
    return httpx.Response(302, headers={"Location": f"{url}{joint}{urlencode(query)}"})


def _error(name: str) -> dict[str, str]:
    anchor = name.replace("_", "-")
    return {"error": name, "error_description": SAID[name], "error_uri": f"{TROUBLE}{anchor}"}


def _api_error(status: int, message: str) -> httpx.Response:
    told = {"message": message, "documentation_url": DOCS, "status": str(status)}
    return httpx.Response(status, json=told)

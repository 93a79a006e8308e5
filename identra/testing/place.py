"""A stand-in for the places a plugin reaches: strict, in memory, and faulty when told to be."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import httpx

from identra.secret import token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ABSENT: Final = object()
"""Laid over what a place tells, it takes that away."""
CLIENT_ID: Final = "kit-client-4f9d2c71"
REDIRECT: Final = "https://app.invalid/callback"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the place. `subject` may also be what no id should be; `email` may be absent."""

    subject: Any = "u-70000001"
    name: str = "ada"
    email: str | None = "ada@example.com"
    verified: bool = True


class Fault(Enum):
    """What comes instead of a right answer."""

    error = "a 500"
    html = "a page of HTML"
    slow = "nothing in time"
    redirect = "a redirect"


@dataclass
class Place:
    """Answers a plugin's requests from what its author gave; everything asked is kept.

    `replies` gives for a person the JSON of each URL that a GET may ask for; `faults` holds, by
    URL without its query, what comes instead. `posted` is every form that came to another URL
    than `token_url`, which is answered from `accepts`.
    """

    token_url: str = ""
    replies: Callable[[Person], Mapping[str, Any]] = lambda _person: {}
    accepts: Mapping[str, Any] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    open_to_all: bool = False
    """Whether a GET needs no token of the place's."""
    mints: bool = False
    """Whether the client's secret is minted anew each time: then any will do."""
    secret: str = field(default_factory=lambda: f"kit-{token()}")
    """The client's: it begins like none that was published as a sample, whatever is drawn."""
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    _codes: dict[str, tuple[Person, dict[str, str]]] = field(default_factory=dict)
    _tokens: dict[str, Person] = field(default_factory=dict)

    def approve(self, url: str, person: Person) -> tuple[str, str]:
        """The code and the state that come back once a person has said yes to `url`."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = self._secret()
        self._codes[code] = (person, asked)
        return code, asked.get("state", "")

    def grant(self, person: Person) -> str:
        """An access token of the place's for a person."""
        made = self._secret()
        self._tokens[made] = person
        return made

    def transport(self) -> httpx.MockTransport:
        """What a house is opened with."""
        return httpx.MockTransport(self._answer)

    def _secret(self) -> str:
        made = token()
        self.secrets.add(made)
        return made

    def _answer(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url.copy_with(query=None))
        self.asked.append(url)
        if url in self.faults:
            return _fault(self.faults[url], request)
        if request.method != "POST":
            return self._tell(request, url)
        form = dict(parse_qsl(request.content.decode()))
        if url == self.token_url:
            return self._redeem(request, form)
        self.posted.append((url, form))
        return httpx.Response(200 if url in self.accepts else 404, json=self.accepts.get(url))

    def _tell(self, request: httpx.Request, url: str) -> httpx.Response:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        person = self._tokens.get(bearer) or (Person() if self.open_to_all else None)
        if person is None:
            return httpx.Response(401, json={"error": "invalid_token"})
        told = self.replies(person)
        whole = str(request.url)
        known = whole if whole in told else url
        reply = told.get(known)
        if isinstance(reply, bytes):
            return httpx.Response(200, content=reply)
        return httpx.Response(200 if known in told else 404, json=reply)

    def _redeem(self, request: httpx.Request, form: Mapping[str, str]) -> httpx.Response:
        person, asked = self._codes.pop(form.get("code", ""), (None, {}))
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        client, secret = _client(request, form)
        self.secrets.update({form.get("code_verifier", "") or self.secret, secret or self.secret})
        right = (
            person is not None
            and form.get("grant_type") == "authorization_code"
            and client == CLIENT_ID == asked.get("client_id")
            and (secret == self.secret or (self.mints and secret))
            and form.get("redirect_uri") == asked.get("redirect_uri")
            and challenge == asked.get("code_challenge")
        )
        if not right or person is None:
            return httpx.Response(400, json={"error": "invalid_grant"})
        return httpx.Response(200, json=self._give(person, asked))

    def _give(self, person: Person, asked: Mapping[str, str]) -> dict[str, Any]:
        """What a code is traded for; `asked` is what the authorization URL said."""
        del asked
        return {"access_token": self.grant(person)}


def _client(request: httpx.Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Who asks, by the form or by HTTP Basic (RFC 6749, 2.3.1)."""
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    name, _, secret = base64.b64decode(said).decode().partition(":")
    return unquote_plus(name), unquote_plus(secret)


def _fault(fault: Fault, request: httpx.Request) -> httpx.Response:
    if fault is Fault.slow:
        raise httpx.ReadTimeout("the kit lets it time out at once", request=request)
    if fault is Fault.html:
        return httpx.Response(200, html="<!DOCTYPE html><title>Be right back</title>")
    if fault is Fault.redirect:
        return httpx.Response(302, headers={"Location": "https://elsewhere.invalid/"})
    return httpx.Response(500, json={"id": "u-500", "message": "Server Error"})

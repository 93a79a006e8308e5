"""Somebody who uses the service: each method is a right request and expects a right answer."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from identra.secret import pkce_challenge

if TYPE_CHECKING:
    import httpx
    from standin.github import Person
    from town import Town

PASSWORD = "correct horse battery staple"
Pair = dict[str, Any]


def bearer(pair: Pair) -> dict[str, str]:
    """The header that carries a pair's access token."""
    return {"Authorization": f"Bearer {pair['access_token']['token']}"}


@dataclass(frozen=True)
class Trip:
    """What a client holds once the provider has sent somebody back to it."""

    code: str
    state: str
    code_verifier: str | None = None

    def body(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Visitor:
    """A client at the service's door; `town` is where she reads mail and meets GitHub."""

    http: httpx.Client
    town: Town
    suffix: str = field(default_factory=lambda: secrets.token_hex(4))

    def address(self, name: str) -> str:
        """An address of this visitor's alone."""
        return f"{name}-{self.suffix}@example.com"

    def post(self, path: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Post what succeeds."""
        answer = self.http.post(path, json=body, **options)
        assert answer.is_success, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def refusal(self, path: str, body: dict[str, Any], **options: Any) -> tuple[int, str]:
        """Post what is refused: the status and the reason."""
        answer = self.http.post(path, json=body, **options)
        return answer.status_code, answer.json()["reason"]

    def mailed_code(self, email: str, *, count: int = 1) -> str:
        """The code in the `count`-th letter to an address."""
        found = re.search(r"\b[0-9]{6}\b", self.town.post.wait_for(email, count=count).text)
        assert found
        return found[0]

    def register(self, email: str) -> Pair:
        """Register with the mailed code."""
        asked = {"email": email, "password": PASSWORD}
        assert self.post("/password/register", asked) == {}
        confirmed = {**asked, "code": self.mailed_code(email)}
        return self._pair("/password/register/confirm", confirmed)

    def register_at_once(self, email: str) -> Pair:
        """Register where no code is asked for."""
        return self._pair("/password/register", {"email": email, "password": PASSWORD})

    def sign_in(self, email: str) -> Pair:
        """Sign in with the password."""
        return self._pair("/password/login", {"email": email, "password": PASSWORD})

    def ask_code(self, email: str, *, use_html: bool = False) -> str:
        """Have a code mailed, and read it."""
        assert self.post("/email/code", {"email": email, "use_html": use_html}) == {}
        return self.mailed_code(email)

    def sign_in_by_code(self, email: str) -> Pair:
        """Sign in with a mailed code."""
        return self._pair("/email/login", {"email": email, "code": self.ask_code(email)})

    def travel(self, person: Person, *, bound: bool = False, **options: Any) -> Trip:
        """Go to GitHub as this person and come back; `bound` with a verifier of the client's."""
        verifier = secrets.token_urlsafe(32) if bound else None
        query = {"provider": "github"}
        if verifier:
            challenge = pkce_challenge(verifier)
            query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        answer = self.http.get("/oauth/url", params=query, **options)
        assert answer.status_code == 200, answer.text
        prompt = answer.json()
        self.town.github.welcome(person)
        back = self.town.github.approve(prompt["url"])
        assert back["state"] == prompt["state"]
        return Trip(back["code"], back["state"], verifier)

    def refresh(self, pair: Pair, key: str | None = None) -> Pair:
        """Exchange the refresh token."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._pair("/token/refresh", token_of(pair), headers=headers)

    def revoke(self, pair: Pair) -> None:
        """Give the session up."""
        assert self.post("/token/revoke", token_of(pair)) == {}

    def info(self, pair: Pair) -> dict[str, Any]:
        """What the service tells of her, asked both ways."""
        said = {"access_token": pair["access_token"]["token"]}
        by_body = self.post("/me/login-info", said)
        by_header = self.post("/me/login-info", {}, headers=bearer(pair))
        assert by_body == by_header
        return by_header

    def _pair(self, path: str, body: dict[str, Any], **options: Any) -> Pair:
        pair: Pair = self.post(path, body, **options)["token"]
        return pair


def token_of(pair: Pair) -> dict[str, str]:
    """The body that carries a pair's refresh token."""
    return {"refresh_token": pair["refresh_token"]["token"]}

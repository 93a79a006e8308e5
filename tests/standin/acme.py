"""A stand-in for Acme, the place that the documentation's example plugins reach."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx


@dataclass
class Acme:
    """An OAuth 2.0 place (codes once, PKCE demanded) with a gateway for text messages."""

    client_id: str
    client_secret: str
    api_key: str
    person: dict[str, Any]
    home: str = "acme.example"
    messages: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def approve(self, url: str) -> dict[str, str]:
        """What the redirect brings when the person says yes to `url`."""
        asked = _fields(urlsplit(url).query)
        assert url.startswith(f"https://{self.home}/oauth/authorize?")
        assert (asked["client_id"], asked["code_challenge_method"]) == (self.client_id, "S256")
        code = secrets.token_hex(8)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    def code(self) -> str:
        """The code of the newest message."""
        found = re.search(r"\b\d{6}\b", self.messages[-1]["text"])
        assert found
        return found[0]

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        form = _fields(request.content.decode())
        told = request.headers.get("authorization", "").removeprefix("Bearer ")
        within = request.url.host.removesuffix(self.home)
        match request.method, within, request.url.path:
            case "POST", "", "/oauth/token":
                return self._redeem(form)
            case "GET", "api.", "/v1/me" if told in self._tokens:
                return httpx.Response(200, json=self.person)
            case "POST", "sms.", "/messages" if told == self.api_key:
                self.messages.append(form)
                return httpx.Response(200, json={"id": len(self.messages)})
        return httpx.Response(401, json={"error": "invalid_token"})

    def _redeem(self, form: dict[str, str]) -> httpx.Response:
        asked = self._codes.pop(form["code"], None)
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        expected = {
            "client_id": self.client_id,
            "redirect_uri": form["redirect_uri"],
            "code_challenge": base64.urlsafe_b64encode(verifier).decode().rstrip("="),
        }
        if (
            form["client_secret"] != self.client_secret
            or not asked
            or not expected.items() <= asked.items()
        ):
            return httpx.Response(400, json={"error": "invalid_grant"})
        token = secrets.token_hex(8)
        self._tokens.add(token)
        return httpx.Response(200, json={"access_token": token, "token_type": "Bearer"})


def _fields(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}

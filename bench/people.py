"""The users of a run: registered through the front door, each at an address of the network."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx

from bench.callers import PASSWORD, somewhere

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account and a session."""

    email: str
    peer: str
    access_token: str
    refresh_token: str

    @property
    def session(self) -> str:
        """The id of her session, as her access token tells it."""
        payload = self.access_token.split(".")[1]
        return str(json.loads(urlsafe_b64decode(payload + "=="))["sid"])


def register(url: str, count: int) -> list[Person]:
    """Register so many people, one after the other. Raises httpx.HTTPStatusError."""
    with httpx.Client(base_url=url, timeout=30) as client:
        newcomers = (f"{uuid4().hex}@example.com" for _ in range(count))
        return [_enter(client, "/password/register", email) for email in newcomers]


def sign_in(url: str, emails: Iterable[str]) -> list[Person]:
    """Sign these in, one after the other. Raises httpx.HTTPStatusError."""
    with httpx.Client(base_url=url, timeout=30) as client:
        return [_enter(client, "/password/login", email) for email in emails]


def _enter(client: httpx.Client, path: str, email: str) -> Person:
    peer = somewhere()
    answer = client.post(
        path, json={"email": email, "password": PASSWORD}, headers={"X-Forwarded-For": peer}
    )
    token = answer.raise_for_status().json()["token"]
    return Person(email, peer, token["access_token"]["token"], token["refresh_token"]["token"])

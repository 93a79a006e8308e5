"""What can go wrong on the far side."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx


@dataclass(frozen=True)
class Slow:
    """The right answer, after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Hangup:
    """No answer: the connection ends."""


@dataclass(frozen=True)
class Instead:
    """Another answer than the right one."""

    status: int = 200
    media: str = "application/json; charset=utf-8"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> httpx.Response:
        told = {"Content-Type": self.media, **self.headers}
        return httpx.Response(self.status, headers=told, content=self.body)


Fault = Slow | Hangup | Instead

HTML = Instead(media="text/html", body=b"<!DOCTYPE html><title>Unicorn! \xc2\xb7 GitHub</title>")
SERVER_ERROR = Instead(500, body=b'{"message":"Server Error"}')
EMPTY = Instead()
ERROR_WITH_STATUS_200 = Instead(body=json.dumps({"error": "temporarily_unavailable"}).encode())
REDIRECT = Instead(302, headers={"Location": "http://127.0.0.1:1/user"})
RATE_LIMITED = Instead(429, body=b'{"message":"API rate limit exceeded"}')

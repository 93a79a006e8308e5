"""An endpoint that is told of events: it checks what it gets as a receiver would, and keeps it."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.faults import Fault

KEY = bytes(range(100, 132))
SECRET = "whsec_" + b64encode(KEY).decode()
FORMER_KEY = bytes(range(32))
FORMER = "whsec_" + b64encode(FORMER_KEY).decode()


@dataclass(frozen=True)
class Message:
    """What came with one request."""

    id: str
    at: int
    path: str
    body: dict[str, Any]

    @property
    def type(self) -> str:
        said: str = self.body["type"]
        return said


def _fine(_: Message) -> httpx.Response:
    return httpx.Response(204)


@dataclass
class Receiver:
    """Answers as told; a request that it could not trust is kept apart."""

    key: bytes = KEY
    reply: Callable[[Message], httpx.Response] = _fine
    faults: Callable[[], Fault | None] = lambda: None
    heard: list[Message] = field(default_factory=list)
    forged: list[httpx.Request] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def fault(self, _: httpx.Request) -> Fault | None:
        return self.faults()

    def answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if not signed_by(self.key, request):
                self.forged.append(request)
                return httpx.Response(401)
            message = Message(
                id=request.headers["webhook-id"],
                at=int(request.headers["webhook-timestamp"]),
                path=request.url.path,
                body=json.loads(request.content),
            )
            response = self.reply(message)
            if response.is_success:
                self.heard.append(message)
            return response

    def types(self, user_id: str | None = None) -> list[str]:
        """The events of a user, or all, in the order in which they were received."""
        of_hers = (m for m in self.heard if user_id in (None, m.body["data"].get("user_id")))
        return [message.type for message in of_hers]


def signed_by(key: bytes, request: httpx.Request) -> bool:
    """Whether one of the signatures is this key's, as the specification says."""
    said = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode()
    due = hmac.new(key, said + request.content, hashlib.sha256).digest()
    given = [one.split(",") for one in request.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and b64decode(one) == due for version, one in given)

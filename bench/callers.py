"""What a connection says, and what it makes of the answer."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from identra.grpc.identra.v1 import identra_pb2 as v1

PASSWORD = "a password for benchmarks"  # noqa: S105 - opens accounts of a run that is thrown away


class Caller(Protocol):
    """One end of a keep-alive connection."""

    def say(self) -> bytes:
        """The next request, whole."""
        ...

    def hear(self, status: int, body: bytes) -> None:
        """Take the answer in. Raises Unexpected when the run would measure something else."""
        ...


class Unexpected(Exception):
    """An answer of another status than the subject gives."""


@dataclass(slots=True)
class Repeating:
    """Asks the same again and again."""

    request: bytes
    expects: frozenset[int] = frozenset({200})

    def say(self) -> bytes:
        """The request."""
        return self.request

    def hear(self, status: int, body: bytes) -> None:
        """Look at the status alone."""
        _demand(status in self.expects, status, body)


@dataclass(slots=True)
class Refreshing:
    """Trades its refresh token for the next one, each time."""

    refresh_token: str
    peer: str

    def say(self) -> bytes:
        """A refresh with the newest token."""
        return post("/token/refresh", {"refresh_token": self.refresh_token}, peer=self.peer)

    def hear(self, status: int, body: bytes) -> None:
        """Keep the successor."""
        _demand(status == 200, status, body)
        successor = json.loads(body)["token"]["refresh_token"]["token"]
        if successor == self.refresh_token:
            raise Unexpected("a refresh did not advance")
        self.refresh_token = successor


@dataclass(slots=True)
class Each:
    """Several who ask on one connection, one after the other."""

    callers: list[Caller]
    turn: int = 0

    def say(self) -> bytes:
        """The request of the next of them."""
        self.turn = (self.turn + 1) % len(self.callers)
        return self.callers[self.turn].say()

    def hear(self, status: int, body: bytes) -> None:
        """Hand the answer to whoever asked."""
        self.callers[self.turn].hear(status, body)


@dataclass(slots=True)
class RefreshingByRpc:
    """The same over gRPC."""

    refresh_token: str
    path: str = "/identra.v1.IdentraService/RefreshToken"

    def say(self) -> bytes:
        """The message of a refresh with the newest token."""
        return v1.RefreshTokenRequest(refresh_token=self.refresh_token).SerializeToString()

    def hear(self, status: int, body: bytes) -> None:
        """Keep the successor."""
        _demand(status == 200, status, body)
        successor = v1.RefreshTokenResponse.FromString(body).token.refresh_token.token
        if successor == self.refresh_token:
            raise Unexpected("a refresh did not advance")
        self.refresh_token = successor


@dataclass(slots=True)
class Registering:
    """Somebody new each time, from somewhere else."""

    def say(self) -> bytes:
        """A registration of an address nobody has."""
        body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
        return post("/password/register", body, peer=somewhere())

    def hear(self, status: int, body: bytes) -> None:
        """Look at the status alone."""
        _demand(status == 200, status, body)


@dataclass(slots=True)
class Guessing:
    """Somebody whom nobody knows each time, from somewhere else, with a password of nobody's."""

    def say(self) -> bytes:
        """A login under an address that nobody has."""
        body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
        return post("/password/login", body, peer=somewhere())

    def hear(self, status: int, body: bytes) -> None:
        """Look at the status alone: judged and found wrong, or told to come back."""
        _demand(status in {401, 503}, status, body)


def get(path: str, **headers: str) -> bytes:
    """A GET request."""
    return _written("GET", path, headers, b"")


def post(path: str, body: dict[str, str], *, peer: str, bearer: str | None = None) -> bytes:
    """A POST request of a JSON body, forwarded by a proxy for `peer`."""
    headers = {"Content-Type": "application/json", "X-Forwarded-For": peer}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    return _written("POST", path, headers, json.dumps(body).encode())


def somewhere() -> str:
    """An address of the network that is set aside for benchmarks (RFC 2544)."""
    return f"198.{random.choice((18, 19))}.{random.randrange(256)}.{random.randrange(256)}"  # noqa: S311 - no secret


def _written(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _demand(holds: bool, status: int, body: bytes) -> None:  # noqa: FBT001 - reads as it is
    if not holds:
        raise Unexpected(f"{status}: {body[:300]!r}")

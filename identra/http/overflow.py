"""Logins for which there is no room, told so before Sanic makes a request of them.

Ten times more than can be hashed may come, and what each of those who are refused costs is taken
from everybody else on the event loop. So where there is no room for a network's, its plain logins
are answered at once: the head is judged, call and attempt are counted, kept and logged as any
other's. Whatever is said less plainly goes the long way. A test asks both ways and compares.
"""

from __future__ import annotations

from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Final

from identra.caller import request_id_of
from identra.errors import IdentraError, RateLimited
from identra.http.answered import Answered
from identra.http.call import end_of
from identra.http.cors import headers_for
from identra.http.errors import asked_for, shape_of
from identra.http.operation import EVERYWHERE, NO_STORE
from identra.http.plain import plain_of
from identra.http.routes import PREFIXES
from identra.secret import uuid7
from identra.standing import fields_of

if TYPE_CHECKING:
    from identra.app import App
    from identra.values import Peer

_LINE: Final = b"\r\n"


class Overflow:
    """Answers to plain logins from where there is no room for a hash."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asked = {
            f"POST {prefix}/{one.name}/login HTTP/1.1".encode(): (one.name, prefix)
            for one in app.providers.secrets
            for prefix in PREFIXES
        }

    def answer(self, data: bytes, socket: str | None) -> bytes | None:
        """The whole answer to a plain login that there is no room for; else None.

        `socket` is the address at the other end.
        """
        if not self._app.login.crowded:
            return None
        asked = self._asked.get(data[: data.find(_LINE)])
        return self._turn_away(*asked, data, socket) if asked else None

    def _turn_away(
        self, provider: str, prefix: str, data: bytes, socket: str | None
    ) -> bytes | None:
        began = perf_counter()
        try:
            plain = plain_of(data, local_only=self._app.dev)
        except IdentraError:
            return None
        if plain is None:
            return None
        ids = uuid7(), request_id_of(plain.said("x-request-id"))
        end = end_of(socket, plain.said, self._app.settings, ids)
        if self._app.login.has_room(end):
            return None
        failure = self._refusal(provider, end)
        answered = Answered(
            method="POST",
            route=f"{prefix}/{provider}/login",
            status=failure.status,
            seconds=perf_counter() - began,
            reason=failure.reason,
            detail=failure.detail,
        )
        answered.count(self._app.meter)
        answered.log(end)
        return self._write(failure, end, plain.said("origin"))

    def _refusal(self, provider: str, end: Peer) -> IdentraError:
        """What a call is refused for. It is counted here, and so goes no other way from here."""
        try:
            self._app.calls.take(end)
        except RateLimited as spent:
            return spent
        return self._app.login.turn_away(provider, end)

    def _write(self, failure: IdentraError, end: Peer, origin: str | None) -> bytes:
        body = shape_of(failure, end.request_id)
        headers = {
            **asked_for(failure),
            **EVERYWHERE,
            "Cache-Control": NO_STORE,
            "X-Request-ID": end.request_id,
            "X-Attempt-ID": end.attempt_id,
            **fields_of(end.standings.values()),
            **headers_for(self._app.settings.cors, origin),
            "content-length": str(len(body)),
            "connection": "keep-alive",
            "content-type": "application/json",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        first = f"HTTP/1.1 {failure.status} {HTTPStatus(failure.status).phrase}\r\n"
        return f"{first}{lines}\r\n{body}".encode("latin-1")

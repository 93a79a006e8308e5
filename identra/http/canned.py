"""The keys, answered before Sanic makes a request of the question.

Every service that verifies tokens asks for them, and is answered the same but for two ids. So a
plain question is answered from bytes that are kept; its head is judged, its call counted and
measured as any other's. Whatever is asked less plainly, or is to be refused, goes the long way,
which knows every case. A test asks both ways and holds the answers together.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final

from identra.caller import peer_of
from identra.errors import IdentraError
from identra.http.cors import headers_for
from identra.http.keys import PATH, headers_of
from identra.http.operation import EVERYWHERE
from identra.http.plain import plain_of
from identra.http.routes import PREFIXES
from identra.secret import uuid7
from identra.values import Peer

if TYPE_CHECKING:
    from identra.app import App
    from identra.keys import Jwks

_LINES: Final = tuple(f"GET {prefix}{PATH} HTTP/1.1\r\n".encode() for prefix in PREFIXES)
_END: Final = b"\r\n\r\n"
_FORWARDED: Final = "x-forwarded-for"
_CHANGING_NOTHING: Final = frozenset(
    {
        b"host",
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"user-agent",
        b"connection",
        _FORWARDED.encode(),
    }
)
"""Fields that change nothing of the answer."""


class Canned:
    """Answers to plain questions for the keys."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._kept: Jwks | None = None
        self._before = self._after = b""

    def answer(self, data: bytes, socket: str | None) -> bytes | None:
        """The whole answer, where `data` is one plain question and nothing else; else None.

        `socket` is the address at the other end.
        """
        if not data.startswith(_LINES):
            return None
        began = perf_counter()
        try:
            plain = plain_of(data, local_only=self._app.dev)
            if plain is None or not plain.fields.keys() <= _CHANGING_NOTHING:
                return None
            self._app.calls.take(Peer(self._address(socket, plain.said(_FORWARDED))))
            written = self._write()
        except IdentraError:
            return None
        self._app.meter.answered(
            PATH, "GET", "200", reason="", detail="", seconds=perf_counter() - began
        )
        return written

    def _address(self, socket: str | None, forwarded: str | None) -> str | None:
        http, limits = self._app.settings.http, self._app.settings.limits
        return peer_of(socket, forwarded, http.trusted_proxies, limits.trusted_callers)

    def _write(self) -> bytes:
        published = self._app.keys.published()
        if published is not self._kept:
            self._keep(published)
        return b"".join(
            (self._before, uuid7().encode(), b"\r\nX-Attempt-ID: ", uuid7().encode(), self._after)
        )

    def _keep(self, published: Jwks) -> None:
        settings = self._app.settings
        body = published.body
        headers = {
            **headers_of(published, settings),
            **EVERYWHERE,
            **headers_for(settings.cors, None),
            "content-length": str(len(body)),
            "connection": "keep-alive",
            "content-type": "application/json",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._before = f"HTTP/1.1 200 OK\r\n{lines}X-Request-ID: ".encode()
        self._after = _END + body
        self._kept = published

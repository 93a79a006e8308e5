"""Sanic's protocol with the time of a request's first byte, and an end for whoever stays."""

from __future__ import annotations

import sys
from socket import IPPROTO_TCP
from struct import Struct
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from sanic.exceptions import RequestTimeout, ServiceUnavailable
from sanic.http import Stage
from sanic.server.protocols.http_protocol import HttpProtocol

if sys.platform == "linux":
    from socket import TCP_INFO

if TYPE_CHECKING:
    from sanic.http import Http

    from identra.http.gate.connections import Connections

_LOOK_EVERY: Final = 0.5
_LONG: Final = 0.1
"""Seconds that are worth telling: below, much else takes as long."""
_TOLD: Final = Struct("52xI")
"""The milliseconds since data was received, as tcp(7) has them in its `tcp_info`."""


class Canned(Protocol):
    """Answers that are there already."""

    def answer(self, data: bytes, socket: str | None) -> bytes | None:
        """The whole answer to what came from the address `socket`; None where there is none."""
        ...


class FrontGate(HttpProtocol):
    """A connection that is judged by its first bytes' time, not by its last.

    `heard_at` is when something came last, at first when the connection did, by `monotonic`.
    `waited` is how many seconds the system kept a request's first bytes until they were taken in.
    """

    __slots__ = ("heard_at", "waited")

    @property
    def idle_since(self) -> float | None:
        """When it last did anything; None while a request is under way, and before it is read."""
        http = self.http
        return None if http is None or _is_under_way(http) else self._time

    def connection_made(self, transport: Any) -> None:
        """Take a connection in, or end it at once where there is no room."""
        self.heard_at, self.waited = monotonic(), 0.0
        if self._connections.enter(self, _address(transport)):
            super().connection_made(transport)  # type: ignore[no-untyped-call]
        else:
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Make its room free."""
        self._connections.leave(self)
        if self.transport is not None:
            super().connection_lost(exc)  # type: ignore[no-untyped-call]

    def data_received(self, data: bytes) -> None:
        """Take bytes in; only those that begin a request start its clock."""
        if self.transport is None:
            return
        self.heard_at = monotonic()
        if self._is_free and (answer := self._canned(data)):
            self.transport.write(answer)
            self._time = self.heard_at
            return
        began = self._time if self.http is not None and _is_under_way(self.http) else None
        if began is None:
            self.waited = kept_since(self.transport)
        super().data_received(data)
        if began is not None:
            self._time = began

    def check_timeouts(self) -> None:
        """Look again and again whether the connection has outlived its bound, and end it then.

        What it does not take of its answer within `Bounds.parting` it never gets.
        """
        if self._task is None or self.http is None:
            return
        bound, says = self._bound(self.http)
        if monotonic() - self._time > bound:
            self.http.exception = says
            self.http.request_body = None  # or Sanic would read the rest before it closes
            self._task.cancel()
        else:
            again = self.loop.call_later(_LOOK_EVERY, self.check_timeouts)
            self._callback_check_timeouts = again

    @property
    def _is_free(self) -> bool:
        """Whether nothing is under way, nor waits to be read or sent, and more may come."""
        http = self.http
        return (
            http is not None
            and http.keep_alive
            and not _is_under_way(http)
            and not self.recv_buffer
            and self._can_write.is_set()
            and not self.app.ctx.draining
        )

    def _canned(self, data: bytes) -> bytes | None:
        """An answer that can be given at once."""
        several: tuple[Canned, ...] = self.app.ctx.canned
        address = _address(self.transport)
        return next((said for one in several if (said := one.answer(data, address))), None)

    @property
    def _connections(self) -> Connections:
        connections: Connections = self.app.ctx.connections
        return connections

    def _bound(self, http: Http) -> tuple[float, Exception | None]:
        """How long the connection may be at its stage, and what to answer then."""
        if not _is_under_way(http):
            return self.keep_alive_timeout, None
        if http.stage is Stage.REQUEST or _awaits_body(http):
            return self.request_timeout, RequestTimeout("the request is not whole")
        return self.response_timeout, ServiceUnavailable("the answer took too long")


def kept_since(transport: Any) -> float:
    """Seconds since the last bytes of a connection came, if that is long; else 0.

    They wait where no worker takes connections, or its loop is held up. Linux alone tells.
    """
    if sys.platform != "linux":
        return 0.0
    try:
        told = transport.get_extra_info("socket").getsockopt(IPPROTO_TCP, TCP_INFO, _TOLD.size)
    except OSError:  # no TCP, or over already
        return 0.0
    seconds: float = _TOLD.unpack(told)[0] / 1000
    return seconds if seconds > _LONG else 0.0


def _address(transport: Any) -> str | None:
    """The socket's other end; a socket in the file system has none."""
    address = transport.get_extra_info("peername")
    return address[0] if isinstance(address, tuple) else None


def _is_under_way(http: Http) -> bool:
    return http.stage is not Stage.IDLE or _awaits_body(http)


def _awaits_body(http: Http) -> bool:
    """Whether bytes of a request's body are still to come, be it answered already or not."""
    return bool(getattr(http, "request_body", None))

"""The front gate: no head passes unjudged, and a whole request has one deadline.

Stock Sanic reads heads more generously than RFC 9112 and restarts its timer at every byte, so
that a client sending one byte at a time may stay for ever. Both end here.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from sanic.exceptions import RequestTimeout, ServiceUnavailable
from sanic.http import Stage
from sanic.server.protocols.http_protocol import HttpProtocol

from identra.http.head import LONGEST_BODY, LONGEST_HEAD, judge

if TYPE_CHECKING:
    from sanic import Sanic
    from sanic.http import Http

WHOLE_REQUEST = 15
WHOLE_ANSWER = 30
IDLE_CONNECTION = 75
_LOOK_EVERY = 0.5


def raise_gate(door: Sanic[Any, Any], *, local_only: bool) -> None:
    """Judge every head before Sanic reads it, and set the bounds of size and time, in seconds."""

    async def read_head(head: bytes, **_: Any) -> None:
        judge(head, local_only=local_only)

    door.add_signal(read_head, "http.lifecycle.read_head")
    door.config.update(
        REQUEST_MAX_HEADER_SIZE=LONGEST_HEAD,
        REQUEST_MAX_SIZE=LONGEST_BODY,
        REQUEST_TIMEOUT=WHOLE_REQUEST,
        RESPONSE_TIMEOUT=WHOLE_ANSWER,
        KEEP_ALIVE_TIMEOUT=IDLE_CONNECTION,
    )


class FrontGate(HttpProtocol):
    """Sanic's protocol with the time of a request's first byte, not of its last."""

    def data_received(self, data: bytes) -> None:
        """Take bytes in; only those that begin a request start its clock."""
        began = self._time if self.http is not None and _is_under_way(self.http) else None
        super().data_received(data)
        if began is not None:
            self._time = began

    def check_timeouts(self) -> None:
        """Look again and again whether the connection has outlived its bound, and end it then."""
        if self._task is None or self.http is None:
            return
        overdue, says = self._overdue(self.http, monotonic() - self._time)
        if overdue:
            self.http.exception = says
            self.http.request_body = None  # or Sanic would read the rest before it closes
            self._task.cancel()
        else:
            again = self.loop.call_later(_LOOK_EVERY, self.check_timeouts)
            self._callback_check_timeouts = again

    def _overdue(self, http: Http, elapsed: float) -> tuple[bool, Exception | None]:
        """Whether the connection has run out of time at its stage, and what to answer then."""
        if not _is_under_way(http):
            return elapsed > self.keep_alive_timeout, None
        if http.stage is Stage.REQUEST or _awaits_body(http):
            return elapsed > self.request_timeout, RequestTimeout("the request is not whole")
        return elapsed > self.response_timeout, ServiceUnavailable("the answer took too long")


def _is_under_way(http: Http) -> bool:
    return http.stage is not Stage.IDLE or _awaits_body(http)


def _awaits_body(http: Http) -> bool:
    """Whether bytes of a request's body are still to come, be it answered already or not."""
    return bool(getattr(http, "request_body", None))

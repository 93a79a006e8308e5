"""The front gate: what a connection must keep to before anything else looks at what it says.

Stock Sanic reads heads more generously than RFC 9112, restarts its timer at every byte, so that a
client sending one byte at a time may stay for ever, and takes connections without bound. All of
that ends here, and no route knows of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.http.gate.bounds import Bounds, allow_files
from identra.http.gate.connections import Connections
from identra.http.gate.head import LONGEST_BODY, LONGEST_HEAD, judge
from identra.http.gate.protocol import FrontGate

if TYPE_CHECKING:
    from sanic import Sanic

    from identra.app import App

__all__ = ["Bounds", "FrontGate", "allow_files", "judge", "raise_gate"]


def raise_gate(door: Sanic[Any, Any], app: App, bounds: Bounds) -> None:
    """Judge every head before Sanic reads it, and set the bounds of size, time and number."""

    async def read_head(head: bytes, **_: Any) -> None:
        judge(head, local_only=app.dev)

    door.add_signal(read_head, "http.lifecycle.read_head")
    proxies, callers = app.settings.http.trusted_proxies, app.settings.limits.trusted_callers
    door.ctx.connections = Connections(bounds, unbounded=(*proxies, *callers))
    door.config.update(
        REQUEST_MAX_HEADER_SIZE=LONGEST_HEAD,
        REQUEST_MAX_SIZE=LONGEST_BODY,
        REQUEST_TIMEOUT=bounds.whole_request,
        RESPONSE_TIMEOUT=bounds.whole_answer,
        KEEP_ALIVE_TIMEOUT=bounds.idle,
        GRACEFUL_TCP_CLOSE_TIMEOUT=bounds.parting,
    )

"""Routes that tell an operator's probes how the process fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.http.models import Empty, Health, Readiness
from identra.http.operation import Operation, reply

if TYPE_CHECKING:
    from sanic.response import HTTPResponse

    from identra.app import App
    from identra.http.call import Call

_UNAVAILABLE = 503


async def healthz(_app: App, _call: Call, _query: Empty) -> Health:
    """The process answers."""
    return Health(status="ok")


async def readyz(app: App, call: Call, _query: Empty) -> HTTPResponse:
    """Whether requests may be sent here: not while draining, nor without database or keys."""
    if getattr(call.app.ctx, "draining", False):
        return reply(Readiness(status="unready"), _UNAVAILABLE)
    found = await app.readiness()
    degraded = list(found.degraded) or None
    if found.ready:
        return reply(Readiness(status="ready", degraded=degraded))
    return reply(Readiness(status="unready", degraded=degraded), _UNAVAILABLE)


OPERATIONS = (
    Operation(
        "GET",
        "/healthz",
        healthz,
        "Tell whether it is alive",
        "health",
        gives={200: Health},
        counted=False,
    ),
    Operation(
        "GET",
        "/readyz",
        readyz,
        "Tell whether requests may be sent here",
        "health",
        gives={200: Readiness, _UNAVAILABLE: Readiness},
        counted=False,
    ),
)

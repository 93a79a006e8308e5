"""Routes by which a person takes along what is held of her, and leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sanic.response import HTTPResponse

from identra.dossier import written
from identra.errors import (
    InvalidToken,
    MissingToken,
    RateLimited,
    ReauthenticationRequired,
    StoreUnavailable,
)
from identra.http.call import bearer, peer
from identra.http.models import Empty, Export, Leave
from identra.http.operation import Operation
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


async def export(app: App, call: Call, _query: Empty) -> HTTPResponse:
    """Everything that is held about the caller."""
    return await told(await app.departure.export(bearer(call), peer(call, app.settings)))


async def told(document: dict[str, Any]) -> HTTPResponse:
    """An export as its answer: JSON as `Export` describes it, which may be very long."""
    body = await asyncio.to_thread(written, document)
    return HTTPResponse(body, content_type="application/json")


async def leave(app: App, call: Call, _query: Empty) -> Leave:
    """Disable the caller, to be deleted."""
    end = peer(call, app.settings)
    return Leave(leaves_at=await app.departure.leave(bearer(call), end) // SECOND)


OPERATIONS = (
    Operation(
        "GET",
        "/me/export",
        export,
        "Tell everything that is held about the caller",
        "me",
        gives={200: Export},
        fails=(MissingToken, InvalidToken, RateLimited, StoreUnavailable),
        bearer="required",
    ),
    Operation(
        "DELETE",
        "/me",
        leave,
        "Delete the caller, after a time of grace",
        "me",
        gives={200: Leave},
        fails=(MissingToken, InvalidToken, ReauthenticationRequired, RateLimited, StoreUnavailable),
        bearer="required",
    ),
)

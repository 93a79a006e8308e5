"""Routes by which a person takes along what is held of her, and leaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from identra.errors import (
    InvalidToken,
    MissingToken,
    RateLimited,
    ReauthenticationRequired,
    StoreUnavailable,
)
from identra.http.call import bearer, peer
from identra.http.models import Empty, Export, HeldAttempt, HeldEvent, Leave
from identra.http.operation import Operation, reply
from identra.values import SECOND

if TYPE_CHECKING:
    from sanic.response import HTTPResponse

    from identra.app import App
    from identra.http.call import Call


async def export(app: App, call: Call, _query: Empty) -> HTTPResponse:
    """Everything that is held about the caller."""
    told = await app.departure.export(bearer(call), peer(call, app.settings))
    # Of a long history that takes a second, in which everybody else's calls go on.
    return await asyncio.to_thread(_written, told)


def _written(told: dict[str, Any]) -> HTTPResponse:
    """One by one, so that other threads have their turn in between."""
    events = [HeldEvent.model_validate(one) for one in told["events"]]
    attempts = [HeldAttempt.model_validate(one) for one in told["attempts"]]
    return reply(Export.model_validate(told | {"events": events, "attempts": attempts}))


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

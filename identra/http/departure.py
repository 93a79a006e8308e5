"""Routes by which a person takes along what is held of her, and leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


async def export(app: App, call: Call, _query: Empty) -> Export:
    """Everything that is held about the caller."""
    return Export.model_validate(await app.departure.export(bearer(call)))


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

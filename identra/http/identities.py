"""Routes of the identities that the signed-in person is known by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import (
    InvalidToken,
    LastLoginMethod,
    MissingToken,
    NotFound,
    RateLimited,
    ReauthenticationRequired,
    StoreUnavailable,
)
from identra.http.call import bearer, peer
from identra.http.models import Empty
from identra.http.operation import Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


async def unlink(app: App, call: Call, _query: Empty) -> Empty:
    """Remove the caller's identities at a provider."""
    end = peer(call, app.settings)
    await app.identities.unlink(bearer(call), call.match_info["provider"], end)
    return Empty()


OPERATIONS = (
    Operation(
        "DELETE",
        "/me/identities/{provider}",
        unlink,
        "Remove the caller's identities at a provider",
        "me",
        fails=(
            MissingToken,
            InvalidToken,
            ReauthenticationRequired,
            NotFound,
            LastLoginMethod,
            RateLimited,
            StoreUnavailable,
        ),
        bearer="required",
    ),
)
